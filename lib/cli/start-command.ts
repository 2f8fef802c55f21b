/** `odradek start`: runs a broker until it is told to stop. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LogLevel } from '../host/logger.js'
import type { Program } from '../host/program.js'
import { parseProperties } from './properties.js'
import { CommandError, cannotRead } from './session.js'
import { type Address, address, keyValue, oneOf, wholeNumber } from './values.js'

interface StartFlags {
  readonly listen?: Address
  readonly advertise?: Address
  readonly id?: number
  readonly config?: string
  readonly set?: Record<string, string>
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
        'where to listen; port 0 takes a free one (default: 127.0.0.1:9092)',
      ).argParser(address),
    )
    .addOption(
      new Option(
        '--advertise <HOST:PORT>',
        'what clients are told, when they reach this broker by another address',
      ).argParser(connectable),
    )
    .option('--id <n>', 'broker id (default: 1)', wholeNumber(0, 2 ** 31 - 1))
    .option('--config <file>', "Kafka's server.properties")
    .option('--set <key=value>', 'one broker config, repeatable; wins over --config', keyValue)
    .option(
      '--profile <name>',
      "test: starts and rebalances at once; kafka: Apache Kafka's own defaults",
      oneOf('test', 'kafka'),
      'test',
    )
    .option('--log-level <level>', LEVELS.join(', '), oneOf(...LEVELS), 'info')
    .option('--json', 'the ready line and the log as JSON')
    .addHelpText('after', '\nExample:\n  $ odradek start --listen 127.0.0.1:0 --set num.partitions=3')
    .action((flags: StartFlags) => start(flags, host))
}

function connectable(text: string): Address {
  const parsed = address(text)
  if (parsed.port === 0 || /^[0:.]*$/.test(parsed.host)) {
    throw new InvalidArgumentError('It must be an address that a client can connect to.')
  }
  return parsed
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
    const node = await startNode({ values: settings(flags, host), profile: flags.profile }, { logger })
    if (!stopEarly) sayReady(flags, host, node.bootstrapServers, node.brokerId, node.clusterId)
    const { warnOfUnreachable } = await import('./reachability.js')
    void warnOfUnreachable(
      node.listeners.map((one) => one.spec),
      { logger, network: new NodeNetwork() },
    )
    const signal = await stopped
    logger.info(`Stopping: ${signal}.`)
    await node.close()
    host.exit(0)
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(error.message, 2, { cause: error })
    throw error
  }
}

/** The first line on standard output; scripts wait for it. */
function sayReady(
  flags: StartFlags,
  host: Program,
  bootstrapServers: string,
  brokerId: number,
  clusterId: string,
): void {
  host.out(
    flags.json
      ? `${JSON.stringify({ ready: bootstrapServers, brokerId, clusterId })}\n`
      : `ready ${bootstrapServers}\n`,
  )
}

/** Broker configs from the file, then --set, then the flags that stand for one. */
function settings(flags: StartFlags, host: Program): Record<string, string> {
  const values = { ...(flags.config === undefined ? {} : readProperties(flags.config, host)), ...flags.set }
  if (flags.id !== undefined) {
    values['node.id'] = String(flags.id)
    delete values['broker.id']
  }
  const listeners = values['listeners']
  if (flags.listen !== undefined || listeners === undefined) {
    const { host: name, port } = flags.listen ?? { host: '127.0.0.1', port: 9092 }
    values['listeners'] = `PLAINTEXT://${bracketed(name)}:${port}`
  }
  if (flags.advertise !== undefined) {
    values['advertised.listeners'] = `PLAINTEXT://${bracketed(flags.advertise.host)}:${flags.advertise.port}`
  }
  return values
}

function bracketed(name: string): string {
  return name.includes(':') ? `[${name}]` : name
}

function readProperties(path: string, host: Program): Record<string, string> {
  try {
    return parseProperties(host.readText(path))
  } catch (error) {
    throw cannotRead(path, error)
  }
}
