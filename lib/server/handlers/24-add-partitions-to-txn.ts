/**
 * AddPartitionsToTxn: v0-5
 *
 * Behaviours
 * - Puts partitions into the producer's transaction, which begins by it. A partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION; then
 *   the others are OPERATION_NOT_ATTEMPTED and nothing is added.
 * - An id that nobody has initialized: INVALID_PRODUCER_ID_MAPPING. A fenced epoch: PRODUCER_FENCED. The last transaction is still
 *   ending: CONCURRENT_TRANSACTIONS, the client comes again.
 * Version notes
 * - v0-v1: INVALID_PRODUCER_EPOCH for PRODUCER_FENCED (KIP-588). v4 (KIP-890): sent by brokers; several transactions, and `verifyOnly`, which adds
 *   nothing and says TRANSACTION_ABORTABLE for what is not in the transaction. v5: the same bytes.
 */
import { AddPartitionsToTxn, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { type Answer, all, then } from '../../broker/group/answer.js'
import type { TopicPartitions } from '../../broker/transaction/records.js'
import { api } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof AddPartitionsToTxn>
type Response = ResponseInput<typeof AddPartitionsToTxn>
type Topics = Request['v3AndBelowTopics']
type TopicResult = NonNullable<Response['resultsByTopicV3AndBelow']>[number]

/** One transaction of the request, whatever its version. */
interface Asked {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly verifyOnly: boolean
  readonly topics: Topics
}

export const addPartitionsToTxn = api(
  AddPartitionsToTxn,
  '0-5',
  (request, { apiVersion }, broker): Answer<Response> => {
    if (apiVersion < 4) {
      const { v3AndBelowTransactionalId: transactionalId, v3AndBelowProducerId: producerId } = request
      const { v3AndBelowProducerEpoch: producerEpoch, v3AndBelowTopics: topics } = request
      const asked = { transactionalId, producerId, producerEpoch, verifyOnly: false, topics }
      return then(answerOne(asked, apiVersion, broker), (resultsByTopicV3AndBelow) => ({ resultsByTopicV3AndBelow }))
    }
    // An id named twice is answered once, as Kafka keeps them in a map.
    const byId = new Map(request.transactions.map((transaction) => [transaction.transactionalId, transaction]))
    const answers = [...byId.values()].map((asked) =>
      then(answerOne(asked, apiVersion, broker), (topicResults) => ({
        transactionalId: asked.transactionalId,
        topicResults,
      })),
    )
    return then(all(answers), (resultsByTransaction) => ({ errorCode: ErrorCode.NONE, resultsByTransaction }))
  },
)

function answerOne(asked: Asked, version: number, broker: BrokerServices): Answer<TopicResult[]> {
  const unknown = unknownIn(asked.topics, broker)
  if (unknown !== null) {
    return results(asked.topics, (topic, id) =>
      unknown(topic, id) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OPERATION_NOT_ATTEMPTED,
    )
  }
  const { transactionalId, producerId, producerEpoch } = asked
  const partitions = asked.topics.map(({ name, partitions }) => ({ topic: name, partitionIds: distinct(partitions) }))
  const command = { transactionalId, producerId, producerEpoch, partitions }
  if (asked.verifyOnly) {
    return then(broker.transactions.verifyPartitions(command), ({ errorCodes }) => verified(partitions, errorCodes))
  }
  // Versions from 4 on are sent for clients that have an epoch for each transaction.
  const transactionVersion = version >= 4 ? 2 : 0
  return then(broker.transactions.addPartitions({ ...command, transactionVersion }), ({ errorCode }) => {
    const older = version < 2 && errorCode === ErrorCode.PRODUCER_FENCED
    return results(asked.topics, () => (older ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode))
  })
}

const distinct = (ids: readonly number[]): readonly number[] => (ids.length < 2 ? ids : [...new Set(ids)])

/** Null when every partition exists, else which do not. */
function unknownIn(topics: Topics, broker: BrokerServices): ((topic: string, id: number) => boolean) | null {
  const { topicsByName } = broker.image()
  const isUnknown = (topic: string, id: number): boolean => topicsByName.get(topic)?.partitions[id] === undefined
  return topics.some(({ name, partitions }) => partitions.some((id) => isUnknown(name, id))) ? isUnknown : null
}

function results(topics: Topics, code: (topic: string, id: number) => ErrorCode): TopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: distinct(partitions).map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: code(name, partitionIndex),
    })),
  }))
}

function verified(partitions: TopicPartitions, errorCodes: readonly ErrorCode[]): TopicResult[] {
  let at = 0
  return partitions.map(({ topic, partitionIds }) => ({
    name: topic,
    resultsByPartition: partitionIds.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorCodes[at++]!,
    })),
  }))
}
