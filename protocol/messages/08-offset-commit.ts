import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * OffsetCommit: stores the positions of a group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v2   the lowest version that Kafka 4.4 serves
 *   v3   response: + throttleTimeMs
 *   v4   the same bytes
 *   v5   request: - retentionTimeMs (KIP-211)
 *   v6   request: + topics.partitions.committedLeaderEpoch (KIP-320)
 *   v7   request: + groupInstanceId (KIP-345)
 *   v8   flexible (KIP-482)
 *   v9   the same bytes (KIP-848)
 *   v10  request: + topics.topicId; - topics.name; response: + topics.topicId; - topics.name
 */
export const OffsetCommit = message(
  'OffsetCommit',
  { key: 8, versions: '2-10', flexible: '8+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1, ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>
