import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message } from '../schema/index.js'

/**
 * BrokerHeartbeat: keeps a broker registered and fences or unfences it.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-631)
 *   v1   request: + offlineLogDirs (KIP-858)
 *   v2   request: + cordonedLogDirs (KIP-1066)
 */
export const BrokerHeartbeat = message(
  'BrokerHeartbeat',
  { key: 63, versions: '0-2', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: array('1+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', tag: 1, default: null }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+'),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  },
)

export type BrokerHeartbeatRequest = RequestOf<typeof BrokerHeartbeat>
export type BrokerHeartbeatResponse = ResponseOf<typeof BrokerHeartbeat>
