/** The broker's side of the controller: stopgap. */
import { ErrorCode } from '../../protocol/errors.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import { supportedFeatures } from '../metadata/features.js'
import { placeReplicas } from '../metadata/placement.js'
import type { MetadataRecord } from '../metadata/records.js'
import type { MetadataStore } from '../metadata/store.js'
import type { Coordination } from './coordination/coordination.js'

export interface ControllerPorts {
  coordination: Coordination
  metadata: MetadataStore
  config: BrokerConfig
  random: Random
  clock: Clock
  logger: Logger
}
export class Controller {
  #epoch = 0
  constructor(
    private readonly options: { brokerId: number },
    private readonly ports: ControllerPorts,
  ) {}
  async start(): Promise<void> {
    const { coordination, metadata } = this.ports
    await coordination.start({
      onSnapshot: (records, offset) => metadata.restore(records, offset),
      onRecords: (records) => metadata.advance(records),
      onController: (lease) => {
        this.#epoch = lease?.controllerEpoch ?? 0
        metadata.setController(lease?.controllerId ?? -1)
      },
      onMembers() {},
      onExpelled() {},
    })
    coordination.campaign()
    await coordination.append(
      supportedFeatures
        .filter((f) => f.initialLevel > 0)
        .map((f) => ({ type: 'FeatureLevelRecord' as const, name: f.name, featureLevel: f.initialLevel })),
      this.#epoch,
    )
  }
  async register(info: {
    rack: string | null
    endpoints: readonly { name: string; host: string; port: number; securityProtocol: string }[]
  }): Promise<void> {
    const { coordination, random } = this.ports
    const incarnationId = random.topicId()
    const { brokerEpoch } = await coordination.register({
      brokerId: this.options.brokerId,
      incarnationId,
      rack: info.rack,
      endpoints: info.endpoints,
      features: [],
      logDirs: [],
    })
    await coordination.append(
      [
        {
          type: 'RegisterBrokerRecord',
          brokerId: this.options.brokerId,
          incarnationId,
          brokerEpoch,
          endPoints: info.endpoints.map((e) => ({ ...e, securityProtocol: 0 })),
          features: [],
          rack: info.rack,
          fenced: false,
        },
      ],
      this.#epoch,
    )
  }
  async autoCreateTopics(names: readonly string[]): Promise<void> {
    await this.createTopics(
      names.map((name) => ({ name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] })),
      {},
    )
  }
  async createInternalTopic(name: string): Promise<ErrorCode> {
    const { config } = this.ports
    const r = await this.createTopics(
      [
        {
          name,
          numPartitions: config.number('offsets.topic.num.partitions'),
          replicationFactor: config.number('offsets.topic.replication.factor'),
          assignments: [],
          configs: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
      {},
    )
    return r.topics[0]!.errorCode
  }
  async createTopics(
    topics: readonly {
      name: string
      numPartitions: number
      replicationFactor: number
      assignments: readonly unknown[]
      configs: readonly { name: string; value: string | null }[]
    }[],
    _o: unknown,
  ): Promise<{ topics: { errorCode: ErrorCode; errorMessage: string | null }[] }> {
    const { coordination, metadata, random, config } = this.ports
    const records: MetadataRecord[] = []
    const results: { errorCode: ErrorCode; errorMessage: string | null }[] = []
    for (const t of topics) {
      if (metadata.image.topicsByName.has(t.name)) {
        results.push({ errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: 'exists' })
        continue
      }
      const topicId = random.topicId()
      records.push({ type: 'TopicRecord', name: t.name, topicId })
      const placed = placeReplicas(
        { partitions: t.numPartitions < 0 ? config.number('num.partitions') : t.numPartitions, replicationFactor: 1 },
        metadata.image.brokers.values(),
        random,
      )
      placed.assignments!.forEach((replicas, partitionId) =>
        records.push({
          type: 'PartitionRecord',
          partitionId,
          topicId,
          replicas,
          isr: replicas,
          removingReplicas: [],
          addingReplicas: [],
          leader: replicas[0]!,
          leaderEpoch: 0,
          partitionEpoch: 0,
        }),
      )
      for (const c of t.configs)
        records.push({ type: 'ConfigRecord', resourceType: 2, resourceName: t.name, name: c.name, value: c.value })
      results.push({ errorCode: 0, errorMessage: null })
    }
    await coordination.append(records, this.#epoch)
    return { topics: results }
  }
  async deleteTopics(
    topics: readonly { name: string; topicId: null }[],
  ): Promise<{ errorCode: ErrorCode; errorMessage: string | null }[]> {
    const { coordination, metadata } = this.ports
    await coordination.append(
      topics.map((t) => ({ type: 'RemoveTopicRecord', topicId: metadata.image.topicsByName.get(t.name)!.topicId })),
      this.#epoch,
    )
    return topics.map(() => ({ errorCode: 0, errorMessage: null }))
  }
  async close(): Promise<void> {
    await this.ports.coordination.close()
  }
}
