import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bool, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * InitProducerId: gives a producer its id and epoch, and fences its predecessor.
 *
 * Sent by clients, served by: transaction coordinator. Versions:
 *   v0   the first version (KIP-98)
 *   v1   the same bytes
 *   v2   flexible (KIP-482)
 *   v3   request: + producerId, producerEpoch (KIP-360)
 *   v4   the same bytes (KIP-588)
 *   v5   the same bytes (KIP-890)
 *   v6   request: + enable2Pc, keepPreparedTxn; response: + ongoingTxnProducerId, ongoingTxnProducerEpoch (KIP-939)
 *
 * v6 is not stable: Kafka serves it only with unstable.api.versions.enable.
 */
export const InitProducerId = message(
  'InitProducerId',
  { key: 22, versions: '0-6', flexible: '2+', audience: 'client', listeners: ['broker'], unstable: true },
  {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1 }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+'),
    keepPreparedTxn: bool('6+'),
  },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1 }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1 }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
)

export type InitProducerIdRequest = RequestOf<typeof InitProducerId>
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>
