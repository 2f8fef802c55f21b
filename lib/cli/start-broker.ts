/** What `odradek start` does: runs a broker until it is told to stop. */
import type { Logger } from '../host/logger.js'
import { createLogger } from '../host/node-logger.js'
import { NodeNetwork } from '../host/node-network.js'
import type { Program } from '../host/program.js'
import type { BrokerNode } from '../server/broker-node.js'
import type { BoundListener } from '../server/listener.js'
import { type NodeOptions, StartError } from '../server/options.js'
import { startNode } from '../server/wire-up.js'
import { parseProperties } from './properties.js'
import { sayWhere, warnOfUnreachable } from './reachability.js'
import { CommandError, cannotRead } from './session.js'
import type { StartFlags } from './start-flags.js'
import type { Address } from './values.js'
import { VERSION } from './version.js'

/** Runs a broker, or several, until the process is told to stop. @throws CommandError */
export async function startBroker(flags: StartFlags, host: Program): Promise<void> {
  const logger = createLogger({ level: flags.logLevel, json: flags.json === true })
  let stopEarly = false
  const stopped = new Promise<string>((resolve) => host.onStop(resolve))
  void stopped.then(() => {
    stopEarly = true
  })
  try {
    const running = await run(flags, host, logger)
    sayWhere(running.listeners, logger)
    logger.info(`Odradek ${VERSION} serves as ${running.name}; ${whereKept(running.dataDirectories)}.`)
    if (!stopEarly) {
      sayReady(flags, host, running)
      void warnOfUnreachable(running.listeners, { logger, network: new NodeNetwork() })
    }
    const failed = new Promise<null>((resolve) => running.onClose(() => resolve(null)))
    const signal = await Promise.race([stopped, failed])
    if (signal !== null) logger.info(`Stopping: ${signal}.`)
    await running.close()
    host.exit(running.failure === null ? 0 : 1)
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(error.message, 2, { cause: error })
    throw error
  }
}

/** One broker or several: what the command needs of them. */
interface Running {
  /** In words: "broker 1 of cluster ..." */
  readonly name: string
  /** HOST:PORT of each, comma-separated. */
  readonly bootstrapServers: string
  readonly clusterId: string
  readonly brokerIds: readonly number[]
  readonly listeners: readonly BoundListener[]
  readonly dataDirectories: readonly string[]
  /** Why it stopped by itself, null when it did not. */
  readonly failure: string | null
  onClose(listener: () => void): void
  close(): Promise<void>
}

async function run(flags: StartFlags, host: Program, logger: Logger): Promise<Running> {
  const options: NodeOptions = {
    values: settings(flags, flags.config === undefined ? {} : readProperties(flags.config, host)),
    profile: flags.profile,
    ...(flags.memoryLimit === undefined ? {} : { memoryLimitBytes: flags.memoryLimit }),
  }
  const problem = misfit(flags)
  if (problem !== null) throw new StartError('ERR_ODRADEK_CONFIG', problem)
  if (isSeveral(flags)) {
    const { startBrokers } = await import('./start-cluster.js')
    const cluster = await startBrokers(flags, options, logger)
    const { bootstrapServers, brokerIds, clusterId, listeners, dataDirectories } = cluster
    const name = `brokers ${brokerIds.join(', ')} of cluster ${clusterId}`
    const facts = { name, bootstrapServers, brokerIds, clusterId, listeners, dataDirectories }
    // A broker that gives up leaves the others to go on.
    return {
      ...facts,
      get failure() {
        return cluster.failure
      },
      onClose: (listener) => cluster.onClose(listener),
      close: () => cluster.close(),
    }
  }
  const node = await startOne(flags, options, host, logger)
  const { bootstrapServers, brokerId, clusterId, listeners, dataDirectories } = node
  const name = `broker ${brokerId} of cluster ${clusterId}`
  return {
    name,
    bootstrapServers,
    brokerIds: [brokerId],
    clusterId,
    listeners,
    dataDirectories,
    get failure() {
      return node.failure
    },
    onClose: (listener) => void node.onClose(listener),
    close: () => node.close({ handOver: true }),
  }
}

const isSeveral = ({ brokers, brokerIds }: StartFlags): boolean => brokers !== undefined || brokerIds !== undefined

/** Flags that do not go together, in a sentence. */
function misfit(flags: StartFlags): string | null {
  if (isSeveral(flags)) {
    if (flags.zookeeper !== undefined) {
      return '--brokers and --broker-ids are for one process; with --zookeeper start one process per broker.'
    }
    return flags.id === undefined ? null : 'Several brokers take --broker-ids, not --id.'
  }
  if (flags.racks !== undefined) return '--racks is for several brokers; one broker takes --set broker.rack=NAME.'
  if (flags.zookeeper !== undefined) return misfitOfChroots(flags.zookeeper.chroot, flags.zookeeperChroot)
  const alone = OF_ZOOKEEPER.find(([key]) => flags[key] !== undefined)
  return alone === undefined ? null : `${alone[1]} is of no use without --zookeeper.`
}

function misfitOfChroots(ofServers: string, given: string | undefined): string | null {
  if (given === undefined || ofServers === '' || given === ofServers) return null
  return `--zookeeper ends in the chroot ${ofServers}, and --zookeeper-chroot is ${given}: give one of them.`
}

const OF_ZOOKEEPER = [
  ['zookeeperChroot', '--zookeeper-chroot'],
  ['zookeeperAuth', '--zookeeper-auth'],
  ['zookeeperSessionTimeout', '--zookeeper-session-timeout'],
  ['zookeeperTimeout', '--zookeeper-timeout'],
  ['zookeeperTls', '--zookeeper-tls'],
  ['zookeeperTlsCa', '--zookeeper-tls-ca'],
  ['zookeeperTlsCert', '--zookeeper-tls-cert'],
  ['zookeeperTlsKey', '--zookeeper-tls-key'],
] as const

async function startOne(flags: StartFlags, options: NodeOptions, host: Program, logger: Logger): Promise<BrokerNode> {
  const { zookeeper } = flags
  if (zookeeper !== undefined) {
    const { startWithZooKeeper } = await import('./start-cluster.js')
    return startWithZooKeeper({ ...flags, zookeeper }, options, { logger, readText: (path) => host.readText(path) })
  }
  return startNode(options, { logger })
}

function whereKept(directories: readonly string[]): string {
  return directories.length === 0
    ? 'records are kept in memory and end with it'
    : `everything is kept in ${directories.join(', ')}`
}

/** The first line on standard output; scripts wait for it. */
function sayReady(flags: StartFlags, host: Program, running: Running): void {
  const { bootstrapServers, brokerIds, clusterId } = running
  const ids = brokerIds.length === 1 ? { brokerId: brokerIds[0] } : { brokerIds }
  host.out(
    flags.json ? `${JSON.stringify({ ready: bootstrapServers, ...ids, clusterId })}\n` : `ready ${bootstrapServers}\n`,
  )
}

/** Broker configs from the file, then --set, then the flags that stand for one. */
export function settings(
  flags: Pick<StartFlags, 'listen' | 'advertise' | 'id' | 'dataDir' | 'fsync' | 'set'>,
  file: Readonly<Record<string, string>>,
): Record<string, string> {
  const values = { ...file, ...flags.set }
  if (flags.id !== undefined) {
    values['node.id'] = String(flags.id)
    delete values['broker.id']
  }
  if (flags.dataDir !== undefined) values['log.dirs'] = flags.dataDir.join(',')
  if (flags.fsync === 'always') values['log.flush.interval.messages'] = '1'
  if (flags.fsync === 'system') delete values['log.flush.interval.messages']
  const [first, ...others] = endpoints(values['listeners'] ?? 'PLAINTEXT://127.0.0.1:9092')
  const name = /^[^:]*/.exec(first ?? '')![0] || 'PLAINTEXT'
  const own = flags.listen === undefined ? first : `${name}://${written(flags.listen)}`
  values['listeners'] = [own, ...others].join(',')
  if (flags.listen === undefined && flags.advertise === undefined) return values
  // The address that a file advertises for this listener does not fit the flag's: what is bound is told, or what --advertise says.
  const advertised = endpoints(values['advertised.listeners'] ?? '').filter(
    (entry) => !entry.toUpperCase().startsWith(`${name.toUpperCase()}:`),
  )
  if (flags.advertise !== undefined) advertised.unshift(`${name}://${written(flags.advertise)}`)
  if (advertised.length > 0) values['advertised.listeners'] = advertised.join(',')
  else delete values['advertised.listeners']
  return values
}

function endpoints(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function written({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function readProperties(path: string, host: Program): Record<string, string> {
  try {
    return parseProperties(host.readText(path))
  } catch (error) {
    throw cannotRead(path, error)
  }
}
