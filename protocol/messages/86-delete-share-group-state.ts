import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * DeleteShareGroupState: deletes the state of share-partitions.
 *
 * Sent by other brokers, served by: share coordinator. Versions:
 *   v0   the only version; flexible (KIP-932)
 */
export const DeleteShareGroupState = message(
  'DeleteShareGroupState',
  { key: 86, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
      }),
    }),
  },
  {
    results: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
)

export type DeleteShareGroupStateRequest = RequestOf<typeof DeleteShareGroupState>
export type DeleteShareGroupStateResponse = ResponseOf<typeof DeleteShareGroupState>
