/**
 * TxnOffsetCommit: v0-6
 *
 * Behaviours
 * - The offsets count when the producer's transaction commits; until then OffsetFetch with require-stable answers UNSTABLE_OFFSET_COMMIT.
 * - The group's partition of `__consumer_offsets` must be part of the transaction (AddOffsetsToTxn), else INVALID_TXN_STATE.
 * - An unknown topic or partition is UNKNOWN_TOPIC_OR_PARTITION for itself. An empty group id: INVALID_GROUP_ID.
 * Version notes
 * - v0-v1: COORDINATOR_NOT_AVAILABLE while the coordinator loads: those clients die of COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296).
 * - v2: leader epoch (KIP-320). v3 (KIP-447): generation and member, which are checked. v4 (KIP-890): TRANSACTION_ABORTABLE.
 * - v5 (KIP-890): adds the group to the transaction by itself. v6: topics by id; an unknown id is UNKNOWN_TOPIC_ID;
 *   a generation of an unknown group is GROUP_ID_NOT_FOUND, before ILLEGAL_GENERATION.
 */
import { ErrorCode, type RequestOf, TxnOffsetCommit, ZERO_UUID } from '../../../protocol/index.js'
import { GROUP_TOPIC } from '../../broker/coordinator/locate.js'
import { type Answer, then } from '../../broker/group/answer.js'
import { type Awaitable, api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof TxnOffsetCommit>

export const txnOffsetCommit = api(TxnOffsetCommit, '0-6', txnOffsetCommitHandler)

function txnOffsetCommitHandler(
  request: Request,
  { apiVersion }: RequestContext,
  broker: BrokerServices,
): Awaitable<HandlerResult<typeof TxnOffsetCommit>> {
  const byId = apiVersion >= 6
  const answer = broker.groups.commitTransactional(
    {
      groupId: request.groupId,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
      generationIdOrMemberEpoch: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      knowsGroupIdNotFound: byId,
      topics: byId ? request.topics : request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
    },
    byId,
    () => admit(request, apiVersion, broker),
  )
  return then(answer, ({ topics }) => ({
    throttleTimeMs: 0,
    topics:
      apiVersion >= 2 ? topics : topics.map((topic) => ({ ...topic, partitions: topic.partitions.map(forOldClients) })),
  }))
}

/** Asks the transaction coordinator whether the group's partition is part of the transaction; from v5 on it becomes so. */
function admit(
  request: Request,
  apiVersion: number,
  { groups, replicas, produceGate }: BrokerServices,
): Answer<ErrorCode> {
  const partition = replicas.find(GROUP_TOPIC, groups.partitionFor(request.groupId))
  if (typeof partition === 'number') return ErrorCode.NOT_COORDINATOR
  const { transactionalId, producerId, producerEpoch } = request
  // The steps of KIP-890 came to Produce with the versions 11 and 12.
  const requestVersion = apiVersion + 7
  if (produceGate.isOutdated(partition, { producerId, producerEpoch }, requestVersion)) {
    return ErrorCode.INVALID_PRODUCER_EPOCH
  }
  if (!produceGate.asks(partition, { producerId, producerEpoch }, requestVersion)) return ErrorCode.NONE
  const batches = { transactionalId, producerId, producerEpoch, partitions: [partition], requestVersion }
  return then(produceGate.admit({ ...batches, retriableAsIs: true }), ([errorCode]) => errorCode!)
}

function forOldClients<P extends { readonly errorCode: ErrorCode }>(partition: P): P {
  if (partition.errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return partition
  return { ...partition, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }
}
