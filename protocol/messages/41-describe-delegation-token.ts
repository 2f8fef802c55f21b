import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bytes, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * DescribeDelegationToken: lists delegation tokens.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-48)
 *   v2   flexible (KIP-482)
 *   v3   response: + tokens.tokenRequesterPrincipalType, tokens.tokenRequesterPrincipalName (KIP-373)
 */
export const DescribeDelegationToken = message(
  'DescribeDelegationToken',
  { key: 41, versions: '1-3', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    owners: array(
      '0+',
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
  {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: int64('0+'),
      expiryTimestamp: int64('0+'),
      maxTimestamp: int64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
    }),
    throttleTimeMs: int32('0+'),
  },
)

export type DescribeDelegationTokenRequest = RequestOf<typeof DescribeDelegationToken>
export type DescribeDelegationTokenResponse = ResponseOf<typeof DescribeDelegationToken>
