import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * OffsetFetch: reads the positions of a group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v1   the lowest version that Kafka 4.4 serves
 *   v2   request: topics may be null; response: + errorCode
 *   v3   response: + throttleTimeMs
 *   v4   the same bytes
 *   v5   response: + topics.partitions.committedLeaderEpoch (KIP-320)
 *   v6   flexible (KIP-482)
 *   v7   request: + requireStable (KIP-447)
 *   v8   request: + groups; - groupId, topics; response: + groups; - topics, errorCode (KIP-709)
 *   v9   request: + groups.memberId, groups.memberEpoch (KIP-848)
 *   v10  request: + groups.topics.topicId; - groups.topics.name; response: + groups.topics.topicId; -
 *        groups.topics.name
 */
export const OffsetFetch = message(
  'OffsetFetch',
  { key: 9, versions: '1-10', flexible: '6+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0-7'),
    topics: array(
      '0-7',
      {
        name: string('0-7'),
        partitionIndexes: array('0-7', 'int32'),
      },
      { nullable: '2-7' },
    ),
    groups: array('8+', {
      groupId: string('8+'),
      memberId: string('9+', { nullable: '9+', default: null, ignorable: true }),
      memberEpoch: int32('9+', { default: -1, ignorable: true }),
      topics: array(
        '8+',
        {
          name: string('8-9', { ignorable: true }),
          topicId: uuid('10+', { ignorable: true }),
          partitionIndexes: array('8+', 'int32'),
        },
        { nullable: '8+' },
      ),
    }),
    requireStable: bool('7+'),
  },
  {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0-7', {
      name: string('0-7'),
      partitions: array('0-7', {
        partitionIndex: int32('0-7'),
        committedOffset: int64('0-7'),
        committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
        metadata: string('0-7', { nullable: '0-7' }),
        errorCode: int16('0-7'),
      }),
    }),
    errorCode: int16('2-7', { ignorable: true }),
    groups: array('8+', {
      groupId: string('8+'),
      topics: array('8+', {
        name: string('8-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
        partitions: array('8+', {
          partitionIndex: int32('8+'),
          committedOffset: int64('8+'),
          committedLeaderEpoch: int32('8+', { default: -1, ignorable: true }),
          metadata: string('8+', { nullable: '8+' }),
          errorCode: int16('8+'),
        }),
      }),
      errorCode: int16('8+'),
    }),
  },
)

export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>
