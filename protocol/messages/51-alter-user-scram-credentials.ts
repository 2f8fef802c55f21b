import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bytes, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * AlterUserScramCredentials: adds and removes SCRAM credentials.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-554)
 */
export const AlterUserScramCredentials = message(
  'AlterUserScramCredentials',
  { key: 51, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    deletions: array('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
    }),
    upsertions: array('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
      iterations: int32('0+'),
      salt: bytes('0+'),
      saltedPassword: bytes('0+'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  },
)

export type AlterUserScramCredentialsRequest = RequestOf<typeof AlterUserScramCredentials>
export type AlterUserScramCredentialsResponse = ResponseOf<typeof AlterUserScramCredentials>
