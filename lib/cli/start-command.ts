/** `odradek start`: runs a broker until it is told to stop. */
import { type Command, Option } from 'commander'
import type { LogLevel } from '../host/logger.js'
import type { Program } from '../host/program.js'
import type { BrokerNode } from '../server/broker-node.js'
import { parseProperties } from './properties.js'
import { CommandError, cannotRead } from './session.js'
import { type Address, address, byteSize, connectable, keyValue, oneOf, wholeNumber } from './values.js'
import { VERSION } from './version.js'

interface StartFlags {
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
    .action((flags: StartFlags) => start(flags, host))
}

async function start(flags: StartFlags, host: Program): Promise<void> {
  const { startNode } = await import('../server/wire-up.js')
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
    const node = await startNode(
      {
        values: settings(flags, flags.config === undefined ? {} : readProperties(flags.config, host)),
        profile: flags.profile,
        ...(flags.memoryLimit === undefined ? {} : { memoryLimitBytes: flags.memoryLimit }),
      },
      { logger },
    )
    const { sayWhere, warnOfUnreachable } = await import('./reachability.js')
    sayWhere(node.listeners, logger)
    logger.info(
      `Odradek ${VERSION} serves as broker ${node.brokerId} of cluster ${node.clusterId}; ${whereKept(node.dataDirectories)}.`,
    )
    if (!stopEarly) {
      sayReady(flags, host, node)
      void warnOfUnreachable(node.listeners, { logger, network: new NodeNetwork() })
    }
    const failed = new Promise<null>((resolve) => node.onClose(() => resolve(null)))
    const signal = await Promise.race([stopped, failed])
    if (signal !== null) logger.info(`Stopping: ${signal}.`)
    await node.close()
    host.exit(node.failure === null ? 0 : 1)
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(error.message, 2, { cause: error })
    throw error
  }
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
function sayReady(flags: StartFlags, host: Program, node: BrokerNode): void {
  const { bootstrapServers, brokerId, clusterId } = node
  host.out(
    flags.json
      ? `${JSON.stringify({ ready: bootstrapServers, brokerId, clusterId })}\n`
      : `ready ${bootstrapServers}\n`,
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
