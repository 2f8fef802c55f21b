/**
 * A whole broker as `start` runs it, on a virtual clock and without sockets: connections are handed in, log lines are kept. What a
 * request leads to in its own turn is there when `send` resolves; what needs time happens at `clock.advance`.
 */
import type { LogLevel } from '../../lib/host/logger.js'
import type { Stream, StreamHandlers } from '../../lib/host/network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import type { BrokerNode } from '../../lib/server/broker-node.js'
import { type NodePorts, startNode } from '../../lib/server/wire-up.js'
import {
  CreateTopics,
  decodeResponseFrame,
  encodeRequestFrame,
  IncrementalAlterConfigs,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'

const TOPIC = 2
const BROKER = 4

/** The client's side of a connection that was handed in. */
export class NodeClient implements Stream {
  readonly remotePort = 50_000
  readonly localAddress = '127.0.0.1'
  readonly localPort = 9092
  readonly bufferedBytes = 0
  closed = false
  #handlers: StreamHandlers | null = null
  #received: Buffer = Buffer.alloc(0)
  readonly #waiters: { resolve(frame: Buffer): void; reject(error: Error): void }[] = []

  constructor(readonly remoteAddress = '127.0.0.1') {}

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers
  }

  write(pieces: readonly Buffer[]): boolean {
    this.#received = Buffer.concat([this.#received, ...pieces])
    while (this.#received.length >= 4 && this.#waiters.length > 0) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) break
      this.#waiters.shift()!.resolve(this.#received.subarray(4, end))
      this.#received = this.#received.subarray(end)
    }
    return true
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.closed) return
    this.closed = true
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the broker closed the connection'))
    this.#handlers?.onClose(null)
  }

  async send<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<ResponseOf<M>> {
    if (this.closed) throw new Error('the connection is closed')
    const frame = new Promise<Buffer>((resolve, reject) => this.#waiters.push({ resolve, reject }))
    this.#handlers!.onData(encodeRequestFrame(message, version, { correlationId: 1, clientId: 'test' }, request))
    return decodeResponseFrame(message, version, await frame).body
  }
}

export interface RunningNodeExtras extends NodePorts {
  /** See NodeOptions. */
  memoryLimitBytes?: number
}

export class RunningNode {
  readonly clock: VirtualClock
  readonly lines: { level: LogLevel; text: string }[]
  #client: NodeClient | null = null
  private constructor(
    readonly node: BrokerNode,
    parts: Pick<RunningNode, 'clock' | 'lines'>,
  ) {
    this.clock = parts.clock
    this.lines = parts.lines
  }

  /** A connection that is open: a new one when the last has been closed, for being idle most likely. */
  get client(): NodeClient {
    if (this.#client === null || this.#client.closed) this.#client = this.connect()
    return this.#client
  }

  static async start(values: Record<string, string> = {}, extras: RunningNodeExtras = {}): Promise<RunningNode> {
    const { memoryLimitBytes, ...others } = extras
    const clock = new VirtualClock()
    const lines: RunningNode['lines'] = []
    const keep = (level: LogLevel) => (text: string) => void lines.push({ level, text })
    const logger = {
      trace: () => {},
      debug: keep('debug'),
      info: keep('info'),
      warn: keep('warn'),
      error: keep('error'),
    }
    const options = {
      values: { listeners: 'PLAINTEXT://127.0.0.1:9092', ...values },
      listen: false,
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    }
    const ports = { clock, logger, ...others }
    return new RunningNode(await startNode({ ...options, profile: 'test' }, ports), { clock, lines })
  }

  connect(remoteAddress?: string): NodeClient {
    const client = new NodeClient(remoteAddress)
    this.node.handle(client)
    return client
  }

  async topic(name: string, configs: Record<string, string> = {}): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const one = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }
    const { topics } = await this.client.send(CreateTopics, 7, { topics: [one], timeoutMs: 1000 })
    if (topics[0]!.errorCode !== 0) throw new Error(topics[0]!.errorMessage ?? name)
  }

  /** Sets (or with null deletes) one config of a topic; of all brokers with the name ''. */
  async alter(resourceName: string, name: string, value: string | null, resourceType = TOPIC): Promise<number> {
    const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
    const resources = [{ resourceType, resourceName, configs }]
    return (await this.client.send(IncrementalAlterConfigs, 1, { resources })).responses[0]!.errorCode
  }

  alterBroker(name: string, value: string | null, brokerId = ''): Promise<number> {
    return this.alter(brokerId, name, value, BROKER)
  }

  async close(): Promise<void> {
    const closed = this.node.close()
    this.clock.advance(10_000)
    await closed
  }
}
