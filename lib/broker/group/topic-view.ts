/**
 * What the coordinator has to know about topics, and how requests about offsets are split by it: unknown topics never reach the
 * state machine. Refused topics come first in an answer, as Kafka merges them.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type {
  OffsetCommitReply,
  OffsetCommitTopic,
  OffsetDeleteCommand,
  OffsetDeleteReply,
  OffsetFetchReplyTopic,
} from './commands.js'

export interface TopicView {
  /** Null when there is no such topic. */
  partitionCount(name: string): number | null
  topicName(topicId: string): string | null
  topicId(name: string): string | null
}

type CommitReplyTopic = OffsetCommitReply['topics'][number]

/** `byId`: OffsetCommit v10+. */
export function splitCommit(
  view: TopicView,
  topics: readonly OffsetCommitTopic[],
  byId: boolean,
): { known: OffsetCommitTopic[]; refused: CommitReplyTopic[] } {
  const known: OffsetCommitTopic[] = []
  const refused: CommitReplyTopic[] = []
  for (const topic of topics) {
    const name = byId ? view.topicName(topic.topicId) : topic.name
    const count = name === null ? null : view.partitionCount(name)
    if (name === null || count === null) {
      const errorCode = name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      refused.push({
        name: topic.name,
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })
      continue
    }
    const exists = (partition: number): boolean => partition >= 0 && partition < count
    const good = topic.partitions.filter(({ partitionIndex }) => exists(partitionIndex))
    const bad = topic.partitions.filter(({ partitionIndex }) => !exists(partitionIndex))
    // The id is stored even when the client spoke of the name: a topic made anew under it must not inherit the offset.
    const topicId = byId ? topic.topicId : (view.topicId(name) ?? topic.topicId)
    if (good.length > 0) known.push({ name, topicId, partitions: good })
    if (bad.length > 0) {
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      refused.push({ name, topicId, partitions: bad.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
    }
  }
  return { known, refused }
}

export function mergeCommit(refused: readonly CommitReplyTopic[], reply: OffsetCommitReply): OffsetCommitReply {
  return refused.length === 0 ? reply : { topics: mergeByName(refused, reply.topics) }
}

type DeleteReplyTopic = OffsetDeleteReply['topics'][number]

export function splitDelete(
  view: TopicView,
  topics: OffsetDeleteCommand['topics'],
): { known: OffsetDeleteCommand['topics']; refused: DeleteReplyTopic[] } {
  const known: { name: string; partitions: number[] }[] = []
  const refused: DeleteReplyTopic[] = []
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  for (const { name, partitions } of topics) {
    const count = view.partitionCount(name) ?? 0
    const good = partitions.filter((partition) => partition >= 0 && partition < count)
    const bad = partitions.filter((partition) => partition < 0 || partition >= count)
    if (good.length > 0) known.push({ name, partitions: good })
    if (bad.length > 0) {
      refused.push({ name, partitions: bad.map((partitionIndex) => ({ partitionIndex, errorCode })) })
    }
  }
  return { known, refused }
}

export function mergeDelete(refused: readonly DeleteReplyTopic[], reply: OffsetDeleteReply): OffsetDeleteReply {
  // An error of the whole group leaves no room for topics (OffsetDeleteResponse.Builder.merge).
  if (refused.length === 0 || reply.errorCode !== ErrorCode.NONE) return reply
  return { errorCode: reply.errorCode, topics: mergeByName(refused, reply.topics) }
}

function mergeByName<P, T extends { readonly name: string; readonly partitions: readonly P[] }>(
  refused: readonly T[],
  answered: readonly T[],
): T[] {
  const merged = [...refused]
  for (const topic of answered) {
    const at = merged.findIndex(({ name }) => name === topic.name)
    if (at === -1) merged.push(topic)
    else merged[at] = { ...topic, partitions: [...merged[at]!.partitions, ...topic.partitions] }
  }
  return merged
}

export interface FetchTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/** OffsetFetch v10+: topics by id. Unknown ids are answered, after the others, with UNKNOWN_TOPIC_ID. */
export function splitFetch(
  view: TopicView,
  topics: readonly FetchTopic[],
): { known: FetchTopic[]; refused: OffsetFetchReplyTopic[] } {
  const known: FetchTopic[] = []
  const refused: OffsetFetchReplyTopic[] = []
  for (const topic of topics) {
    const name = view.topicName(topic.topicId)
    if (name !== null) {
      known.push({ ...topic, name })
      continue
    }
    refused.push({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: -1,
        committedLeaderEpoch: -1,
        metadata: '',
        errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
      })),
    })
  }
  return { known, refused }
}
