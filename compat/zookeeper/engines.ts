/** Coordination engines over a real ensemble, each test with a tree of its own. */

import {
  ZooKeeperCoordination,
  type ZooKeeperCoordinationOptions,
  type ZooKeeperCoordinationPorts,
} from '../../lib/cluster/coordination/zookeeper/coordination.js'
import { silentLogger } from '../../lib/host/logger.js'
import type { Network } from '../../lib/host/network.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { secureRandom } from '../../lib/host/random-sources.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import type { Ensemble } from './ensemble.js'

export const SESSION_TIMEOUT_MS = 1500
let trees = 0

export interface EngineOptions
  extends Partial<Pick<ZooKeeperCoordinationOptions, 'snapshotEveryRecords' | 'nodeBytesMax' | 'secure' | 'auth'>>,
    Partial<Pick<ZooKeeperCoordinationPorts, 'snapshot'>> {}

export function engineOver(
  ensemble: Ensemble,
  { snapshot = () => ({ records: [], offset: -2 }), ...more }: EngineOptions = {},
  network: Network = new NodeNetwork(),
) {
  const chroot = `/test/${++trees}`
  const opened: ZooKeeperCoordination[] = []
  return {
    chroot,
    async connect(
      brokerId: number,
      servers = ensemble.addresses,
      auth = more.auth ?? [],
    ): Promise<ZooKeeperCoordination> {
      const port = await ZooKeeperCoordination.open(
        {
          brokerId,
          servers,
          chroot,
          sessionTimeoutMs: SESSION_TIMEOUT_MS,
          clusterId: null,
          secure: false,
          connectTimeoutMs: 20_000,
          ...more,
          auth,
        },
        {
          network,
          clock: new SystemClock(),
          random: secureRandom,
          logger: silentLogger,
          image: () => null,
          snapshot,
        },
      )
      opened.push(port)
      return port
    },
    async close(): Promise<void> {
      await Promise.all(opened.map((port) => port.close()))
    },
  }
}
