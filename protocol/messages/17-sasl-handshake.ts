import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, message, string } from '../schema/index.js'

/**
 * SaslHandshake: chooses the SASL mechanism of a connection.
 *
 * Sent by clients, served by: this connection. Versions:
 *   v0   the first version
 *   v1   the same bytes (KIP-152)
 */
export const SaslHandshake = message(
  'SaslHandshake',
  { key: 17, versions: '0-1', audience: 'client', listeners: ['broker', 'controller'] },
  {
    mechanism: string('0+'),
  },
  {
    errorCode: int16('0+'),
    mechanisms: array('0+', 'string'),
  },
)

export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>
