import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uuid } from '../schema/index.js'

/**
 * ReadShareGroupStateSummary: reads the start offsets of share-partitions.
 *
 * Sent by other brokers, served by: share coordinator. Versions:
 *   v0   the first version; flexible (KIP-932)
 *   v1   response: + results.partitions.deliveryCompleteCount
 */
export const ReadShareGroupStateSummary = message(
  'ReadShareGroupStateSummary',
  { key: 87, versions: '0-1', flexible: '0+', audience: 'inter-broker', listeners: ['broker'] },
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
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
)

export type ReadShareGroupStateSummaryRequest = RequestOf<typeof ReadShareGroupStateSummary>
export type ReadShareGroupStateSummaryResponse = ResponseOf<typeof ReadShareGroupStateSummary>
