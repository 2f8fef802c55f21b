import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * DeleteShareGroupOffsets: deletes the start offsets of a share group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the only version; flexible (KIP-932)
 */
export const DeleteShareGroupOffsets = message(
  'DeleteShareGroupOffsets',
  { key: 92, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
)

export type DeleteShareGroupOffsetsRequest = RequestOf<typeof DeleteShareGroupOffsets>
export type DeleteShareGroupOffsetsResponse = ResponseOf<typeof DeleteShareGroupOffsets>
