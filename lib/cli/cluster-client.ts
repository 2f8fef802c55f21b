/** Connections to the brokers of a cluster, found by what a request needs: any, the controller, a leader, a coordinator. */
import { ErrorCode, FindCoordinator, Metadata, type ResponseOf } from '../../protocol/index.js'
import type { Clock } from '../host/clock.js'
import type { Network } from '../host/network.js'
import { NodeNetwork } from '../host/node-network.js'
import { SystemClock } from '../host/system-clock.js'
import { refused } from './refused.js'
import { CommandError } from './session.js'
import { address } from './values.js'
import { ConnectionLost, WireClient } from './wire-client.js'

const CONNECT_TIMEOUT_MS = 3000
/** Coordinators and elections take moments to settle; a person waits. */
const ATTEMPTS = 6
const FIRST_DELAY_MS = 100

export interface ClusterPorts {
  readonly network: Network
  readonly clock: Clock
}

export type ClusterMetadata = ResponseOf<typeof Metadata>
export type TopicMetadata = ClusterMetadata['topics'][number]

export class ClusterClient {
  readonly #bootstrap: readonly string[]
  readonly #ports: ClusterPorts
  readonly #open = new Map<string, WireClient>()
  #closed = false

  constructor(bootstrap: readonly string[], ports: ClusterPorts) {
    this.#bootstrap = bootstrap
    this.#ports = ports
  }

  /** The first bootstrap broker that takes the connection. @throws ConnectionLost */
  async any(): Promise<WireClient> {
    let last: unknown
    for (const one of this.#bootstrap) {
      try {
        const { host, port } = address(one)
        return await this.#connect(host, port)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        last = error
      }
    }
    throw last
  }

  /** Null: every topic. Never creates one. */
  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const client = await this.any()
    return client.request(Metadata, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation: false,
    })
  }

  /** @throws CommandError when there is none of this name */
  async topic(name: string): Promise<{ topic: TopicMetadata; cluster: ClusterMetadata }> {
    const cluster = await this.metadata([name])
    const topic = cluster.topics.find((one) => one.name === name)
    if (!topic || topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      throw new CommandError(`There is no topic ${name}.`)
    if (topic.errorCode !== ErrorCode.NONE) throw refused(topic.errorCode)
    return { topic, cluster }
  }

  async broker(id: number, known?: ClusterMetadata): Promise<WireClient> {
    const { brokers } = known ?? (await this.metadata([]))
    const found = brokers.find((one) => one.nodeId === id)
    if (!found) throw new CommandError(`There is no broker ${id}: the cluster has ${listOf(brokers)}.`)
    return this.#connect(found.host, found.port)
  }

  async controller(): Promise<WireClient> {
    const cluster = await this.metadata([])
    return cluster.controllerId < 0 ? this.any() : this.broker(cluster.controllerId, cluster)
  }

  async coordinator(groupId: string): Promise<WireClient> {
    const found = await this.retry(
      async () => (await this.any()).request(FindCoordinator, { key: groupId, keyType: 0 }, { highest: 3 }),
      (answer) => answer.errorCode,
    )
    return this.#connect(found.host, found.port)
  }

  /** Asks again, with growing pauses, while the answer's error is one that passes. @throws CommandError for any other error */
  async retry<T>(ask: () => Promise<T>, errorOf: (answer: T) => number): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const answer = await ask()
      const code = errorOf(answer)
      if (code === ErrorCode.NONE) return answer
      if (!PASSING.has(code) || attempt === ATTEMPTS) throw refused(code)
      await this.sleep(FIRST_DELAY_MS * 2 ** (attempt - 1))
    }
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.clock.setTimer(delayMs, resolve))
  }

  /** Drops every connection; requests at hand reject with ConnectionLost. */
  close(): void {
    this.#closed = true
    for (const client of this.#open.values()) client.close()
    this.#open.clear()
  }

  async #connect(host: string, port: number): Promise<WireClient> {
    const key = `${host}:${port}`
    const known = this.#open.get(key)
    if (known && !known.lost) return known
    if (this.#closed) throw new ConnectionLost('the command is over')
    let client: WireClient
    try {
      const stream = await this.#ports.network.connect({ host, port, timeoutMs: CONNECT_TIMEOUT_MS })
      client = new WireClient(stream, this.#ports)
    } catch (error) {
      throw new ConnectionLost((error as Error).message, { cause: error })
    }
    if (this.#closed) client.close()
    this.#open.set(key, client)
    return client
  }
}

const PASSING: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_CONTROLLER,
])

function listOf(brokers: readonly { readonly nodeId: number }[]): string {
  return brokers
    .map((one) => one.nodeId)
    .sort((one, other) => one - other)
    .join(', ')
}

/** Runs `work` with a client of the cluster and always closes it. */
export async function withCluster<T>(
  bootstrap: readonly string[],
  work: (cluster: ClusterClient) => Promise<T>,
): Promise<T> {
  const cluster = new ClusterClient(bootstrap, { network: new NodeNetwork(), clock: new SystemClock() })
  try {
    return await work(cluster)
  } finally {
    cluster.close()
  }
}
