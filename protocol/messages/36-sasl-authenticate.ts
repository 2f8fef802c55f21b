import type { RequestOf, ResponseOf } from '../schema/index.js'
import { bytes, int16, int64, message, string } from '../schema/index.js'

/**
 * SaslAuthenticate: carries SASL tokens.
 *
 * Sent by clients, served by: this connection. Versions:
 *   v0   the first version (KIP-152)
 *   v1   response: + sessionLifetimeMs (KIP-368)
 *   v2   flexible (KIP-482)
 */
export const SaslAuthenticate = message(
  'SaslAuthenticate',
  { key: 36, versions: '0-2', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    authBytes: bytes('0+'),
  },
  {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { ignorable: true }),
  },
)

export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>
