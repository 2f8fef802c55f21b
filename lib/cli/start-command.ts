/** `odradek start`: runs a broker until it is told to stop. */
import { type Command, Option } from 'commander'
import type { Logger, LogLevel } from '../host/logger.js'
import type { Program } from '../host/program.js'
import type { BrokerNode } from '../server/broker-node.js'
import type { BoundListener } from '../server/listener.js'
import type { NodeOptions } from '../server/options.js'
import { parseProperties } from './properties.js'
import { CommandError, cannotRead } from './session.js'
import {
  brokerIdList,
  credentials,
  rackList,
  type ZooKeeperFlags,
  zooKeeperChroot,
  zooKeeperConnect,
} from './start-cluster.js'
import { type Address, address, byteSize, connectable, keyValue, oneOf, wholeNumber } from './values.js'
import { VERSION } from './version.js'

interface StartFlags extends Partial<ZooKeeperFlags> {
  readonly brokers?: number
  readonly brokerIds?: number[]
  readonly racks?: string[]
  readonly listen?: Address
  readonly advertise?: Address
  readonly id?: number
  readonly config?: string
  readonly dataDir?: string[]
  readonly fsync?: 'always' | 'system'
  readonly set?: Record<string, string>
  readonly memoryLimit?: number
  readonly profile: 'test' | 'kafka'
  readonly logLevel: LogLevel
  readonly json?: boolean
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export function addStartCommand(program: Command, host: Program): void {
  program
    .command('start', { isDefault: true })
    .description('run a broker')
    .addOption(
      new Option(
        '--listen <HOST:PORT>',
        'where to listen (the first listener); port 0 takes a free one (default: 127.0.0.1:9092)',
      ).argParser(address),
    )
    .addOption(
      new Option(
        '--advertise <HOST:PORT>',
        'what clients of that listener are told, when they reach this broker by another address',
      ).argParser(connectable),
    )
    .option('--id <n>', 'broker id (default: 1)', wholeNumber(0, 2 ** 31 - 1))
    .option(
      '--data-dir <dir>',
      'keep everything in this directory (log.dirs); repeatable, or several with commas (default: in memory)',
      directories,
    )
    .option(
      '--fsync <when>',
      'always: acknowledge only what the device has (log.flush.interval.messages=1); system: the operating system decides, as in Kafka (default: system)',
      oneOf('always', 'system'),
    )
    .option('--brokers <n>', 'this many brokers in one process, on consecutive ports (default: 1)', wholeNumber(1, 100))
    .option('--broker-ids <ids>', 'their ids, like 101,102,103 (default: 1,2,3 ...)', brokerIdList)
    .option('--racks <names>', 'their racks, one each, comma-separated', rackList)
    .option(
      '--zookeeper <HOST:PORT,...>',
      'join the cluster that this Apache ZooKeeper ensemble holds together; a path at the end is the chroot',
      zooKeeperConnect,
    )
    .option('--zookeeper-chroot <path>', 'the cluster lives below this node', zooKeeperChroot)
    .addOption(
      new Option('--zookeeper-auth <user:password>', 'digest credentials; the nodes are then open to nobody else')
        .env('ODRADEK_ZOOKEEPER_AUTH')
        .argParser(credentials),
    )
    .option('--zookeeper-tls', 'connect to ZooKeeper by TLS; so do the flags that follow')
    .option(
      '--zookeeper-tls-ca <file>',
      'PEM file of the authorities for its certificates (default: the well-known ones)',
    )
    .option('--zookeeper-tls-cert <file>', 'PEM file of a certificate of our own, for servers that ask for one')
    .option('--zookeeper-tls-key <file>', 'PEM file of its key')
    .option(
      '--zookeeper-session-timeout <ms>',
      'a broker silent for so long is taken for dead, and others lead what it led (default: 6000)',
      wholeNumber(100, 600_000),
    )
    .option(
      '--zookeeper-timeout <ms>',
      'give up when no server of the ensemble answers for so long (default: try for ever)',
      wholeNumber(1),
    )
    .option('--config <file>', "Kafka's server.properties")
    .option('--set <key=value>', 'one broker config, repeatable; wins over --config', keyValue)
    .option(
      '--profile <name>',
      "test: starts and rebalances at once; kafka: Apache Kafka's own defaults",
      oneOf('test', 'kafka'),
      'test',
    )
    .option(
      '--memory-limit <size>',
      "memory that records may hold, like 512MB; beyond it the oldest move to a temporary folder (default: a quarter of the machine's)",
      byteSize,
    )
    .option('--log-level <level>', LEVELS.join(', '), oneOf(...LEVELS), 'info')
    .option('--json', 'the ready line and the log as JSON')
    .addHelpText('after', '\nExample:\n  $ odradek start --listen 127.0.0.1:0 --set num.partitions=3')
    .action((flags: StartFlags, command: Command) => start(asTyped(flags, command), host))
}

async function start(flags: StartFlags, host: Program): Promise<void> {
  const { StartError } = await import('../server/options.js')
  const { NodeNetwork } = await import('../host/node-network.js')
  const { createLogger } = await import('../host/node-logger.js')
  const logger = createLogger({ level: flags.logLevel, json: flags.json === true })
  let stopEarly = false
  const stopped = new Promise<string>((resolve) => host.onStop(resolve))
  void stopped.then(() => {
    stopEarly = true
  })
  try {
    const running = await run(flags, host, logger)
    const { sayWhere, warnOfUnreachable } = await import('./reachability.js')
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
  const { StartError } = await import('../server/options.js')
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

/** A variable of the environment may be there for other brokers: it does not ask for ZooKeeper. */
function asTyped(flags: StartFlags, command: Command): StartFlags {
  if (flags.zookeeper !== undefined || command.getOptionValueSource('zookeeperAuth') !== 'env') return flags
  const { zookeeperAuth: _others, ...typed } = flags
  return typed
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
  if (flags.zookeeper !== undefined) return null
  const alone = OF_ZOOKEEPER.find(([key]) => flags[key] !== undefined)
  return alone === undefined ? null : `${alone[1]} is of no use without --zookeeper.`
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
  const { startNode } = await import('../server/wire-up.js')
  return startNode(options, { logger })
}

function whereKept(directories: readonly string[]): string {
  return directories.length === 0
    ? 'records are kept in memory and end with it'
    : `everything is kept in ${directories.join(', ')}`
}

function directories(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',')]
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
