import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * WriteShareGroupState: writes the state of share-partitions.
 *
 * Sent by other brokers, served by: share coordinator. Versions:
 *   v0   the first version; flexible (KIP-932)
 *   v1   request: + topics.partitions.deliveryCompleteCount
 */
export const WriteShareGroupState = message(
  'WriteShareGroupState',
  { key: 85, versions: '0-1', flexible: '0+', audience: 'inter-broker', listeners: ['broker'] },
  {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
        stateBatches: array('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          deliveryState: int8('0+'),
          deliveryCount: int16('0+'),
        }),
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

export type WriteShareGroupStateRequest = RequestOf<typeof WriteShareGroupState>
export type WriteShareGroupStateResponse = ResponseOf<typeof WriteShareGroupState>
