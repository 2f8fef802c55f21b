import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bytes, int16, message } from '../schema/index.js'

/**
 * Envelope: carries a client's request from a broker to the controller.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-590)
 */
export const Envelope = message(
  'Envelope',
  { key: 58, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
  {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
)

export type EnvelopeRequest = RequestOf<typeof Envelope>
export type EnvelopeResponse = ResponseOf<typeof Envelope>
