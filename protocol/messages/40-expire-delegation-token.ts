import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bytes, int16, int32, int64, message } from '../schema/index.js'

/**
 * ExpireDelegationToken: shortens or ends a delegation token.
 *
 * Sent by clients, served by: controller. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-48)
 *   v2   flexible (KIP-482)
 */
export const ExpireDelegationToken = message(
  'ExpireDelegationToken',
  { key: 40, versions: '1-2', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    hmac: bytes('0+'),
    expiryTimePeriodMs: int64('0+'),
  },
  {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
)

export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>
export type ExpireDelegationTokenResponse = ResponseOf<typeof ExpireDelegationToken>
