/**
 * Ties the group coordinator to the partitions of `__consumer_offsets` that this broker leads: loads what it comes to lead,
 * unloads what it loses, creates the topic when somebody needs it, and tells of deleted topics.
 */
import { ErrorCode } from '../../protocol/errors.js'
import { GROUP_TOPIC } from '../broker/coordinator/locate.js'
import { groupRecordCodec } from '../broker/group/codec.js'
import { GroupCoordinator } from '../broker/group/coordinator.js'
import type { Partition } from '../broker/partition/partition.js'
import type { Replicas } from '../broker/partition/replicas.js'
import { PartitionShardLog } from '../broker/partition/shard-log.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import type { Delta } from '../metadata/delta.js'
import type { MetadataStore } from '../metadata/store.js'
import type { Awaitable } from './context.js'
import type { InternalTopics } from './services.js'

export interface GroupServicePorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metadata: MetadataStore
  readonly replicas: Replicas
  readonly createInternalTopic: (topic: string) => Promise<ErrorCode>
}

export class GroupService implements InternalTopics {
  readonly coordinator: GroupCoordinator
  readonly #ports: GroupServicePorts
  readonly #creating = new Map<string, Promise<ErrorCode>>()

  constructor(config: BrokerConfig, ports: GroupServicePorts) {
    this.#ports = ports
    const { clock, random, logger, metadata } = ports
    this.coordinator = new GroupCoordinator(
      {
        // The topic may be older than the setting, or made by hand.
        partitionCount: () =>
          metadata.image.topicsByName.get(GROUP_TOPIC)?.partitions.length ??
          config.number('offsets.topic.num.partitions'),
        config: groupConfig(config),
      },
      {
        clock,
        random,
        logger,
        codec: groupRecordCodec,
        topics: {
          partitionCount: (name) => metadata.image.topicsByName.get(name)?.partitions.length ?? null,
          topicName: (id) => metadata.image.topicsById.get(id)?.name ?? null,
          topicId: (name) => metadata.image.topicsByName.get(name)?.topicId ?? null,
        },
      },
    )
  }

  /** After the replicas have taken over the same delta. */
  apply(delta: Delta): void {
    for (const { topic, partition } of delta.removed)
      if (topic.name === GROUP_TOPIC) this.coordinator.unload(partition.partition)
    for (const { topic, partition } of delta.followed)
      if (topic.name === GROUP_TOPIC) this.coordinator.unload(partition.partition)
    for (const { topic, partition, before } of delta.led) {
      if (topic.name === GROUP_TOPIC && before?.leaderEpoch !== partition.leaderEpoch) this.#load(partition.partition)
    }
    if (delta.deletedTopics.length > 0) this.coordinator.onTopicsDeleted(delta.deletedTopics)
  }

  ensure(topic: string): Awaitable<ErrorCode> {
    if (this.#ports.metadata.image.topicsByName.has(topic)) return ErrorCode.NONE
    let creating = this.#creating.get(topic)
    if (creating === undefined) {
      creating = this.#ports.createInternalTopic(topic).finally(() => this.#creating.delete(topic))
      this.#creating.set(topic, creating)
    }
    return creating
  }

  close(): void {
    this.coordinator.close()
  }

  #load(partition: number): void {
    const found: Partition | ErrorCode = this.#ports.replicas.find(GROUP_TOPIC, partition)
    if (typeof found === 'number') {
      this.#ports.logger.error(
        `The coordinator cannot use ${GROUP_TOPIC}-${partition}: its log is not here (error ${found}).`,
      )
      return
    }
    this.coordinator.load(partition, new PartitionShardLog(found))
  }
}

function groupConfig(config: BrokerConfig) {
  return {
    initialRebalanceDelayMs: config.number('group.initial.rebalance.delay.ms'),
    sessionTimeoutMinMs: config.number('group.min.session.timeout.ms'),
    sessionTimeoutMaxMs: config.number('group.max.session.timeout.ms'),
    maxSize: config.number('group.max.size'),
    offsetMetadataMaxSize: config.number('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.number('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: config.number('offsets.retention.check.interval.ms'),
  }
}
