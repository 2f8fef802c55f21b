import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, message, string } from '../schema/index.js'

/**
 * UnregisterBroker: removes a broker that is gone.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-631)
 */
export const UnregisterBroker = message(
  'UnregisterBroker',
  { key: 64, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    brokerId: int32('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
)

export type UnregisterBrokerRequest = RequestOf<typeof UnregisterBroker>
export type UnregisterBrokerResponse = ResponseOf<typeof UnregisterBroker>
