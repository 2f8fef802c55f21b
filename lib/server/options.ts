/** What a broker is started with, and the settings that the server's own parts read from it. */
import type { LogLevel } from '../host/logger.js'
import { settingsProblem } from '../metadata/broker-changes.js'
import { type BrokerConfig, ConfigSource, configProblems } from '../metadata/broker-config.js'
import { configDefs } from '../metadata/config-defs.js'
import { splitList } from '../metadata/config-value.js'
import { connectionOverrides } from '../metadata/connection-overrides.js'
import type { ProfileName } from '../metadata/profiles.js'
import type { ConnectionLimits } from './listener.js'
import { ListenerConfigError, type Listeners, parseListeners } from './listeners.js'

export interface NodeOptions {
  /** Kafka's broker configs by name, as text: server.properties, `--set`, the options of `Broker.create()`. */
  readonly values: Readonly<Record<string, string>>
  readonly profile: ProfileName
  /** Kafka's text form of a uuid; a fresh one when absent. */
  readonly clusterId?: string
  /** False: no socket is opened, connections are handed in. Default true. */
  readonly listen?: boolean
  readonly logLevel?: LogLevel
  /** Memory that records may hold before the oldest move to a temporary folder. Default: see `openRecordMemory`. */
  readonly memoryLimitBytes?: number
}

/** The broker cannot start with these options; the message is a whole sentence for the person who gave them. */
export class StartError extends Error {
  override readonly name = 'StartError'
  constructor(
    /** EADDRINUSE, EADDRNOTAVAIL ... or ERR_ODRADEK_CONFIG. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Throws a `StartError` for the first name that Kafka does not know, or value that it would refuse, by itself or beside the others. */
export function checkValues(values: Readonly<Record<string, string>>): void {
  const [first] = configProblems(values)
  if (first) throw new StartError('ERR_ODRADEK_CONFIG', first.problem)
  const settings = (name: string): string | null => values[name] ?? configDefs('broker').get(name)?.defaultValue ?? null
  const logDirs = values['log.dirs'] ?? values['log.dir']
  const problem = settingsProblem(settings, logDirs === undefined ? null : splitList(logDirs))
  if (problem !== null) throw new StartError('ERR_ODRADEK_CONFIG', problem)
}

/** The broker id: `node.id`, else `broker.id`, else 1. */
export function brokerIdOf(values: Readonly<Record<string, string>>): number {
  const text = values['node.id'] ?? values['broker.id'] ?? '1'
  const id = Number(text)
  if (!Number.isSafeInteger(id) || id < 0)
    throw new StartError('ERR_ODRADEK_CONFIG', `node.id is ${text}; it must be a whole number from 0.`)
  return id
}

export function listenersOf(config: BrokerConfig): Listeners {
  try {
    return parseListeners({
      listeners: config.list('listeners').join(','),
      advertisedListeners: config.list('advertised.listeners').join(',') || null,
      securityProtocolMap: config.string('listener.security.protocol.map') ?? '',
      interBrokerListenerName: config.string('inter.broker.listener.name'),
    })
  } catch (error) {
    if (error instanceof ListenerConfigError)
      throw new StartError('ERR_ODRADEK_CONFIG', error.message, { cause: error })
    throw error
  }
}

/**
 * Requests of one connection that wait behind another. Kafka keeps one and leaves the rest in the kernel's buffers; we read ahead
 * a little so that a client which vanishes is noticed.
 */
const MAX_HELD_BYTES = 256 * 1024

export function connectionLimits(config: BrokerConfig): ConnectionLimits {
  return {
    maxFrameBytes: config.number('socket.request.max.bytes'),
    maxIdleMs: config.number('connections.max.idle.ms'),
    maxQueuedRequestBytes: config.number('queued.max.request.bytes'),
    maxHeldBytes: MAX_HELD_BYTES,
    backlog: backlogOf(config),
    maxConnections: () => config.number('max.connections'),
    maxConnectionsPerAddress: (address) =>
      perAddressOverrides(config).get(address) ?? config.number('max.connections.per.ip'),
  }
}

/** Only when somebody set it: Kafka's default of 50 is less than what a restart of many clients needs. -1: the system's own. */
function backlogOf(config: BrokerConfig): number | undefined {
  const name = 'socket.listen.backlog.size'
  const size = config.number(name)
  const isSet = config.sources([name])[0]?.source !== ConfigSource.DEFAULT_CONFIG
  return isSet && size > 0 ? size : undefined
}

const overridesByConfig = new WeakMap<BrokerConfig, { text: string; overrides: ReadonlyMap<string, number> }>()

/** `max.connections.per.ip.overrides`: `host:number,...`; parsed again only when its text changed. */
function perAddressOverrides(config: BrokerConfig): ReadonlyMap<string, number> {
  const text = config.list('max.connections.per.ip.overrides').join(',')
  const known = overridesByConfig.get(config)
  if (known?.text === text) return known.overrides
  const overrides = connectionOverrides(text)
  overridesByConfig.set(config, { text, overrides })
  return overrides
}
