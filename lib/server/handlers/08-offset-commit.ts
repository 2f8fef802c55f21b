/**
 * OffsetCommit: v2-10
 *
 * Behaviours
 * - An unknown topic or partition is UNKNOWN_TOPIC_OR_PARTITION for itself; the rest is committed. Negative offsets are accepted.
 * - Without member and generation ("simple") only while the group has no members, else UNKNOWN_MEMBER_ID.
 * - Between JoinGroup and SyncGroup: REBALANCE_IN_PROGRESS. In a stable group a commit is as good as a heartbeat.
 * - Metadata of more than offset.metadata.max.bytes: OFFSET_METADATA_TOO_LARGE for that partition.
 * Version notes
 * - v2-v4: retentionTimeMs; later the broker's retention alone counts (KIP-211).
 * - v6: leader epoch (KIP-320). v7: groupInstanceId (KIP-345).
 * - v9: an unknown group with a generation is GROUP_ID_NOT_FOUND, before ILLEGAL_GENERATION (KIP-848).
 * - v10: topics by id; an unknown id is UNKNOWN_TOPIC_ID.
 */
import { OffsetCommit, ZERO_UUID } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const offsetCommit = api(OffsetCommit, '2-10', (request, { apiVersion }, { groups }) => {
  const byId = apiVersion >= 10
  const answer = groups.commitOffsets(
    {
      groupId: request.groupId,
      generationIdOrMemberEpoch: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      retentionTimeMs: request.retentionTimeMs,
      knowsGroupIdNotFound: apiVersion >= 9,
      topics: byId ? request.topics : request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
    },
    byId,
  )
  return then(answer, ({ topics }) => ({ throttleTimeMs: 0, topics }))
})
