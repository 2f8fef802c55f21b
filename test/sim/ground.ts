/** What all clients of a run share: the world, the brokers, the topics, and whether to go on. */
import type { NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import { type Attempt, PartitionHistory, type PartitionRules, type Transaction } from './history.js'
import type { Host } from './host.js'
import { Router } from './router.js'
import { type Client, NoAnswer, Rpc } from './rpc.js'
import type { World } from './world.js'

export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
  readonly rules: PartitionRules
}

export class Ground {
  readonly topics = new Map<string, PartitionHistory[]>()
  readonly topicIds = new Map<string, string>()
  readonly plans: TopicPlan[] = []
  readonly transactions: Transaction[] = []
  /** No client gets a connection: the broker is down, or is being looked at. */
  closed = false
  /** Clients finish what they have begun and stop. */
  ending = false
  /** Something acknowledged may have been lost, as this profile allows: sequences and offsets may not fit any more. */
  losses = 0
  /** Since when a broker is out of the cluster, by its id: it may acknowledge nothing. */
  readonly outSinceMs = new Map<number, number>()
  readonly #clients: Client[] = []
  #attempts = 0
  /** For the report. */
  readonly counts = {
    acked: 0,
    refused: 0,
    unanswered: 0,
    read: 0,
    commits: 0,
    transactions: 0,
    checks: 0,
    cleaned: 0,
    expired: 0,
  }

  constructor(
    readonly world: World,
    readonly hosts: readonly Host[],
    readonly networkFaults: Omit<NetworkFaultPlan, 'seed'> | null,
  ) {}

  addTopic(plan: TopicPlan): void {
    this.plans.push(plan)
    const partitions = Array.from({ length: plan.partitions }, (_, p) => new PartitionHistory(plan.name, p, plan.rules))
    this.topics.set(plan.name, partitions)
  }

  *histories(): Generator<PartitionHistory> {
    for (const partitions of this.topics.values()) yield* partitions
  }

  /** The only broker, or the first. */
  get host(): Host {
    return this.hosts[0]!
  }

  get isCluster(): boolean {
    return this.hosts.length > 1
  }

  /** Changes with whatever may change what is known of the end of a log: a start of the broker, another leader. */
  ageOf(history: PartitionHistory): number {
    if (!this.isCluster) return this.host.starts
    return Math.max(0, ...this.hosts.map((host) => partitionOf(host, history)?.leaderEpoch ?? 0))
  }

  /** Changes when a broker may have forgotten all but the last batch of a producer. */
  get upheavals(): number {
    let sum = 0
    for (const host of this.hosts) sum += host.starts
    if (this.isCluster) for (const history of this.histories()) sum += this.ageOf(history)
    return sum
  }

  rpc(name: string, reliable = false): Client {
    const may = () => reliable || !this.closed
    const options = { faults: reliable ? null : this.networkFaults, may }
    const client = this.isCluster
      ? new Router(name, options, this)
      : new Rpc(name, this.host.address, options, this.world)
    this.#clients.push(client)
    return client
  }

  /** Something acknowledged may be gone, and so must be the answers that are still on their way. */
  lose(): void {
    this.losses++
    for (const client of this.#clients) client.hangUp('the broker has lost its power')
  }

  /** Books a batch that is about to be sent. */
  attempt(
    history: PartitionHistory,
    owner: string,
    keys: readonly (string | null)[],
    how: { idempotent?: boolean; transaction?: Transaction; tombstone?: boolean } = {},
  ): Attempt {
    return history.send({
      id: ++this.#attempts,
      owner,
      count: keys.length,
      keys,
      idempotent: how.idempotent === true,
      transaction: how.transaction ?? null,
      tombstone: how.tombstone === true,
    })
  }

  transaction(owner: string, producerId: number): Transaction {
    this.counts.transactions++
    const transaction: Transaction = { id: this.transactions.length + 1, owner, producerId, state: 'open' }
    this.transactions.push(transaction)
    return transaction
  }

  /** Does `what` until it has an answer. */
  async insist<T>(what: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await what()
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        this.counts.unanswered++
        await this.world.sleep(Math.min(20 + tries * 20, 200))
      }
    }
  }
}

/** As the broker knows it now. */
export function partitionOf({ node }: Host, { topic, partition }: { topic: string; partition: number }) {
  return node?.image.topicsByName.get(topic)?.partitions[partition]
}
