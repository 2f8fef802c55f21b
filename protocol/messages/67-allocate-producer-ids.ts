import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, int64, message } from '../schema/index.js'

/**
 * AllocateProducerIds: gives a broker a block of producer ids.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-730)
 */
export const AllocateProducerIds = message(
  'AllocateProducerIds',
  { key: 67, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  },
)

export type AllocateProducerIdsRequest = RequestOf<typeof AllocateProducerIds>
export type AllocateProducerIdsResponse = ResponseOf<typeof AllocateProducerIds>
