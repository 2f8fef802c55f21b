import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, int64, message, string } from '../schema/index.js'

/**
 * AddOffsetsToTxn: adds a group's offsets to a transaction.
 *
 * Sent by clients, served by: transaction coordinator. Versions:
 *   v0   the first version (KIP-98)
 *   v1   the same bytes
 *   v2   the same bytes
 *   v3   flexible (KIP-482)
 *   v4   the same bytes (KIP-890)
 */
export const AddOffsetsToTxn = message(
  'AddOffsetsToTxn',
  { key: 25, versions: '0-4', flexible: '3+', audience: 'client', listeners: ['broker'] },
  {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    groupId: string('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
)

export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseOf<typeof AddOffsetsToTxn>
