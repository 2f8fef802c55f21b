import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * DescribeProducers: shows the producers a partition knows.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v0   the only version; flexible (KIP-664)
 */
export const DescribeProducers = message(
  'DescribeProducers',
  { key: 61, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      partitionIndexes: array('0+', 'int32'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        activeProducers: array('0+', {
          producerId: int64('0+'),
          producerEpoch: int32('0+'),
          lastSequence: int32('0+', { default: -1 }),
          lastTimestamp: int64('0+', { default: -1 }),
          coordinatorEpoch: int32('0+'),
          currentTxnStartOffset: int64('0+', { default: -1 }),
        }),
      }),
    }),
  },
)

export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>
export type DescribeProducersResponse = ResponseOf<typeof DescribeProducers>
