import type { TopicImage } from '../../../metadata/image.js'
import type { RequestContext } from '../../context.js'
import type { BrokerServices } from '../../services.js'

export interface LeaderHint {
  leaderId: number
  leaderEpoch: number
}

export interface NodeEndpoint {
  nodeId: number
  host: string
  port: number
  rack: string | null
}

/** Tells a client that came to the wrong broker where to go, in the answer itself (KIP-951). */
export class LeaderHints {
  readonly #broker: BrokerServices
  readonly #context: RequestContext
  #endpoints: Map<number, NodeEndpoint> | null = null

  constructor(broker: BrokerServices, context: RequestContext) {
    this.#broker = broker
    this.#context = context
  }

  /** The leader of a partition as the metadata has it; its address will be among the endpoints. */
  leaderOf(at: { topic: string; topicId: string; partition: number }): LeaderHint {
    const image = this.#broker.image()
    const topic: TopicImage | undefined =
      at.topic === '' ? image.topicsById.get(at.topicId) : image.topicsByName.get(at.topic)
    const partition = topic?.partitions[at.partition]
    if (partition === undefined) return { leaderId: -1, leaderEpoch: -1 }
    this.#mention(partition.leader)
    return { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
  }

  /** The brokers that were named; empty for most answers. */
  get endpoints(): NodeEndpoint[] {
    return this.#endpoints === null ? [] : [...this.#endpoints.values()]
  }

  #mention(nodeId: number): void {
    if (this.#endpoints?.has(nodeId)) return
    const address = this.#broker.advertised(nodeId, this.#context.connection)
    if (address === null) return
    this.#endpoints ??= new Map()
    this.#endpoints.set(nodeId, { nodeId, ...address, rack: this.#broker.image().brokers.get(nodeId)?.rack ?? null })
  }
}
