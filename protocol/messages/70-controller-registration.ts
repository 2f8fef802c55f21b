import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string, uint16, uuid } from '../schema/index.js'

/**
 * ControllerRegistration: registers a controller with the active controller.
 *
 * Sent by the controller quorum, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-919)
 */
export const ControllerRegistration = message(
  'ControllerRegistration',
  { key: 70, versions: '0', flexible: '0+', audience: 'controller-quorum', listeners: ['controller'] },
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    listeners: array('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
)

export type ControllerRegistrationRequest = RequestOf<typeof ControllerRegistration>
export type ControllerRegistrationResponse = ResponseOf<typeof ControllerRegistration>
