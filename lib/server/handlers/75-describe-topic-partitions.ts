/**
 * DescribeTopicPartitions: v0 (KIP-966)
 *
 * Behaviours
 * - Topics by rising name, at most `responsePartitionLimit` partitions (bounded by max.request.partition.size.limit) over all of them; what
 *   is left begins at `nextCursor`. No topics: all of them.
 * - A cursor whose topic is not among those named, or with a negative partition: INVALID_REQUEST on each topic named.
 * - Unknown topics: UNKNOWN_TOPIC_OR_PARTITION, impossible names: INVALID_TOPIC_EXCEPTION; they take none of the limit.
 */
import { DescribeTopicPartitions, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { isLost, type PartitionImage } from '../../metadata/image.js'
import { isInternalTopic, topicNameProblem } from '../../metadata/topic-name.js'
import { api, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'
import { OPERATIONS_NOT_ASKED, topicOperations } from './support/authorized-operations.js'

type Request = RequestOf<typeof DescribeTopicPartitions>
type Response = ResponseInput<typeof DescribeTopicPartitions>
type Topic = NonNullable<Response['topics']>[number]
type Partition = NonNullable<Topic['partitions']>[number]

export const describeTopicPartitions = api(DescribeTopicPartitions, '0-0', (request, context, broker) => {
  const { cursor } = request
  const named = new Set(request.topics.map(({ name }) => name))
  if (cursor !== null && (cursor.partitionIndex < 0 || (named.size > 0 && !named.has(cursor.topicName)))) {
    // Kafka's generic error answer: nothing is said about rights.
    const topicAuthorizedOperations = OPERATIONS_NOT_ASKED
    return {
      topics: [...named].map((name) => ({ ...failed(name, ErrorCode.INVALID_REQUEST), topicAuthorizedOperations })),
    }
  }
  return describe(request, context, broker)
})

function describe(request: Request, context: RequestContext, broker: BrokerServices): Response {
  const { cursor } = request
  const image = broker.image()
  const all = request.topics.length === 0
  const names = new Set(all ? image.topicsByName.keys() : request.topics.map(({ name }) => name))
  const wanted = [...names].filter((name) => cursor === null || name >= cursor.topicName).sort(byName)
  const most = broker.config.number('max.request.partition.size.limit')
  let left = Math.max(1, Math.min(most, request.responsePartitionLimit))
  const reachable = reachableBrokers(context, broker)
  const topics: Topic[] = []
  for (const name of wanted) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } }
    const topic = image.topicsByName.get(name)
    if (topic === undefined) {
      const impossible = topicNameProblem(name) !== null
      topics.push(failed(name, impossible ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const partitions = topic.partitions
      .slice(first, first + left)
      .map((partition) => describePartition(partition, reachable))
    topics.push({ ...failed(name, ErrorCode.NONE), topicId: topic.topicId, partitions })
    left -= partitions.length
    const next = first + partitions.length
    if (next < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: next } }
  }
  return { topics, nextCursor: null }
}

/** Java's String.compareTo: by UTF-16 units, as `<` has it. */
function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function failed(name: string, errorCode: ErrorCode): Topic {
  return {
    errorCode,
    name,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: topicOperations,
  }
}

function reachableBrokers(context: RequestContext, broker: BrokerServices): ReadonlySet<number> {
  const reachable = [...broker.image().brokers.values()].filter(
    ({ fenced, brokerId }) => !fenced && broker.advertised(brokerId, context.connection) !== null,
  )
  return new Set(reachable.map(({ brokerId }) => brokerId))
}

/** Unlike in Metadata a partition without a leader is no error: its replicas are what is asked for. */
function describePartition(partition: PartitionImage, reachable: ReadonlySet<number>): Partition {
  const { leader } = partition
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex: partition.partition,
    leaderId: reachable.has(leader) ? leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [...partition.replicas],
    isrNodes: [...partition.isr],
    eligibleLeaderReplicas: [...partition.eligibleLeaderReplicas],
    lastKnownElr: [...partition.lastKnownElr],
    offlineReplicas: partition.replicas.filter((id) => !reachable.has(id) || isLost(partition, id)),
  }
}
