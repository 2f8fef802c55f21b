import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, message, string } from '../schema/index.js'

/**
 * AlterConfigs: replaces all configs of a resource.
 *
 * Sent by clients, served by: controller or named broker. Versions:
 *   v0   the first version
 *   v1   the same bytes
 *   v2   flexible (KIP-482)
 */
export const AlterConfigs = message(
  'AlterConfigs',
  { key: 33, versions: '0-2', flexible: '2+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    resources: array('0+', {
      resourceType: int8('0+', { mapKey: true }),
      resourceName: string('0+', { mapKey: true }),
      configs: array('0+', {
        name: string('0+', { mapKey: true }),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    responses: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  },
)

export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>
