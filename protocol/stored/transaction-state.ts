import type { SchemaOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, string } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * The records of `__transaction_state` (KIP-98, KIP-890).
 */

/**
 * Record type 0. Versions of the value:
 *   v0   the first version
 *   v1   value: + previousProducerId, nextProducerId, nextProducerEpoch, clientTransactionVersion; flexible (KIP-482)
 */
export const TransactionLogRecord = keyedRecord(
  'TransactionLog',
  { type: 0, versions: '0-1', flexible: '1+' },
  {
    transactionalId: string('0'),
  },
  {
    producerId: int64('0+'),
    previousProducerId: int64('1+', { tag: 0, default: -1 }),
    nextProducerId: int64('1+', { tag: 1, default: -1 }),
    producerEpoch: int16('0+'),
    nextProducerEpoch: int16('1+', { tag: 3, default: -1 }),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitionIds: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64('0+'),
    transactionStartTimestampMs: int64('0+'),
    clientTransactionVersion: int16('1+', { tag: 2 }),
  },
)
export type TransactionLogKey = SchemaOf<(typeof TransactionLogRecord)['key']>
export type TransactionLogValue = SchemaOf<(typeof TransactionLogRecord)['value']>
