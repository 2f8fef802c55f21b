/**
 * A broker inside your process: for tests, demos and tools.
 *
 * ```js
 * const broker = await Broker.create()
 * const kafka = new Kafka({ brokers: broker.brokers })
 * // ...
 * await broker.close()
 * ```
 */
import type { Duplex } from 'node:stream'
import { errorName } from '../../protocol/errors.js'
import { parseByteSize } from '../host/byte-size.js'
import { fromDuplex } from '../host/duplex-stream.js'
import { type LogFields, type Logger, type LogLevel, silentLogger } from '../host/logger.js'
import { createLogger } from '../host/node-logger.js'
import { type ProfileName, profiles } from '../metadata/profiles.js'
import type { BrokerNode } from '../server/broker-node.js'
import { StartError } from '../server/options.js'
import { startNode } from '../server/wire-up.js'
import { problemOfBroker, problemOfTopic } from './check-options.js'

export interface BrokerOptions {
  /** Port to listen on. Default 0: a free one. */
  port?: number
  /** Address to bind. Default 127.0.0.1. */
  host?: string
  /** What clients are told to connect to, when they reach the broker by another address. Default: what was bound. */
  advertisedHost?: string
  advertisedPort?: number
  /** False opens no socket: connections come by `handle`. Clients are then told the name `odradek.invalid`. Default true. */
  listen?: boolean
  /** Default 1. */
  brokerId?: number
  /** Created before `create` resolves. */
  topics?: readonly (string | NewTopic)[]
  /** `test` (default): no initial rebalance delay, small internal topics. `kafka`: Apache Kafka's own defaults. */
  profile?: ProfileName
  /** Any of Kafka's broker configs by name. An unknown name or invalid value makes `create` reject. */
  config?: Readonly<Record<string, string | number | boolean>>
  /**
   * Memory that records may hold, in bytes or as a text like `512MB`; beyond it the oldest move to a temporary folder that `close` removes.
   * Default: a quarter of the machine's (or the container's), shared by all brokers of the process that have no limit of their own.
   */
  memoryLimit?: number | string
  /** Logs to standard error from this level on. Default silent. */
  logLevel?: LogLevel
  /** Takes the log instead. Nothing is said to it after `close`. */
  logger?: Logger
  /** Kafka's text form of a uuid. Default: a fresh one, or that of `dataDir`. */
  clusterId?: string
  /** Directories to keep everything in (Kafka's `log.dirs`): the next broker there goes on where this one ended. Default: in memory. */
  dataDir?: string | readonly string[]
}

export interface NewTopic {
  name: string
  /** Default: the broker's num.partitions (1). */
  partitions?: number
  /** Default: the broker's default.replication.factor (1). */
  replicationFactor?: number
  /** Topic configs by Kafka's names. */
  config?: Readonly<Record<string, string | number | boolean>>
}

export interface GroupReadyOptions {
  /** Members that must be in, at least. Default 1. */
  members?: number
  /** Rejects after so long. Default 10,000. */
  timeoutMs?: number
}

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
}

/** A refusal of the broker or of its embedding. `code` is stable: one of Kafka's error names, or ERR_ODRADEK_... */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent']
const GROUP_READY_TIMEOUT_MS = 10_000
/**
 * What a broker without sockets calls itself. A client that takes its streams from a factory uses it as any name; one that was set up
 * without the factory fails at once (RFC 2606: the name never resolves) and does not reach some other broker of the machine.
 */
const ADDRESS_WITHOUT_SOCKET = 'odradek.invalid:9092'

export class Broker {
  readonly #node: BrokerNode
  readonly #closeLogger: () => void
  #closed = false

  private constructor(node: BrokerNode, closeLogger: () => void) {
    this.#node = node
    this.#closeLogger = closeLogger
  }

  /**
   * Starts a broker and resolves when it serves everything, coordinators included.
   * @throws StartError (code EADDRINUSE, ERR_ODRADEK_CONFIG ...) when it cannot start as asked
   */
  static async create(options: BrokerOptions = {}): Promise<Broker> {
    assertNoProblem(problemOfBroker(options))
    const { logger, close } = loggerFor(options)
    const node = await start(options, { logger }).catch((error: unknown) => {
      close()
      throw error
    })
    const broker = new Broker(node, close)
    try {
      for (const topic of options.topics ?? []) await broker.createTopic(topic)
    } catch (error) {
      await broker.close()
      throw error
    }
    return broker
  }

  /** The same calls on a node that belongs to somebody else, who closes it. */
  static over(node: BrokerNode): Broker {
    return new Broker(node, () => {})
  }

  /** HOST:PORT, for `bootstrap.servers`: what clients are told to connect to. */
  get bootstrapServers(): string {
    return this.#node.bootstrapServers
  }

  /** The array that kafkajs takes as `brokers`. */
  get brokers(): string[] {
    return [this.bootstrapServers]
  }

  /** The port bound; 0 without a listener. */
  get port(): number {
    return this.#node.listeners[0]?.port ?? 0
  }

  get brokerId(): number {
    return this.#node.brokerId
  }

  get clusterId(): string {
    return this.#node.clusterId
  }

  /** Creates a topic that serves when this resolves. @throws BrokerError with Kafka's error name, e.g. TOPIC_ALREADY_EXISTS */
  async createTopic(topic: string | NewTopic): Promise<void> {
    this.#assertOpen()
    const problem = problemOfTopic(topic)
    if (problem !== null) throw new BrokerError('ERR_ODRADEK_CONFIG', problem)
    const {
      name,
      partitions = -1,
      replicationFactor = -1,
      config = {},
    } = typeof topic === 'string' ? { name: topic } : topic
    const result = await this.#node.createTopic({ name, partitions, replicationFactor, configs: texts(config) })
    if (result.errorCode !== 0) {
      throw new BrokerError(
        errorName(result.errorCode),
        result.errorMessage ?? `The topic ${name} could not be created.`,
      )
    }
  }

  /** Deletes a topic with everything in it. @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION */
  async deleteTopic(name: string): Promise<void> {
    this.#assertOpen()
    const result = await this.#node.deleteTopic(name)
    if (result.errorCode !== 0) {
      throw new BrokerError(
        errorName(result.errorCode),
        result.errorMessage ?? `The topic ${name} could not be deleted.`,
      )
    }
  }

  /**
   * Resolves when the consumer group is stable and all members have their assignments: what is produced from then on reaches them, even
   * when they start at the end of the topic.
   */
  async groupReady(groupId: string, options: GroupReadyOptions = {}): Promise<readonly GroupMember[]> {
    this.#assertOpen()
    const { members = 1, timeoutMs = GROUP_READY_TIMEOUT_MS } = options
    const node = this.#node
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = []
      const settle = (then: () => void): void => {
        for (const step of undo.splice(0)) step()
        then()
      }
      const timer = node.clock.setTimer(timeoutMs, () =>
        settle(() => reject(this.#notReady(groupId, members, timeoutMs))),
      )
      undo.push(
        () => timer.cancel(),
        node.onClose(() => settle(() => reject(closedError(`before the group ${groupId} was ready`)))),
      )
      undo.push(node.onGroupReady(groupId, members, (found) => settle(() => resolve(found.map(memberOf)))))
    })
  }

  /**
   * Takes over a connection: any duplex stream that carries Kafka's bytes. What it is told to connect to is `bootstrapServers`, listener
   * or not: give the client's socket factory the other end of the stream whatever address it asks for. A closed broker destroys it.
   */
  handle(duplex: Duplex): void {
    this.#node.handle(fromDuplex(duplex))
  }

  /** Stops serving. Afterwards no handle, timer or log line is left. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#node.close()
    this.#closeLogger()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError('')
  }

  #notReady(groupId: string, members: number, timeoutMs: number): BrokerError {
    const wanted = `${members} member${members === 1 ? '' : 's'}`
    return new BrokerError(
      'ERR_ODRADEK_GROUP_NOT_READY',
      `The group ${groupId} was not ready with ${wanted} within ${timeoutMs} ms: it is ${this.#node.groupState(groupId)}.`,
    )
  }
}

export function closedError(when: string): BrokerError {
  return new BrokerError('ERR_ODRADEK_CLOSED', `The broker was closed${when === '' ? '' : ` ${when}`}.`)
}

function memberOf({ memberId, groupInstanceId, clientId, clientHost }: GroupMember): GroupMember {
  return { memberId, groupInstanceId, clientId, clientHost }
}

export function loggerFor(options: Pick<BrokerOptions, 'logger' | 'logLevel'>): { logger: Logger; close: () => void } {
  if (options.logger) return closable(options.logger)
  const level = options.logLevel ?? 'silent'
  assertOneOf('logLevel', level, LEVELS)
  if (level === 'silent') return { logger: silentLogger, close: () => {} }
  const logger = createLogger({ level })
  return { logger, close: () => logger.close() }
}

/** A test runner complains of lines that come after the test, say of a client that hangs up late. */
function closable(target: Logger): { logger: Logger; close: () => void } {
  let open = true
  const line =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      if (open) target[level](message, fields)
    }
  const logger: Logger = {
    trace: line('trace'),
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  }
  return {
    logger,
    close: () => {
      open = false
    },
  }
}

export function texts(config: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]))
}

function brokerConfigs(options: BrokerOptions): Record<string, string> {
  const { host = '127.0.0.1', port = 0 } = options
  const values = texts(options.config ?? {})
  if (options.brokerId !== undefined) values['node.id'] = String(options.brokerId)
  if (options.dataDir !== undefined) values['log.dirs'] = [options.dataDir].flat().join(',')
  if (options.port !== undefined || options.host !== undefined || values['listeners'] === undefined) {
    values['listeners'] = `PLAINTEXT://${bracketed(host)}:${port}`
  }
  if (options.advertisedHost !== undefined || options.advertisedPort !== undefined) {
    values['advertised.listeners'] =
      `PLAINTEXT://${bracketed(options.advertisedHost ?? host)}:${options.advertisedPort ?? port}`
  }
  if (options.listen === false && !('advertised.listeners' in values) && options.config?.['listeners'] === undefined) {
    values['advertised.listeners'] = `PLAINTEXT://${ADDRESS_WITHOUT_SOCKET}`
  }
  return values
}

async function start(options: BrokerOptions, ports: { logger: Logger }): Promise<BrokerNode> {
  const { profile = 'test', listen = true, clusterId, memoryLimit } = options
  assertProfile(profile)
  const identity = clusterId === undefined ? {} : { clusterId }
  const limit = memoryLimit === undefined ? {} : { memoryLimitBytes: limitBytes(memoryLimit) }
  return startNode({ values: brokerConfigs(options), profile, listen, ...identity, ...limit }, ports)
}

/** @throws StartError */
export function assertNoProblem(problem: string | null): void {
  if (problem !== null) throw new StartError('ERR_ODRADEK_CONFIG', problem)
}

/** @throws StartError */
export function assertProfile(profile: string): void {
  assertOneOf('profile', profile, Object.keys(profiles))
}

/** No type holds in JavaScript: kafkajs's levels are numbers, and one that is not known would silence the log. */
function assertOneOf(option: string, value: unknown, known: readonly string[]): void {
  if (known.some((name) => name === value)) return
  throw new StartError('ERR_ODRADEK_CONFIG', `${option} is ${String(value)}; it must be one of ${known.join(', ')}.`)
}

/** @throws StartError */
export function limitBytes(memoryLimit: number | string): number {
  const bytes = typeof memoryLimit === 'string' ? parseByteSize(memoryLimit) : memoryLimit
  if (bytes !== null && Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw new StartError(
    'ERR_ODRADEK_CONFIG',
    `memoryLimit is ${memoryLimit}; it must be a number of bytes or a size like 512MB.`,
  )
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
