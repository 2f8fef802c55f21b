/**
 * DescribeProducers: v0
 *
 * Behaviours
 * - Tells of every producer that a partition remembers: its epoch, the last sequence and time, the open transaction's first offset and the
 *   epoch of the coordinator that ended the last one. -1 for what there is not.
 * - Every replica answers for its own log (admin clients may name a broker): NOT_LEADER_OR_FOLLOWER where there is none,
 *   UNKNOWN_TOPIC_OR_PARTITION for what does not exist, INVALID_TOPIC_EXCEPTION for what cannot; of a topic there is a message, too.
 * Deviation: a partition named twice is answered once, so that a small request cannot ask for an answer without bounds.
 */
import { DescribeProducers, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import type { Partition } from '../../broker/partition/partition.js'
import { topicNameProblem } from '../../metadata/topic-name.js'
import { api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof DescribeProducers>
type Topic = NonNullable<ResponseInput<typeof DescribeProducers>['topics']>[number]
type PartitionAnswer = NonNullable<Topic['partitions']>[number]

export const describeProducers = api(DescribeProducers, '0-0', describeProducersHandler)

function describeProducersHandler(
  request: Request,
  _context: RequestContext,
  broker: BrokerServices,
): HandlerResult<typeof DescribeProducers> {
  const asked = new Map<string, Set<number>>()
  for (const { name, partitionIndexes } of request.topics) {
    let indexes = asked.get(name)
    if (indexes === undefined) asked.set(name, (indexes = new Set()))
    for (const index of partitionIndexes) indexes.add(index)
  }
  return {
    throttleTimeMs: 0,
    topics: Array.from(asked, ([name, indexes]) => ({
      name,
      partitions: Array.from(indexes, (index) => describe(name, index, broker)),
    })),
  }
}

function describe(topic: string, partitionIndex: number, broker: BrokerServices): PartitionAnswer {
  const problem = topicNameProblem(topic)
  if (problem !== null) return failed(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (!broker.image().topicsByName.has(topic)) {
    return failed(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${topic}.`)
  }
  const found = broker.replicas.find(topic, partitionIndex)
  const errorCode = typeof found === 'number' ? found : found.check(-1, false)
  if (typeof found === 'number' || errorCode !== ErrorCode.NONE) {
    return failed(partitionIndex, errorCode, null)
  }
  return { partitionIndex, errorCode, errorMessage: null, activeProducers: activeProducers(found) }
}

function failed(partitionIndex: number, errorCode: ErrorCode, errorMessage: string | null): PartitionAnswer {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] }
}

function activeProducers({ log }: Partition): PartitionAnswer['activeProducers'] {
  const { producers } = log
  return Array.from(producers.entries(), (entry) => ({
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: entry.lastTimestamp,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: producers.transactions.firstOffsetOf(entry.producerId),
  }))
}
