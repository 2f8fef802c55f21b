import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bytes, int16, int32, int64, message } from '../schema/index.js'

/**
 * RenewDelegationToken: extends a delegation token.
 *
 * Sent by clients, served by: controller. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-48)
 *   v2   flexible (KIP-482)
 */
export const RenewDelegationToken = message(
  'RenewDelegationToken',
  { key: 39, versions: '1-2', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    hmac: bytes('0+'),
    renewPeriodMs: int64('0+'),
  },
  {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
)

export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>
export type RenewDelegationTokenResponse = ResponseOf<typeof RenewDelegationToken>
