import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bool, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * EndTxn: commits or aborts a transaction.
 *
 * Sent by clients, served by: transaction coordinator. Versions:
 *   v0   the first version (KIP-98)
 *   v1   the same bytes
 *   v2   the same bytes
 *   v3   flexible (KIP-482)
 *   v4   the same bytes (KIP-890)
 *   v5   response: + producerId, producerEpoch (KIP-890)
 */
export const EndTxn = message(
  'EndTxn',
  { key: 26, versions: '0-5', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerId: int64('5+', { default: -1, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
)

export type EndTxnRequest = RequestOf<typeof EndTxn>
export type EndTxnResponse = ResponseOf<typeof EndTxn>
