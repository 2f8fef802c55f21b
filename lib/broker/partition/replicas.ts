import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { TimerWheel } from '../../host/timer-wheel.js'
import { type LogConfig, logConfig } from '../../log/config.js'
import type { LogStore } from '../../log/log-store.js'
import type { Delta } from '../../metadata/delta.js'
import { ConfigResource, type Image, type PartitionImage, type TopicImage } from '../../metadata/image.js'
import { Purgatory } from '../purgatory/purgatory.js'
import { Appends } from './appends.js'
import { Deletions } from './deletions.js'
import { Fetches } from './fetches.js'
import { Partition } from './partition.js'
import { WakeQueue } from './wake-queue.js'

export interface ReplicasOptions {
  readonly brokerId: number
}

export interface ReplicasPorts {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly logger: Logger
  readonly logs: Pick<LogStore, 'create' | 'delete' | 'knownHighWatermark'>
  /** The value in force of a topic's config as text; null when it has none. */
  topicConfig(topic: string, name: string): string | null
  /** Monotonic ms until which the cluster certainly takes this broker for alive; absent on a broker that cannot be lost sight of. */
  readonly aliveUntilMs?: (() => number) | undefined
  /** A replica's log has failed, or could not be opened. Called inside an append, or while the metadata is taken over. */
  onOffline?(): void
  /** A follower of a partition led here may have caught up. Called inside a fetch. */
  onFollowerCaughtUp?(partition: Partition): void
}

const RETENTION_TIMER = 'log-retention'
const PRODUCERS_TIMER = 'producer-expiration'

/** What this broker holds of a partition; 'failed' when its log could not be opened. */
type Hosted = Partition | 'failed'

/** All partitions of this broker: who is here, in which role, and the requests that wait for them. */
export class Replicas {
  readonly appends: Appends
  readonly fetches: Fetches
  readonly deletions: Deletions
  readonly purgatories: {
    readonly produce: Purgatory
    readonly fetch: Purgatory
    readonly deleteRecords: Purgatory
  }
  readonly #options: ReplicasOptions
  readonly #ports: ReplicasPorts
  readonly #wakes: WakeQueue
  /** Both maps lead to the same arrays, indexed by partition. */
  readonly #byName = new Map<string, (Hosted | undefined)[]>()
  readonly #byId = new Map<string, (Hosted | undefined)[]>()
  #image: Image
  #inCluster = true

  constructor(options: ReplicasOptions, ports: ReplicasPorts, image: Image) {
    this.#options = options
    this.#ports = ports
    this.#image = image
    const { clock, logger } = ports
    this.purgatories = {
      produce: new Purgatory({ name: 'Produce' }, ports),
      fetch: new Purgatory({ name: 'Fetch' }, ports),
      deleteRecords: new Purgatory({ name: 'DeleteRecords' }, ports),
    }
    this.#wakes = new WakeQueue((partition) => this.#wake(partition))
    this.appends = new Appends({ clock, logger, purgatory: this.purgatories.produce, wakes: this.#wakes })
    this.fetches = new Fetches({
      purgatory: this.purgatories.fetch,
      timers: ports.timers,
      find: (target) =>
        target.topic === ''
          ? this.findById(target.topicId, target.partition)
          : this.find(target.topic, target.partition),
    })
    this.deletions = new Deletions({ purgatory: this.purgatories.deleteRecords })
  }

  /** The partition, or why it is not here: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR. */
  find(topic: string, partition: number): Partition | ErrorCode {
    const hosted = this.#byName.get(topic)?.[partition]
    if (hosted !== undefined) return hosted === 'failed' ? ErrorCode.KAFKA_STORAGE_ERROR : hosted
    return absent(this.#image.topicsByName.get(topic), partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }

  /** As `find`; UNKNOWN_TOPIC_ID when no topic has this id. */
  findById(topicId: string, partition: number): Partition | ErrorCode {
    const hosted = this.#byId.get(topicId)?.[partition]
    if (hosted !== undefined) return hosted === 'failed' ? ErrorCode.KAFKA_STORAGE_ERROR : hosted
    return absent(this.#image.topicsById.get(topicId), partition, ErrorCode.UNKNOWN_TOPIC_ID)
  }

  /** Every partition held here whose log is open. */
  *partitions(): Iterable<Partition> {
    for (const topic of this.#byId.values()) {
      for (const hosted of topic) if (hosted instanceof Partition) yield hosted
    }
  }

  /** Every replica that this broker holds and cannot serve. */
  *offline(): Iterable<{ topicId: string; partition: number }> {
    for (const [topicId, topic] of this.#byId) {
      for (const [partition, hosted] of topic.entries()) {
        if (hosted === 'failed' || hosted?.role.kind === 'offline') yield { topicId, partition }
      }
    }
  }

  readonly #isInCluster = (): boolean => {
    const { aliveUntilMs, clock } = this.#ports
    return this.#inCluster && (aliveUntilMs === undefined || clock.monotonic() < aliveUntilMs())
  }

  /**
   * False: the cluster may take this broker for dead, so it leads nothing and acknowledges nothing, whatever the metadata said last. True: it is
   * a member again.
   */
  setStanding(inCluster: boolean): void {
    if (this.#inCluster === inCluster) return
    this.#inCluster = inCluster
    this.#wakes.hold()
    try {
      for (const partition of this.partitions()) if (partition.role.kind === 'leader') partition.standingChanged()
    } finally {
      this.#wakes.release()
    }
  }

  /** Takes over what changed in the cluster. In one turn: afterwards new partitions serve and deleted ones are gone. */
  apply(delta: Delta): void {
    this.#image = delta.after
    this.#wakes.hold()
    try {
      for (const { topic, partition } of delta.removed) this.#remove(topic, partition.partition)
      // Before the roles: who is eligible to lead was reckoned with the minimum of now, and so must be what is committed.
      if (delta.configs.length > 0) this.#reconfigure(delta.configs)
      for (const { topic, partition } of delta.led) this.#assume(topic, partition)
      for (const { topic, partition } of delta.followed) this.#assume(topic, partition)
    } finally {
      this.#wakes.release()
    }
  }

  /**
   * Deletes what retention says, now and again after each `intervalMs` (`log.retention.check.interval.ms`). A partition whose log fails
   * here is offline; the others go on.
   */
  sweep(intervalMs: number): void {
    const { clock, timers } = this.#ports
    const now = clock.now()
    for (const { log, highWatermark } of this.partitions()) log.applyRetention(now, highWatermark)
    timers.schedule(RETENTION_TIMER, intervalMs, () => this.sweep(intervalMs))
  }

  /** Forgets producers that were silent for `producer.id.expiration.ms`, now and after every interval. */
  expireProducers(intervalMs: number): void {
    const { clock, timers } = this.#ports
    const now = clock.now()
    for (const { log } of this.partitions()) log.producers.expire(now)
    timers.schedule(PRODUCERS_TIMER, intervalMs, () => this.expireProducers(intervalMs))
  }

  /** Answers whoever waits with what there is. The logs are closed by their store. */
  close(): void {
    this.#ports.timers.cancel(RETENTION_TIMER)
    this.#ports.timers.cancel(PRODUCERS_TIMER)
    for (const purgatory of Object.values(this.purgatories)) purgatory.close()
  }

  #assume(topic: TopicImage, image: PartitionImage): void {
    const hosted = this.#byId.get(topic.topicId)?.[image.partition] ?? this.#open(topic, image)
    if (hosted !== 'failed') hosted.applyImage(image)
  }

  #open(topic: TopicImage, image: PartitionImage): Hosted {
    const hosted = this.#openLog(topic, image)
    let partitions = this.#byId.get(topic.topicId)
    if (partitions === undefined) {
      partitions = []
      this.#byId.set(topic.topicId, partitions)
      this.#byName.set(topic.name, partitions)
    }
    partitions[image.partition] = hosted
    if (hosted === 'failed' || hosted.role.kind === 'offline') this.#ports.onOffline?.()
    return hosted
  }

  #openLog(topic: TopicImage, image: PartitionImage): Hosted {
    const { logs, logger } = this.#ports
    const at = { topic: topic.name, topicId: topic.topicId, partition: image.partition }
    try {
      const config = this.#logConfig(topic.name)
      const log = logs.create(topic.name, image.partition, config, topic.topicId)
      // One that was found on the disk has the config of its opening.
      log.updateConfig(config)
      return new Partition(
        { ...at, brokerId: this.#options.brokerId, minInsyncReplicas: this.#minInsyncReplicas(topic.name) },
        {
          log,
          highWatermark: logs.knownHighWatermark(log),
          onChange: (partition) => this.#changed(partition),
          monotonicMs: () => this.#ports.clock.monotonic(),
          inCluster: this.#isInCluster,
          onOffline: () => this.#ports.onOffline?.(),
          brokerEpoch: (id) => this.#brokerEpoch(id),
          onFollowerCaughtUp: (partition) => this.#ports.onFollowerCaughtUp?.(partition),
        },
        image,
      )
    } catch (error) {
      logger.error(`The log of ${topic.name}-${image.partition} cannot be opened; the partition is offline here.`, {
        error,
      })
      return 'failed'
    }
  }

  #brokerEpoch(brokerId: number): number {
    const broker = this.#image.brokers.get(brokerId)
    return broker === undefined || broker.fenced ? -1 : broker.epoch
  }

  #remove(topic: TopicImage, index: number): void {
    const partitions = this.#byId.get(topic.topicId)
    const hosted = partitions?.[index]
    if (partitions === undefined || hosted === undefined) return
    delete partitions[index]
    if (partitions.every((one) => one === undefined)) {
      this.#byId.delete(topic.topicId)
      // The name may belong to a topic made anew already.
      if (this.#byName.get(topic.name) === partitions) this.#byName.delete(topic.name)
    }
    const known = this.#image.topicsById.get(topic.topicId)
    if (hosted !== 'failed') hosted.retire(absent(known, index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    this.#deleteLog(topic.name, index)
  }

  /** The files may go later, when a write is under way: nobody waits for that, but a failure is said. */
  #deleteLog(topic: string, partition: number): void {
    const { logs, logger } = this.#ports
    const failed = (error: unknown): void =>
      logger.error(`The files of the deleted partition ${topic}-${partition} could not be removed.`, { error })
    try {
      const later = logs.delete(topic, partition)
      if (later instanceof Promise) later.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #reconfigure(changed: Delta['configs']): void {
    const everything = changed.some(({ type }) => type === ConfigResource.BROKER)
    const names = everything
      ? this.#byName.keys()
      : changed.filter(({ type }) => type === ConfigResource.TOPIC).map(({ name }) => name)
    for (const name of names) {
      for (const hosted of this.#byName.get(name) ?? []) {
        if (!(hosted instanceof Partition)) continue
        hosted.log.updateConfig(this.#logConfig(name))
        hosted.minInsyncReplicas = this.#minInsyncReplicas(name)
      }
    }
  }

  #logConfig(topic: string): LogConfig {
    return logConfig((name) => this.#ports.topicConfig(topic, name))
  }

  #minInsyncReplicas(topic: string): number {
    return Number(this.#ports.topicConfig(topic, 'min.insync.replicas') ?? 1)
  }

  /** Nearly every append finds nobody waiting: then there is nothing to queue. */
  #changed(partition: Partition): void {
    const { produce, fetch, deleteRecords } = this.purgatories
    if (produce.size + fetch.size + deleteRecords.size > 0 || partition.hasListeners) this.#wakes.add(partition)
  }

  #wake(partition: Partition): void {
    const { produce, fetch, deleteRecords } = this.purgatories
    produce.wake(partition)
    fetch.wake(partition)
    deleteRecords.wake(partition)
    partition.notify(this.#ports.logger)
  }
}

/** Why a partition of a topic that the cluster has, or has not, is not here. */
function absent(topic: TopicImage | undefined, partition: number, unknownTopic: ErrorCode): ErrorCode {
  if (topic === undefined) return unknownTopic
  return topic.partitions[partition] === undefined
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.NOT_LEADER_OR_FOLLOWER
}
