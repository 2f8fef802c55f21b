import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * InitializeShareGroupState: creates the state of share-partitions.
 *
 * Sent by other brokers, served by: share coordinator. Versions:
 *   v0   the only version; flexible (KIP-932)
 */
export const InitializeShareGroupState = message(
  'InitializeShareGroupState',
  { key: 83, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
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

export type InitializeShareGroupStateRequest = RequestOf<typeof InitializeShareGroupState>
export type InitializeShareGroupStateResponse = ResponseOf<typeof InitializeShareGroupState>
