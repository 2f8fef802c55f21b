import type { RequestOf, ResponseOf } from '../schema/index.js'
import { int16, int32, message, string } from '../schema/index.js'

/**
 * UnregisterController: removes a controller that is gone.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the only version; flexible
 */
export const UnregisterController = message(
  'UnregisterController',
  { key: 94, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    controllerId: int32('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
)

export type UnregisterControllerRequest = RequestOf<typeof UnregisterController>
export type UnregisterControllerResponse = ResponseOf<typeof UnregisterController>
