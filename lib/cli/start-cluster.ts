/** `odradek start` with others: several brokers in this process, or one of a cluster that Apache ZooKeeper holds together. */
import type { Cluster } from '../embed/cluster.js'
import type { Logger } from '../host/logger.js'
import type { Network } from '../host/network.js'
import type { BrokerNode } from '../server/broker-node.js'
import type { NodeOptions } from '../server/options.js'
import { cannotRead } from './session.js'
import { type Address, connectable, RefusedValue } from './values.js'

/** Long enough for a stalled machine, short enough for a client's patience. */
const SESSION_TIMEOUT_MS = 6000

export interface ZooKeeperPlace {
  readonly servers: readonly Address[]
  /** '' or an absolute path. */
  readonly chroot: string
}

/** HOST:PORT,HOST:PORT/chroot as Kafka's zookeeper.connect has it. */
export function zooKeeperConnect(text: string): ZooKeeperPlace {
  const slash = text.indexOf('/')
  if (slash >= 0 && text.includes(',', slash)) {
    throw new RefusedValue('The chroot comes once, behind the last server: 127.0.0.1:2181,127.0.0.1:2182/odradek.')
  }
  const servers = (slash < 0 ? text : text.slice(0, slash)).split(',').map((part) => connectable(part.trim()))
  return { servers, chroot: slash < 0 ? '' : zooKeeperChroot(text.slice(slash)) }
}

export function zooKeeperChroot(text: string): string {
  const path = text.replace(/\/$/, '')
  if (path === '') return ''
  if (!/^(\/[^/\s]+)+$/.test(path) || /\/\.{1,2}(\/|$)/.test(path)) {
    throw new RefusedValue('It must be an absolute path, like /odradek.')
  }
  return path
}

/** user:password */
export function credentials(text: string): string {
  if (!/^[^:]+:./.test(text)) throw new RefusedValue('It must be user:password.')
  return text
}

/** Names of racks, one for each broker. */
export function rackList(text: string): string[] {
  const racks = text.split(',').map((rack) => rack.trim())
  if (racks.includes('')) throw new RefusedValue('It must be a list of names, like a,b,c.')
  return racks
}

/** A list of broker ids. */
export function brokerIdList(text: string): number[] {
  return text.split(',').map((part) => {
    const id = Number(part)
    if (!/^\s*\d+\s*$/.test(part) || id > 2 ** 31 - 1) {
      throw new RefusedValue('It must be a list of whole numbers, like 101,102,103.')
    }
    return id
  })
}

export interface ZooKeeperFlags {
  readonly zookeeper: ZooKeeperPlace
  readonly zookeeperChroot?: string
  readonly zookeeperSessionTimeout?: number
  readonly zookeeperTimeout?: number
  readonly zookeeperAuth?: string
  readonly zookeeperTls?: boolean
  /** Paths of PEM files. */
  readonly zookeeperTlsCa?: string
  readonly zookeeperTlsCert?: string
  readonly zookeeperTlsKey?: string
}

/** Joins the cluster in ZooKeeper, or founds it, and serves. @throws StartError */
export async function startWithZooKeeper(
  flags: ZooKeeperFlags,
  options: Omit<NodeOptions, 'clusterId'>,
  { logger, readText }: { readonly logger: Logger; readText(path: string): string },
): Promise<BrokerNode> {
  const { ZooKeeperCoordination } = await import('../cluster/coordination/zookeeper/coordination.js')
  const { ZooKeeperError } = await import('../cluster/coordination/zookeeper/operations.js')
  const { ZnodeError } = await import('../cluster/coordination/zookeeper/znodes.js')
  const { SystemClock } = await import('../host/system-clock.js')
  const { secureRandom } = await import('../host/random-sources.js')
  const { imageToRecords } = await import('../metadata/snapshot.js')
  const { brokerIdOf, StartError } = await import('../server/options.js')
  const { clusterOf } = await import('../server/data-directories.js')
  const { isWildcard } = await import('../server/listeners.js')
  const { startNode } = await import('../server/wire-up.js')
  const { zookeeperAuth: auth } = flags
  const { host } = firstListener(options.values['listeners'] ?? '')
  if (isWildcard(host) && options.values['advertised.listeners'] === undefined) {
    throw new StartError(
      'ERR_ODRADEK_CONFIG',
      `The other brokers cannot connect to ${host || '0.0.0.0'}: give the address by which they and the clients reach this broker with --advertise HOST:PORT.`,
    )
  }
  let node: BrokerNode | null = null
  try {
    const coordination = await ZooKeeperCoordination.open(
      {
        brokerId: brokerIdOf(options.values),
        servers: flags.zookeeper.servers,
        chroot: flags.zookeeperChroot ?? flags.zookeeper.chroot,
        sessionTimeoutMs: flags.zookeeperSessionTimeout ?? SESSION_TIMEOUT_MS,
        connectTimeoutMs: flags.zookeeperTimeout ?? null,
        clusterId: null,
        dataOf: clusterOf(options.values),
        secure: auth !== undefined,
        ...(auth === undefined ? {} : { auth: [{ scheme: 'digest', credentials: auth }] }),
      },
      {
        network: await zooKeeperNetwork(flags, readText),
        clock: new SystemClock(),
        random: secureRandom,
        logger,
        image: () => node?.image ?? null,
        snapshot: () =>
          node === null
            ? { records: [], offset: -2 }
            : { records: imageToRecords(node.image), offset: node.image.version },
      },
    )
    try {
      node = await startNode({ ...options, clusterId: coordination.clusterId }, { logger, coordination })
    } catch (error) {
      await coordination.close()
      throw error
    }
    return node
  } catch (error) {
    if (error instanceof ZooKeeperError || error instanceof ZnodeError) {
      throw new StartError('ERR_ODRADEK_ZOOKEEPER', error.message, { cause: error })
    }
    throw error
  }
}

/** By TLS as soon as one of its flags is there. */
async function zooKeeperNetwork(flags: ZooKeeperFlags, readText: (path: string) => string): Promise<Network> {
  const { zookeeperTls = false, zookeeperTlsCa: ca, zookeeperTlsCert: cert, zookeeperTlsKey: key } = flags
  const files = { ca, cert, key }
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (!zookeeperTls && given.length === 0) {
    const { NodeNetwork } = await import('../host/node-network.js')
    return new NodeNetwork()
  }
  const { TlsNetwork, tlsProblem } = await import('../host/tls-network.js')
  const options = Object.fromEntries(given.map(([name, path]) => [name, readFileOf(path, readText)]))
  const problem = tlsProblem(options)
  if (problem === null) return new TlsNetwork(options)
  const { StartError } = await import('../server/options.js')
  throw new StartError('ERR_ODRADEK_CONFIG', `--zookeeper-tls-${problem.of}: ${problem.why}`)
}

function readFileOf(path: string, readText: (path: string) => string): string {
  try {
    return readText(path)
  } catch (error) {
    throw cannotRead(path, error)
  }
}

export interface BrokersFlags {
  readonly brokers?: number
  readonly brokerIds?: readonly number[]
  readonly racks?: readonly string[]
  readonly memoryLimit?: number
}

/** Several brokers in this process. @throws StartError */
export async function startBrokers(flags: BrokersFlags, options: NodeOptions, logger: Logger): Promise<Cluster> {
  const { Cluster } = await import('../embed/cluster.js')
  const { BrokerError } = await import('../embed/broker.js')
  const { checkValues, StartError } = await import('../server/options.js')
  const { dataDirectories } = await import('../server/storage.js')
  const { values, profile } = options
  const { listeners = '', 'advertised.listeners': advertised, 'log.dirs': _dirs, 'log.dir': _dir, ...config } = values
  for (const name of ['node.id', 'broker.id'].filter((name) => name in config)) {
    throw new StartError('ERR_ODRADEK_CONFIG', `Several brokers take --broker-ids, not ${name}.`)
  }
  checkValues(values)
  const directories = dataDirectories(values)
  if (directories.length > 1) {
    throw new StartError(
      'ERR_ODRADEK_CONFIG',
      'Several brokers take one --data-dir: each has a folder of its own in it.',
    )
  }
  if (listeners.includes(',')) {
    throw new StartError(
      'ERR_ODRADEK_CONFIG',
      `Several brokers have one listener each, and listeners names more: ${listeners}.`,
    )
  }
  const { host, port } = firstListener(listeners)
  const { brokers, brokerIds, racks, memoryLimit } = flags
  const told = advertised === undefined ? null : firstListener(advertised)
  try {
    return await Cluster.create({
      host,
      port,
      profile,
      config,
      logger,
      ...(brokers === undefined ? {} : { brokers }),
      ...(brokerIds === undefined ? {} : { brokerIds }),
      ...(racks === undefined ? {} : { racks }),
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(told === null ? {} : { advertisedHost: told.host, advertisedPort: told.port }),
      ...(directories.length === 0 ? {} : { dataDir: directories[0]! }),
    })
  } catch (error) {
    if (error instanceof BrokerError) throw new StartError(error.code, error.message, { cause: error })
    throw error
  }
}

/** Of `listeners`, which has been checked where it was put together. */
function firstListener(listeners: string): Address {
  const match = /^[^:]*:\/\/(\[[^\]]*\]|[^:,]*):(\d+)/.exec(listeners)
  return { host: (match?.[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(match?.[2] ?? 0) }
}
