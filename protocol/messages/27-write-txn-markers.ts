import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * WriteTxnMarkers: makes partition leaders write the control batches that end a transaction.
 *
 * Sent by other brokers, served by: partition leader. Versions:
 *   v1   the lowest version that Kafka 4.4 serves; flexible (KIP-98)
 *   v2   request: + markers.transactionVersion
 */
export const WriteTxnMarkers = message(
  'WriteTxnMarkers',
  { key: 27, versions: '1-2', flexible: '1+', audience: 'inter-broker', listeners: ['broker'] },
  {
    markers: array('0+', {
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      transactionResult: bool('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      }),
      coordinatorEpoch: int32('0+'),
      transactionVersion: int8('2+', { ignorable: true }),
    }),
  },
  {
    markers: array('0+', {
      producerId: int64('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
)

export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>
