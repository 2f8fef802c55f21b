import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * ReadShareGroupState: reads the state of share-partitions.
 *
 * Sent by other brokers, served by: share coordinator. Versions:
 *   v0   the only version; flexible (KIP-932)
 */
export const ReadShareGroupState = message(
  'ReadShareGroupState',
  { key: 84, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        leaderEpoch: int32('0+'),
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
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
        stateBatches: array('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          deliveryState: int8('0+'),
          deliveryCount: int16('0+'),
        }),
      }),
    }),
  },
)

export type ReadShareGroupStateRequest = RequestOf<typeof ReadShareGroupState>
export type ReadShareGroupStateResponse = ResponseOf<typeof ReadShareGroupState>
