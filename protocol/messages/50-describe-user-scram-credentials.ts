import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * DescribeUserScramCredentials: lists SCRAM credentials, without their secrets.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the only version; flexible (KIP-554)
 */
export const DescribeUserScramCredentials = message(
  'DescribeUserScramCredentials',
  { key: 50, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    users: array(
      '0+',
      {
        name: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      credentialInfos: array('0+', {
        mechanism: int8('0+'),
        iterations: int32('0+'),
      }),
    }),
  },
)

export type DescribeUserScramCredentialsRequest = RequestOf<typeof DescribeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof DescribeUserScramCredentials>
