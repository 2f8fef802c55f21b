import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * AlterShareGroupOffsets: sets the start offsets of a share group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the only version; flexible (KIP-932)
 */
export const AlterShareGroupOffsets = message(
  'AlterShareGroupOffsets',
  { key: 91, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+', { mapKey: true }),
      topicId: uuid('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
)

export type AlterShareGroupOffsetsRequest = RequestOf<typeof AlterShareGroupOffsets>
export type AlterShareGroupOffsetsResponse = ResponseOf<typeof AlterShareGroupOffsets>
