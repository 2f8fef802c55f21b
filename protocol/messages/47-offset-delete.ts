import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * OffsetDelete: deletes positions of a group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the only version (KIP-496)
 */
export const OffsetDelete = message(
  'OffsetDelete',
  { key: 47, versions: '0', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
  {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>
