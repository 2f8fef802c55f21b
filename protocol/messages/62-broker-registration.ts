import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string, uint16, uuid } from '../schema/index.js'

/**
 * BrokerRegistration: registers a broker with the controller.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-631)
 *   v1   request: + isMigratingZkBroker
 *   v2   request: + logDirs (KIP-858)
 *   v3   request: + previousBrokerEpoch
 *   v4   the same bytes
 */
export const BrokerRegistration = message(
  'BrokerRegistration',
  { key: 62, versions: '0-4', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    brokerId: int32('0+'),
    clusterId: string('0+'),
    incarnationId: uuid('0+'),
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
    rack: string('0+', { nullable: '0+' }),
    isMigratingZkBroker: bool('1+'),
    logDirs: array('2+', 'uuid', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1, ignorable: true }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
)

export type BrokerRegistrationRequest = RequestOf<typeof BrokerRegistration>
export type BrokerRegistrationResponse = ResponseOf<typeof BrokerRegistration>
