/** Evidence: what the controllers decided, as it lies in ZooKeeper. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ZooKeeperClient } from '../../lib/cluster/coordination/zookeeper/client.js'
import { OPEN_ACL } from '../../lib/cluster/coordination/zookeeper/operations.js'
import { SharedLog } from '../../lib/cluster/coordination/zookeeper/shared-log.js'
import { LOG } from '../../lib/cluster/coordination/zookeeper/znodes.js'
import { silentLogger } from '../../lib/host/logger.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { secureRandom } from '../../lib/host/random-sources.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import { CHROOT } from './cluster.js'

/** One line per batch: offset, ZooKeeper's transaction, its records. */
export async function keepMetadataLog(
  servers: readonly { readonly host: string; readonly port: number }[],
  folder: string,
): Promise<void> {
  const client = new ZooKeeperClient(
    { servers, chroot: CHROOT, sessionTimeoutMs: 6000 },
    { network: new NodeNetwork(), clock: new SystemClock(), random: secureRandom, logger: silentLogger },
    { onDoubt() {}, onExpired() {} },
  )
  client.start()
  try {
    const log = new SharedLog(OPEN_ACL)
    const lines: string[] = []
    for (const name of ((await client.children(LOG)) ?? []).sort()) {
      const found = await client.get(`${LOG}/${name}`)
      if (found === null) continue
      lines.push(
        JSON.stringify({ offset: Number(name), zxid: found.stat.czxid, records: log.decode(found.data) }, exact),
      )
    }
    writeFileSync(join(folder, 'metadata.ndjson'), `${lines.join('\n')}\n`)
  } finally {
    await client.close()
  }
}

const exact = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)
