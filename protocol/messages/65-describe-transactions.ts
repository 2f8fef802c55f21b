import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * DescribeTransactions: shows the state of transactions.
 *
 * Sent by clients, served by: transaction coordinator. Versions:
 *   v0   the only version; flexible (KIP-664)
 */
export const DescribeTransactions = message(
  'DescribeTransactions',
  { key: 65, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    transactionalIds: array('0+', 'string'),
  },
  {
    throttleTimeMs: int32('0+'),
    transactionStates: array('0+', {
      errorCode: int16('0+'),
      transactionalId: string('0+'),
      transactionState: string('0+'),
      transactionTimeoutMs: int32('0+'),
      transactionStartTimeMs: int64('0+'),
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      topics: array('0+', {
        topic: string('0+', { mapKey: true }),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
)

export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>
export type DescribeTransactionsResponse = ResponseOf<typeof DescribeTransactions>
