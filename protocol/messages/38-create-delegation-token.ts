import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bytes, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * CreateDelegationToken: issues a delegation token.
 *
 * Sent by clients, served by: controller. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-48)
 *   v2   flexible (KIP-482)
 *   v3   request: + ownerPrincipalType, ownerPrincipalName; response: + tokenRequesterPrincipalType,
 *        tokenRequesterPrincipalName (KIP-373)
 */
export const CreateDelegationToken = message(
  'CreateDelegationToken',
  { key: 38, versions: '1-3', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
    }),
    maxLifetimeMs: int64('0+'),
  },
  {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64('0+'),
    expiryTimestampMs: int64('0+'),
    maxTimestampMs: int64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
)

export type CreateDelegationTokenRequest = RequestOf<typeof CreateDelegationToken>
export type CreateDelegationTokenResponse = ResponseOf<typeof CreateDelegationToken>
