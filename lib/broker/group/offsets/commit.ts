/** OffsetCommit (8). Source: OffsetMetadataManager.commitOffset, ClassicGroup.validateOffsetCommit. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { ClassicGroup } from '../classic/group.js'
import { rescheduleSession } from '../classic/rebalance.js'
import { validateMember } from '../classic/replies.js'
import type { OffsetCommitCommand, OffsetCommitReply } from '../commands.js'
import { ZERO_TOPIC_ID } from '../records.js'
import { restart, type Turn } from '../turn.js'

export function commitOffsets(turn: Turn, request: OffsetCommitCommand, slot: Slot<OffsetCommitReply>): void {
  const group = turn.registry.classic(request.groupId)
  const invalid = validateCommit(turn, group, request)
  if (invalid !== ErrorCode.NONE) {
    turn.out.answer(slot, commitError(request, invalid))
    return
  }
  // A commit is a sign of life, as good as a heartbeat.
  const member = group?.members.get(request.memberId)
  if (group !== undefined && member !== undefined) rescheduleSession(turn, member, group)

  const expireTimestamp = request.retentionTimeMs === -1 ? -1 : timeAfter(turn.now, request.retentionTimeMs)
  appendOffsets(turn, request, expireTimestamp, slot)
}

type OffsetsToCommit = Pick<OffsetCommitCommand, 'groupId' | 'topics'>

/** Records for all offsets whose metadata is small enough, and the answer for all of them. `expireTimestamp` -1: by the broker's retention. */
export function appendOffsets(
  turn: Turn,
  request: OffsetsToCommit,
  expireTimestamp: number,
  slot: Slot<OffsetCommitReply>,
): void {
  const topics = request.topics.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.map((partition) => {
      const metadata = partition.committedMetadata ?? ''
      const tooLarge = metadata.length > turn.config.offsetMetadataMaxSize
      if (!tooLarge) {
        turn.out.append({
          type: 'offset-commit',
          group: request.groupId,
          topic: topic.name,
          partition: partition.partitionIndex,
          value: {
            offset: partition.committedOffset,
            // The stored form with an expiry has no room for these: memory must not know more than the log.
            leaderEpoch: expireTimestamp === -1 ? partition.committedLeaderEpoch : -1,
            metadata,
            commitTimestamp: turn.now,
            expireTimestamp,
            topicId: expireTimestamp === -1 ? topic.topicId : ZERO_TOPIC_ID,
          },
        })
      }
      const errorCode: ErrorCode = tooLarge ? ErrorCode.OFFSET_METADATA_TOO_LARGE : ErrorCode.NONE
      return { partitionIndex: partition.partitionIndex, errorCode }
    }),
  }))
  turn.out.answer(slot, { topics })
  turn.out.standsAlone = true
  turn.out.ifTooLarge = () => {
    const instead = restart(turn)
    instead.out.answer(slot, commitError(request, ErrorCode.INVALID_COMMIT_OFFSET_SIZE))
    return instead.out
  }
}

/** A client may ask for any int64, which is a bigint when it is absurd; what is stored stays a number, far enough away for ever. */
function timeAfter(now: number, retentionMs: number): number {
  return Math.min(Math.max(now + Number(retentionMs), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

/**
 * A. no group, no generation: a consumer without membership, or an administrator; makes a "simple" group
 * B. no group, a generation: v9+ GROUP_ID_NOT_FOUND, before ILLEGAL_GENERATION
 * C. an Empty group, no generation: as A
 * D. somebody who says who it is: must be a member of this generation
 * E. nobody in particular while the group has members: UNKNOWN_MEMBER_ID
 * F. a member while the assignment is being made: REBALANCE_IN_PROGRESS
 */
function validateCommit(turn: Turn, group: ClassicGroup | undefined, request: OffsetCommitCommand): ErrorCode {
  const { generationIdOrMemberEpoch: generationId, memberId, groupInstanceId } = request
  if (group === undefined) {
    if (generationId >= 0) {
      return request.knowsGroupIdNotFound ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION // B
    }
    return turn.registry.size < turn.config.groupsPerShardMax ? ErrorCode.NONE : ErrorCode.COORDINATOR_NOT_AVAILABLE // A
  }
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE // C
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID // E
  const invalid = validateMember(group, memberId, groupInstanceId) // D
  if (invalid !== ErrorCode.NONE) return invalid
  if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE // F
}

export function commitError(request: Pick<OffsetCommitCommand, 'topics'>, errorCode: ErrorCode): OffsetCommitReply {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
}
