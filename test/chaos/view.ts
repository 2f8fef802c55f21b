/** What the brokers say of the cluster: who leads what, and whether everything is whole. */
import { ErrorCode, FindCoordinator, Metadata, type ResponseOf } from '../../protocol/index.js'
import { ends, patiently } from '../crash/final-state.js'
import type { Servers } from '../crash/judge.js'
import { RawClient } from '../support/raw-client.js'
import type { ChaosBroker, ChaosCluster } from './cluster.js'
import { pause } from './faults.js'

const METADATA_VERSION = 12
const ANSWER_LIMIT_MS = 30_000
const RETRY_MS = 200
const LEADER_LIMIT_MS = 30_000
const COORDINATOR_LIMIT_MS = 30_000

/** One connection per broker, made again when it is lost. */
export class ClusterView implements Servers {
  readonly #cluster: ChaosCluster
  readonly #clients = new Map<number, RawClient>()

  constructor(cluster: ChaosCluster) {
    this.#cluster = cluster
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
  }

  async client(broker: ChaosBroker): Promise<RawClient> {
    const known = this.#clients.get(broker.id)
    if (known !== undefined) return known
    const client = await RawClient.connect(`127.0.0.1:${broker.clientPort}`)
    this.#clients.set(broker.id, client)
    void client.closed.then(() => {
      if (this.#clients.get(broker.id) === client) this.#clients.delete(broker.id)
    })
    return client
  }

  async leaderOf(topic: string, partition: number): Promise<RawClient> {
    const limit = performance.now() + LEADER_LIMIT_MS
    for (;;) {
      const metadata = await this.#metadata(this.#cluster.brokers[0]!)
      const found = metadata.topics.find(({ name }) => name === topic)?.partitions
      const leader = found?.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
      const broker = this.#cluster.brokers.find(({ id }) => id === leader)
      if (broker !== undefined) return this.client(broker)
      if (performance.now() > limit) throw new Error(`${topic}-${partition} has no leader`)
      await pause(RETRY_MS)
    }
  }

  async coordinatorOf(group: string): Promise<RawClient> {
    const client = await this.client(this.#cluster.brokers[0]!)
    const limit = performance.now() + COORDINATOR_LIMIT_MS
    for (;;) {
      const answer = await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [group] })
      const [found] = answer.coordinators
      const broker = this.#cluster.brokers.find(({ id }) => id === found?.nodeId)
      if (found?.errorCode === ErrorCode.NONE && broker !== undefined) return this.client(broker)
      if (performance.now() > limit) throw new Error(`group ${group} has no coordinator (error ${found?.errorCode})`)
      await pause(RETRY_MS)
    }
  }

  /** `topic-partition` -> below it, everything is committed. */
  async highWatermarks(): Promise<Map<string, number>> {
    const { topics } = await this.#metadata(this.#cluster.brokers[0]!)
    const found = new Map<string, number>()
    for (const { name, partitions } of topics) {
      for (const { partitionIndex } of partitions) {
        const asked = async () => ends(await this.leaderOf(name!, partitionIndex), name!, partitionIndex)
        const [highWatermark] = await patiently(asked)
        found.set(`${name}-${partitionIndex}`, highWatermark)
      }
    }
    return found
  }

  /**
   * Waits until every broker says the same of every partition: a leader, all replicas in sync. Returns what is wrong at the end of the time:
   * sentences.
   */
  async whole(limitMs: number): Promise<string[]> {
    const limit = performance.now() + limitMs
    for (;;) {
      const wrong = await this.#wrong()
      if (wrong.length === 0 || performance.now() > limit) return wrong
      await pause(RETRY_MS)
    }
  }

  async #wrong(): Promise<string[]> {
    const wrong: string[] = []
    const views: string[] = []
    for (const broker of this.#cluster.brokers) {
      try {
        const metadata = await this.#metadata(broker)
        wrong.push(...incomplete(broker, metadata, this.#cluster.brokers.length))
        views.push(summary(metadata))
      } catch (error) {
        wrong.push(`broker ${broker.id} does not say what it knows: ${String(error)}`)
      }
    }
    if (new Set(views).size > 1) wrong.push(`the brokers do not agree: ${views.join(' / ')}`)
    return wrong
  }

  async #metadata(broker: ChaosBroker): Promise<ResponseOf<typeof Metadata>> {
    const client = await this.client(broker)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        client.close()
        reject(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`))
      }, ANSWER_LIMIT_MS)
    })
    const asked = client.send(Metadata, METADATA_VERSION, {
      topics: null,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    })
    try {
      return await Promise.race([asked, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function incomplete(broker: ChaosBroker, metadata: ResponseOf<typeof Metadata>, brokers: number): string[] {
  const wrong: string[] = []
  if (metadata.brokers.length !== brokers) {
    wrong.push(`broker ${broker.id} knows ${metadata.brokers.map(({ nodeId }) => nodeId).join(', ') || 'no'} brokers`)
  }
  for (const { name, partitions } of metadata.topics) {
    for (const { partitionIndex, leaderId, replicaNodes, isrNodes } of partitions) {
      if (leaderId >= 0 && isrNodes.length === replicaNodes.length) continue
      wrong.push(
        `broker ${broker.id}: ${name}-${partitionIndex} is led by ${leaderId}, in sync are ${isrNodes.join(', ')} of ${replicaNodes.join(', ')}`,
      )
    }
  }
  return wrong
}

/** Comparable: leaders and their epochs. */
function summary({ topics, controllerId }: ResponseOf<typeof Metadata>): string {
  const told = topics.flatMap(({ name, partitions }) =>
    partitions.map(
      ({ partitionIndex, leaderId, leaderEpoch }) => `${name}-${partitionIndex}:${leaderId}@${leaderEpoch}`,
    ),
  )
  return `${controllerId} ${told.sort().join(' ')}`
}
