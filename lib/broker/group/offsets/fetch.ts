/** OffsetFetch (9). Source: OffsetMetadataManager.fetchOffsets, fetchAllOffsets. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { OffsetFetchCommand, OffsetFetchReply, OffsetFetchReplyPartition } from '../commands.js'
import { type CommittedOffset, ZERO_TOPIC_ID } from '../records.js'
import type { OffsetStore, TopicOffsets } from './store.js'

/** An unknown group, topic or partition is no error: it has no offset. */
export function fetchOffsets(store: OffsetStore, request: OffsetFetchCommand): OffsetFetchReply {
  const { groupId, requireStable } = request
  const offsets = store.ofGroup(groupId)
  // KIP-447: with require_stable an offset that a transaction is about to replace is not shown.
  const isUnstable = (topic: string, partition: number): boolean =>
    requireStable && store.isPending(groupId, topic, partition)
  if (request.topics === null) {
    const topics = Array.from(offsets ?? [], ([name, partitions]) => ({
      name,
      topicId: ZERO_TOPIC_ID,
      partitions: Array.from(partitions.keys(), (partition) =>
        replyPartition(partition, isUnstable(name, partition) ? null : find(partitions, partition, ZERO_TOPIC_ID)),
      ),
    }))
    return { groupId, errorCode: ErrorCode.NONE, topics }
  }
  const topics = request.topics.map(({ name, topicId, partitionIndexes }) => {
    const partitions = offsets?.get(name)
    return {
      name,
      topicId,
      partitions: partitionIndexes.map((partition) =>
        replyPartition(partition, isUnstable(name, partition) ? null : find(partitions, partition, topicId)),
      ),
    }
  })
  return { groupId, errorCode: ErrorCode.NONE, topics }
}

/** Undefined when there is none, or when it was committed for an earlier topic of the same name. */
function find(partitions: TopicOffsets | undefined, partition: number, topicId: string): CommittedOffset | undefined {
  const committed = partitions?.get(partition)
  if (committed === undefined || topicId === ZERO_TOPIC_ID || committed.topicId === ZERO_TOPIC_ID) return committed
  return committed.topicId === topicId ? committed : undefined
}

/** `null`: a transaction is open on it. */
function replyPartition(
  partitionIndex: number,
  committed: CommittedOffset | undefined | null,
): OffsetFetchReplyPartition {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode: committed === null ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE,
  }
}
