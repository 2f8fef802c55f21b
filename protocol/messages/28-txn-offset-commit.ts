import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * TxnOffsetCommit: stores positions of a group as part of a transaction.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version (KIP-98)
 *   v1   the same bytes
 *   v2   request: + topics.partitions.committedLeaderEpoch (KIP-320)
 *   v3   request: + generationIdOrMemberEpoch, memberId, groupInstanceId; flexible (KIP-482) (KIP-447)
 *   v4   the same bytes (KIP-890)
 *   v5   the same bytes (KIP-890)
 *   v6   request: + topics.topicId; - topics.name; response: + topics.topicId; - topics.name
 */
export const TxnOffsetCommit = message(
  'TxnOffsetCommit',
  { key: 28, versions: '0-6', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    transactionalId: string('0+'),
    groupId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    generationIdOrMemberEpoch: int32('3+', { default: -1 }),
    memberId: string('3+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    topics: array('0+', {
      name: string('0-5', { ignorable: true }),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0-5', { ignorable: true }),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseOf<typeof TxnOffsetCommit>
