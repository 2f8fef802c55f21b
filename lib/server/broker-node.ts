/** A broker that runs: started, asked, closed. What it is made of comes from `wire-up`. */
import type { ErrorCode } from '../../protocol/index.js'
import type { DescribedMember } from '../broker/group/commands.js'
import type { Relocations } from '../broker/partition/relocations.js'
import type { Replicas } from '../broker/partition/replicas.js'
import type { ReplicationThrottles } from '../broker/partition/replication-throttle.js'
import type { ProducerIds } from '../broker/producer-ids/producer-ids.js'
import type { BrokerRegistration, Controller } from '../cluster/controller.js'
import { type Coordination, DuplicateMemberError } from '../cluster/coordination/coordination.js'
import { JournalError } from '../cluster/coordination/journal.js'
import { PEER_LISTENER } from '../cluster/peers.js'
import type { TopicCreator } from '../cluster/topic-creator.js'
import type { Visibility } from '../cluster/visibility.js'
import type { Clock } from '../host/clock.js'
import { type Disk, DiskError } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { type Network, NetworkError, type Stream } from '../host/network.js'
import { endpoint } from '../host/network-error.js'
import type { Random } from '../host/random.js'
import type { RecordMemory } from '../host/record-memory.js'
import type { SpillTarget } from '../host/spill.js'
import type { TimerWheel } from '../host/timer-wheel.js'
import { logConfig } from '../log/config.js'
import type { LogCleaner } from '../log/log-cleaner.js'
import type { LogStore } from '../log/log-store.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import { type Image, ZERO_UUID } from '../metadata/image.js'
import type { MetadataListener, MetadataStore } from '../metadata/store.js'
import { keepCheckpoints } from './checkpointing.js'
import type { ClusterLinks } from './cluster-links.js'
import type { GroupService } from './group-service.js'
import type { Acceptor, BoundListener } from './listener.js'
import { isWildcard, type Listeners } from './listeners.js'
import { StartError } from './options.js'
import type { Standing } from './standing.js'
import type { Storage } from './storage.js'
import type { TransactionService } from './transaction-service.js'

/** How long clients may take to read their last answers and close when the broker stops. */
const DRAIN_MS = 500
/** How long the others may take to lead what this broker led. */
const HAND_OVER_MS = 5000

export interface Ports {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk | null
  readonly disks: ReadonlyMap<string, Disk> | null
  readonly memory: RecordMemory | null
  readonly openSpillTarget: (() => SpillTarget) | undefined
  readonly network: Network
  /** Null on a broker that is a cluster of its own. */
  readonly coordination: Coordination | null
  readonly timers: TimerWheel
}

/** What is agreed: the settings and the cluster's metadata. */
export interface Agreement {
  readonly config: BrokerConfig
  readonly storage: Storage
  readonly metadata: MetadataStore
  readonly controller: Controller
  readonly standing: Standing
  readonly visibility: Visibility
  /** See Coordination; undefined where the others cannot lose sight of this broker. */
  readonly aliveUntilMs: (() => number) | undefined
  /** There are other brokers, or may be. */
  readonly isClustered: boolean
}

/** What is held and decided here. */
export interface Holdings {
  readonly logs: LogStore
  readonly replicas: Replicas
  readonly throttles: ReplicationThrottles
  readonly relocations: Relocations
  readonly groups: GroupService
  readonly producerIds: ProducerIds
  readonly transactions: TransactionService
  readonly cleaner: LogCleaner | null
  /** Takes the roles that the metadata gives this broker. */
  readonly roles: MetadataListener
  topicConfig(topic: string, name: string): string | null
  readonly topicCreator: TopicCreator
  /** Null on a broker that is alone. */
  readonly links: ClusterLinks | null
}

export interface Parts extends Ports, Agreement, Holdings {
  readonly listenerConfig: Listeners
  readonly acceptor: Acceptor
}

/** A running broker. */
export class BrokerNode {
  readonly brokerId: number
  readonly clusterId: string
  readonly clock: Clock
  #bound: readonly BoundListener[] = []
  readonly #parts: Parts
  readonly #closeListeners = new Set<() => void>()
  #closed: Promise<void> | null = null
  #serving = false
  #failure: string | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    this.brokerId = parts.config.brokerId
    this.clusterId = parts.storage.clusterId
    this.clock = parts.clock
    parts.storage.onFatal = (reason) => this.#fail(reason)
  }

  /** Why it has stopped by itself; null while it runs or when it was told to. */
  get failure(): string | null {
    return this.#failure
  }

  /** Where everything is kept; none: in memory. */
  get dataDirectories(): string[] {
    return this.#parts.storage.directories.filter((one) => one.isDurable).map(({ path }) => path)
  }

  /** What is bound for clients. */
  get listeners(): BoundListener[] {
    return this.#bound.filter(({ spec }) => spec.name !== PEER_LISTENER)
  }

  /** HOST:PORT of the first listener, as clients are told; without sockets, what is configured. */
  get bootstrapServers(): string {
    const [first] = this.#endpoints()
    if (first === undefined) return ''
    const host = isWildcard(first.host) ? '127.0.0.1' : first.host
    return endpoint(host, first.port)
  }

  /** Binds, registers, and resolves when every request would be served. @throws StartError */
  async start(listen: boolean): Promise<void> {
    const { controller, config, replicas, relocations, cleaner, metadata, roles } = this.#parts
    try {
      await controller.start()
      await this.#openLogs()
      if (listen) this.#bound = await this.#bind()
      await controller.register(this.#registration())
      // Not before: what the last life led is led again in a new epoch.
      metadata.follow(roles)
      this.#serving = true
    } catch (error) {
      await this.close()
      throw asStartError(error)
    }
    this.#parts.links?.start()
    replicas.sweep(config.number('log.retention.check.interval.ms'))
    keepCheckpoints(this.#parts)
    relocations.resume()
    replicas.expireProducers(config.number('producer.id.expiration.check.interval.ms'))
    cleaner?.start()
  }

  /** Takes over a connection that did not come through a listener. */
  handle(stream: Stream): void {
    const { acceptor, listenerConfig } = this.#parts
    acceptor.accept(stream, listenerConfig.specs[0]!)
  }

  async createTopic(topic: TopicToCreate): Promise<TopicResult> {
    const { name, partitions, replicationFactor, configs } = topic
    const topics = await this.#parts.controller.createTopics({
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      validateOnly: false,
    })
    return topics[0]!
  }

  async deleteTopic(name: string): Promise<TopicResult> {
    const [result] = await this.#parts.controller.deleteTopics([{ name, topicId: ZERO_UUID }])
    return result!
  }

  /** Calls back once when the group is stable with all assignments given out; returns what undoes it. */
  onGroupReady(groupId: string, members: number, listener: (members: readonly DescribedMember[]) => void): () => void {
    return this.#parts.groups.coordinator.onReady(groupId, { members }, listener)
  }

  /** In words, for an error message. */
  groupState(groupId: string): string {
    const described = this.#parts.groups.coordinator.describeGroups([groupId])
    if (described instanceof Promise) return 'waiting for its coordinator'
    const [group] = described
    if (group === undefined || group.errorCode !== 0 || group.groupState === 'Dead') return 'not there'
    return `${group.groupState} with ${group.members.length} ${group.members.length === 1 ? 'member' : 'members'}`
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** What was acknowledged is safe, and nothing more can be: better nobody is served. */
  #fail(reason: string): void {
    if (this.#failure !== null || this.#closed !== null) return
    this.#failure = reason
    const { logger } = this.#parts
    logger.error(`${reason} The broker stops.`)
    this.close().catch((error: unknown) => logger.error(`The broker did not stop cleanly: ${String(error)}`))
  }

  /**
   * Finishes what is at hand, drops what waits, frees the port. With `handOver`, in a cluster, what this broker leads moves to others before, so
   * that clients see no error. Idempotent.
   */
  close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(handOver)
    return this.#closed
  }

  /** Ends as a process does that is killed: connections break, nobody is told, nothing is handed over or marked as clean. */
  kill(): Promise<void> {
    this.#closed ??= this.#kill()
    return this.#closed
  }

  /** Cuts this broker off from the other brokers, or ends that; its clients still reach it. */
  setIsolated(isolated: boolean): void {
    this.#parts.links?.setIsolated(isolated)
  }

  get isIsolated(): boolean {
    return this.#parts.links?.isIsolated ?? false
  }

  /** The image of the cluster that this broker has. */
  get image(): Image {
    return this.#parts.metadata.image
  }

  get controller(): Controller {
    return this.#parts.controller
  }

  /** Resolves when the image satisfies `condition`, or this broker is closed. */
  whenImage(condition: (image: Image) => boolean): Promise<void> {
    if (condition(this.image)) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        stopWatching()
        stopListening()
        resolve()
      }
      const stopWatching = this.#parts.metadata.subscribe({ onImage: (image) => condition(image) && done() })
      const stopListening = this.onClose(done)
    })
  }

  async #kill(): Promise<void> {
    const { acceptor, replicas, relocations, groups, cleaner, transactions, controller, links, logs, storage, timers } =
      this.#parts
    for (const listener of [...this.#closeListeners]) listener()
    const stopped = acceptor.close(0)
    links?.close()
    transactions.close()
    groups.close()
    relocations.close()
    replicas.close()
    await cleaner?.close()
    await controller.close()
    await stopped
    await logs.close(null).finally(() => storage.close())
    timers.close()
  }

  async #close(handOver: boolean): Promise<void> {
    const {
      acceptor,
      replicas,
      relocations,
      groups,
      cleaner,
      transactions,
      controller,
      links,
      logs,
      metadata,
      storage,
      timers,
      logger,
      standing,
    } = this.#parts
    // Who is out of the cluster leads nothing, and nobody would hear of it.
    if (handOver && standing.inCluster) await links?.leaveInOrder(HAND_OVER_MS)
    for (const listener of [...this.#closeListeners]) listener()
    acceptor.drain()
    links?.close()
    // What was appended or committed is answered as done first,
    await logs.flush().catch((error: unknown) => logger.error(`Not everything could be written: ${String(error)}`))
    // then whoever waits for something that will not come any more (a parked fetch, a join), so that nobody has to wait for it.
    transactions.close()
    groups.close()
    relocations.close()
    replicas.close()
    await cleaner?.close()
    await acceptor.close(DRAIN_MS)
    const epoch = storage.isLost ? null : (metadata.image.brokers.get(this.brokerId)?.epoch ?? -1)
    await controller.close()
    try {
      await logs.close(epoch)
    } finally {
      await storage.close()
      timers.close()
    }
  }

  /** What the last life left behind, with the configs its topics have now. */
  async #openLogs(): Promise<void> {
    const { logs, storage, metadata, topicConfig } = this.#parts
    if (!storage.directories.some(({ isDurable }) => isDurable)) return
    await logs.open((name) => {
      const topic = metadata.image.topicsByName.get(name)
      if (topic === undefined) return null
      const config = logConfig((config) => topicConfig(name, config))
      return { topicId: topic.topicId, partitionCount: topic.partitions.length, config }
    })
  }

  #registration(): BrokerRegistration {
    const { config, logs, storage } = this.#parts
    const logDirs = storage.directories.flatMap(({ id }) => id ?? [])
    return {
      rack: config.string('broker.rack'),
      endpoints: this.#endpoints(),
      logDirs,
      previousBrokerEpoch: logs.previousBrokerEpoch,
    }
  }

  async #bind(): Promise<BoundListener[]> {
    const { acceptor, listenerConfig } = this.#parts
    const serving = (): boolean => this.#serving
    const bound: BoundListener[] = []
    for (const spec of listenerConfig.specs) bound.push(await acceptor.listen(spec, serving))
    return bound
  }

  /** What the cluster is told: the advertised address, or what was bound. Without sockets, what was configured. */
  #endpoints(): { name: string; host: string; port: number; securityProtocol: string }[] {
    const { specs } = this.#parts.listenerConfig
    return specs.map((spec) => {
      const bound = this.#bound.find((one) => one.spec === spec)
      const { host, port } = spec.advertised ?? bound ?? spec
      // A free port that is advertised under another name is still the one that was bound.
      return {
        name: spec.name,
        host,
        port: port === 0 ? (bound?.port ?? 0) : port,
        securityProtocol: spec.securityProtocol,
      }
    })
  }
}

export interface TopicToCreate {
  readonly name: string
  /** -1 for the broker's default, as is `replicationFactor`. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

export interface TopicResult {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

function asStartError(error: unknown): unknown {
  if (error instanceof NetworkError) return new StartError(error.code, error.message, { cause: error })
  if (error instanceof JournalError || error instanceof DiskError) {
    return new StartError('ERR_ODRADEK_DATA_DIR', error.message, { cause: error })
  }
  if (error instanceof DuplicateMemberError) return new StartError(error.code, error.message, { cause: error })
  return error
}
