/** A client of a cluster in the raw protocol: each request goes to the broker that the metadata names for it. */
import { partitionFor } from '../../lib/broker/coordinator/partition-for.js'
import type { Cluster } from '../../lib/index.js'
import { ErrorCode, type Message, type RequestInput, type ResponseOf } from '../../protocol/index.js'
import { RawClient } from './raw-client.js'
import type { Sender } from './transactional.js'

export class ClusterSender implements Sender {
  readonly #cluster: Cluster
  readonly #whose: () => number
  readonly #connections = new Map<number, RawClient>()

  /** `whose`: the broker that the next request goes to. */
  constructor(cluster: Cluster, whose: () => number) {
    this.#cluster = cluster
    this.#whose = whose
  }

  /** To the coordinator of a transactional id, or to any broker while there is none. */
  static toCoordinator(cluster: Cluster, transactionalId: string): ClusterSender {
    return new ClusterSender(cluster, () => coordinatorOf(cluster, transactionalId) ?? cluster.runningBrokerIds[0]!)
  }

  static toLeader(cluster: Cluster, topic: string): ClusterSender {
    return new ClusterSender(cluster, () => cluster.leaderOf(topic, 0) ?? cluster.runningBrokerIds[0]!)
  }

  async send<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<ResponseOf<M>> {
    const brokerId = this.#whose()
    let connection = this.#connections.get(brokerId)
    if (connection === undefined) {
      connection = await RawClient.connect(this.#cluster.brokers[this.#cluster.brokerIds.indexOf(brokerId)]!)
      this.#connections.set(brokerId, connection)
    }
    try {
      return await connection.send(message, version, request)
    } catch (error) {
      this.#connections.delete(brokerId)
      connection.close()
      throw error
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close()
  }
}

/** The broker that coordinates a transactional id; null while there is none. */
export function coordinatorOf(cluster: Cluster, transactionalId: string): number | null {
  for (let count = 1; ; count++) {
    if (cluster.leaderOf(TRANSACTIONS, count) !== null) continue
    const leader = cluster.leaderOf(TRANSACTIONS, partitionFor(transactionalId, count))
    return leader === null || leader < 0 ? null : leader
  }
}

const TRANSACTIONS = '__transaction_state'

const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])

/** Asks until the answer is final, as every client does. Connections that break are asked anew. */
export async function insist(ask: () => Promise<number>, what: string): Promise<void> {
  const deadline = performance.now() + 20_000
  let last: unknown
  while (performance.now() < deadline) {
    try {
      const errorCode = await ask()
      if (errorCode === ErrorCode.NONE) return
      if (!RETRIABLE.has(errorCode)) throw new FinalError(`${what}: error ${errorCode}`)
      last = errorCode
    } catch (error) {
      if (error instanceof FinalError) throw error
      last = error
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`${what}: asked in vain, last ${String(last)}`)
}

class FinalError extends Error {}
