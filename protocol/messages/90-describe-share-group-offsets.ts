import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * DescribeShareGroupOffsets: shows the start offsets of share groups.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version; flexible (KIP-932)
 *   v1   response: + groups.topics.partitions.lag
 */
export const DescribeShareGroupOffsets = message(
  'DescribeShareGroupOffsets',
  { key: 90, versions: '0-1', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groups: array('0+', {
      groupId: string('0+'),
      topics: array(
        '0+',
        {
          topicName: string('0+'),
          partitions: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      topics: array('0+', {
        topicName: string('0+'),
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          startOffset: int64('0+'),
          leaderEpoch: int32('0+'),
          lag: int64('1+', { default: -1, ignorable: true }),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+', default: null }),
        }),
      }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
)

export type DescribeShareGroupOffsetsRequest = RequestOf<typeof DescribeShareGroupOffsets>
export type DescribeShareGroupOffsetsResponse = ResponseOf<typeof DescribeShareGroupOffsets>
