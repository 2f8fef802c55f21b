import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * DeleteRecords: moves the start of partitions forward.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v0   the first version
 *   v1   the same bytes
 *   v2   flexible (KIP-482)
 */
export const DeleteRecords = message(
  'DeleteRecords',
  { key: 21, versions: '0-2', flexible: '2+', audience: 'client', listeners: ['broker'] },
  {
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        offset: int64('0+'),
      }),
    }),
    timeoutMs: int32('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        lowWatermark: int64('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>
