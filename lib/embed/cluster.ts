/**
 * Several brokers in your process that are one cluster: for tests of fail-over, and for programs that want replicas.
 *
 * ```js
 * const cluster = await Cluster.create({ brokers: 3 })
 * const kafka = new Kafka({ brokers: cluster.brokers })
 * await cluster.stopBroker(2, { how: 'kill' }) // producers and consumers go on
 * await cluster.close()
 * ```
 */
import { errorName } from '../../protocol/errors.js'
import { GROUP_TOPIC } from '../broker/coordinator/locate.js'
import { partitionFor } from '../broker/coordinator/partition-for.js'
import { EmbeddedCoordination } from '../cluster/coordination/embedded.js'
import { MetadataLog } from '../cluster/coordination/metadata-log.js'
import type { Logger } from '../host/logger.js'
import { NodeDisk } from '../host/node-disk.js'
import { secureRandom } from '../host/random-sources.js'
import { openRecordMemory, type RecordMemory } from '../host/record-memory.js'
import { SystemClock } from '../host/system-clock.js'
import { META_PROPERTIES, parseMetaProperties } from '../log/meta-properties.js'
import type { ProfileName } from '../metadata/profiles.js'
import type { BrokerNode } from '../server/broker-node.js'
import type { BoundListener } from '../server/listener.js'
import { startNode } from '../server/wire-up.js'
import {
  Broker,
  BrokerError,
  type BrokerOptions,
  bracketed,
  closedError,
  type GroupMember,
  type GroupReadyOptions,
  limitBytes,
  loggerFor,
  type NewTopic,
  texts,
} from './broker.js'

export interface ClusterOptions
  extends Pick<BrokerOptions, 'host' | 'topics' | 'profile' | 'config' | 'logLevel' | 'logger' | 'clusterId'> {
  /** How many. Default: as many as `brokerIds`, or 3. */
  brokers?: number
  /** Default: 1, 2, 3 ... */
  brokerIds?: readonly number[]
  /** One per broker, in their order (`broker.rack`): replicas are spread over them. */
  racks?: readonly string[]
  /** A folder that keeps everything: one folder per broker in it, and one for what they agree on. Default: memory. */
  dataDir?: string
  /** As for one broker; shared by all. */
  memoryLimit?: BrokerOptions['memoryLimit']
  /** Port of the first broker, the others take the next ones. Default 0: free ones. */
  port?: number
}

export interface StopOptions {
  /** `controlled` (default): hands over what it leads, as SIGTERM does. `kill`: as `kill -9`. */
  how?: 'controlled' | 'kill'
}

interface Seat {
  readonly brokerId: number
  readonly rack: string | null
  /** 0 until it is known; the same after a restart. */
  port: number
  /** Its records when they are in memory: they outlive the broker as a disk does. */
  readonly memory: RecordMemory | null
  node: BrokerNode | null
}

/** Kafka keeps three copies of internal topics; a smaller cluster as many as it can. */
const REPLICAS = 3
/** `metadata.log.max.record.bytes.between.snapshots`: Kafka's default. */
const SNAPSHOT_AFTER_BYTES = 20 * 1024 * 1024

export class Cluster {
  readonly clusterId: string
  readonly #options: ClusterOptions
  readonly #hub: EmbeddedCoordination
  readonly #logger: Logger
  readonly #closeLogger: () => void
  readonly #journal: MetadataLog | null
  readonly #seats = new Map<number, Seat>()
  #closed: Promise<void> | null = null

  private constructor(options: ClusterOptions, seats: readonly Seat[], log: ReturnType<typeof loggerFor>) {
    this.#options = options
    this.#journal = options.dataDir === undefined ? null : openJournal(options.dataDir, log.logger)
    this.clusterId = options.clusterId ?? keptClusterId(options.dataDir, seats) ?? secureRandom.topicId()
    this.#hub = new EmbeddedCoordination(
      { clusterId: this.clusterId },
      this.#journal === null ? {} : { journal: this.#journal },
    )
    this.#logger = log.logger
    this.#closeLogger = log.close
    for (const seat of seats) this.#seats.set(seat.brokerId, seat)
  }

  /**
   * Starts the brokers and resolves when all of them serve and know each other.
   * @throws StartError when one cannot start as asked, BrokerError when a topic cannot be created
   */
  static async create(options: ClusterOptions = {}): Promise<Cluster> {
    const log = loggerFor(options)
    const cluster = new Cluster(options, seatsFor(options, log.logger), log)
    try {
      await Promise.all([...cluster.#seats.values()].map((seat) => cluster.#start(seat)))
      for (const topic of options.topics ?? []) await cluster.createTopic(topic)
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** HOST:PORT of every broker, comma-separated, as `bootstrap.servers` takes them; also of those that are stopped. */
  get bootstrapServers(): string {
    return this.brokers.join(',')
  }

  /** The array that kafkajs takes as `brokers`. */
  get brokers(): string[] {
    const host = bracketed(this.#options.host ?? '127.0.0.1')
    return [...this.#seats.values()].map(({ node, port }) => node?.bootstrapServers ?? `${host}:${port}`)
  }

  /** What is bound, of the brokers that run. */
  get listeners(): BoundListener[] {
    return this.#nodes.flatMap(({ listeners }) => listeners)
  }

  /** Where everything is kept; none: in memory. */
  get dataDirectories(): string[] {
    return this.#options.dataDir === undefined ? [] : [this.#options.dataDir]
  }

  get #nodes(): BrokerNode[] {
    return [...this.#seats.values()].flatMap(({ node }) => node ?? [])
  }

  get brokerIds(): number[] {
    return [...this.#seats.keys()]
  }

  /** Brokers that run now. */
  get runningBrokerIds(): number[] {
    return [...this.#seats.values()].filter(({ node }) => node !== null).map(({ brokerId }) => brokerId)
  }

  /** The broker that decides changes of the cluster; -1 when none runs. */
  get controllerId(): number {
    return this.#controller()?.brokerId ?? -1
  }

  /** Who leads a partition: -1 when nobody does, null when there is no such partition. */
  leaderOf(topic: string, partition: number): number | null {
    return this.#partition(topic, partition)?.leader ?? null
  }

  /** The in-sync replicas of a partition; empty when there is no such partition. */
  isrOf(topic: string, partition: number): readonly number[] {
    return this.#partition(topic, partition)?.isr ?? []
  }

  /** Creates a topic that every broker serves when this resolves. @throws BrokerError with Kafka's error name */
  async createTopic(topic: string | NewTopic): Promise<void> {
    await Broker.over(this.#live()).createTopic(topic)
  }

  /** Deletes a topic with everything in it. @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION */
  async deleteTopic(name: string): Promise<void> {
    await Broker.over(this.#live()).deleteTopic(name)
  }

  /** As `Broker.groupReady`, whichever broker coordinates the group now or comes to do so. */
  async groupReady(groupId: string, options: GroupReadyOptions = {}): Promise<readonly GroupMember[]> {
    this.#live()
    const asked = this.#nodes.map((node) => Broker.over(node).groupReady(groupId, options))
    try {
      return await Promise.any(asked)
    } catch (error) {
      // All have failed: who coordinates it knows best why.
      const coordinator = this.#nodes.findIndex(({ brokerId }) => brokerId === this.coordinatorOf(groupId))
      throw (error as AggregateError).errors[Math.max(coordinator, 0)]
    }
  }

  /** The broker that coordinates a group; null while nobody does (no group has ever been used). */
  coordinatorOf(groupId: string): number | null {
    const leader = this.leaderOf(GROUP_TOPIC, this.#groupPartition(groupId))
    return leader === null || leader < 0 ? null : leader
  }

  /** Stops a broker. Its records stay and are there when it starts again. Does nothing when it does not run. */
  async stopBroker(brokerId: number, { how = 'controlled' }: StopOptions = {}): Promise<void> {
    const seat = this.#seat(brokerId)
    const { node } = seat
    if (node === null) return
    seat.node = null
    await (how === 'kill' ? node.kill() : node.close({ handOver: true }))
  }

  /** Starts a stopped broker again, on its port. Resolves when it serves; it catches up from the others by itself. */
  async startBroker(brokerId: number): Promise<void> {
    const seat = this.#seat(brokerId)
    if (seat.node === null) await this.#start(seat)
  }

  /** Lets an in-sync replica lead. @throws BrokerError ELIGIBLE_LEADERS_NOT_AVAILABLE when it is none */
  async moveLeader(topic: string, partition: number, brokerId: number): Promise<void> {
    this.#seat(brokerId)
    const controller = this.#controller() ?? this.#live()
    const { errorCode, errorMessage } = await controller.controller.moveLeader(topic, partition, brokerId)
    if (errorCode !== 0) throw new BrokerError(errorName(errorCode), errorMessage ?? 'The leader could not be moved.')
  }

  /** Lets a broker coordinate a group. @throws BrokerError as `moveLeader` */
  moveCoordinator(groupId: string, brokerId: number): Promise<void> {
    return this.moveLeader(GROUP_TOPIC, this.#groupPartition(groupId), brokerId)
  }

  /**
   * Cuts a broker off from the other brokers; clients still reach it and learn that it leads nothing. Resolves when the others have taken over from
   * it, or at once when there are none.
   */
  async isolate(brokerId: number): Promise<void> {
    this.#seat(brokerId).node?.setIsolated(true)
    this.#hub.isolate(brokerId)
    const others = this.#nodes.filter((node) => node.brokerId !== brokerId)
    await others[0]?.whenImage(({ brokers }) => brokers.get(brokerId)?.fenced !== false)
  }

  /** Ends `isolate`. Resolves when the broker is a member again. */
  async heal(brokerId: number): Promise<void> {
    const { node } = this.#seat(brokerId)
    node?.setIsolated(false)
    this.#hub.rejoin(brokerId)
    await node?.whenImage(({ brokers }) => brokers.get(brokerId)?.fenced === false)
  }

  /** Stops all brokers. Afterwards no handle, timer or log line is left. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const seats = [...this.#seats.values()]
    const nodes = this.#nodes
    for (const seat of seats) seat.node = null
    await Promise.all(nodes.map((node) => node.close()))
    await Promise.all(seats.map(({ memory }) => memory?.close()))
    await this.#journal?.close()
    this.#closeLogger()
  }

  async #start(seat: Seat): Promise<void> {
    if (this.#closed !== null) throw closedError('')
    const { brokerId, memory } = seat
    const directory = `${this.#options.dataDir ?? '/odradek'}/${folderOf(brokerId)}`
    seat.node = await startNode(
      { values: this.#values(seat, directory), profile: this.#profile, clusterId: this.clusterId },
      {
        logger: this.#logger,
        coordination: this.#hub.connect(brokerId),
        ...(memory === null ? {} : { disks: new Map([[directory, memory.disk]]), memory }),
      },
    )
    seat.port = seat.node.listeners[0]?.port ?? seat.port
  }

  get #profile(): ProfileName {
    return this.#options.profile ?? 'test'
  }

  #values({ brokerId, port, rack }: Seat, directory: string): Record<string, string> {
    const { host = '127.0.0.1', config = {} } = this.#options
    const copies = String(Math.min(REPLICAS, this.#seats.size))
    const replicated: Record<string, string> = {
      'default.replication.factor': copies,
      'offsets.topic.replication.factor': copies,
      'transaction.state.log.replication.factor': copies,
      'transaction.state.log.min.isr': this.#seats.size >= REPLICAS ? '2' : '1',
      'share.coordinator.state.topic.replication.factor': copies,
    }
    return {
      ...(this.#profile === 'test' ? replicated : {}),
      ...(rack === null ? {} : { 'broker.rack': rack }),
      ...texts(config),
      listeners: `PLAINTEXT://${bracketed(host)}:${port}`,
      'node.id': String(brokerId),
      'log.dirs': directory,
    }
  }

  #seat(brokerId: number): Seat {
    const seat = this.#seats.get(brokerId)
    if (seat !== undefined) return seat
    const message = `The cluster has no broker ${brokerId} (it has ${this.brokerIds.join(', ')}).`
    throw new BrokerError('BROKER_ID_NOT_REGISTERED', message)
  }

  #controller(): BrokerNode | null {
    for (const { node } of this.#seats.values()) if (node?.controller.isActive === true) return node
    return null
  }

  /** A broker that runs, the controller if there is one: what it says is the newest. */
  #live(): BrokerNode {
    if (this.#closed !== null) throw closedError('')
    const node = this.#controller() ?? [...this.#seats.values()].find((seat) => seat.node !== null)?.node
    if (!node) throw new BrokerError('ERR_ODRADEK_NO_BROKER', 'No broker of the cluster runs.')
    return node
  }

  #partition(topic: string, partition: number) {
    return this.#live().image.topicsByName.get(topic)?.partitions[partition]
  }

  #groupPartition(groupId: string): number {
    return partitionFor(groupId, this.#live().image.topicsByName.get(GROUP_TOPIC)?.partitions.length ?? 1)
  }
}

function seatsFor(options: ClusterOptions, logger: Logger): Seat[] {
  const { brokerIds, racks = [], port = 0 } = options
  const count = options.brokers ?? brokerIds?.length ?? 3
  if (!Number.isInteger(count) || count < 1) {
    throw new BrokerError('ERR_ODRADEK_CONFIG', `brokers is ${count}; a cluster has at least one.`)
  }
  const ids = brokerIds ?? Array.from({ length: count }, (_, index) => index + 1)
  if (ids.length !== count || new Set(ids).size !== count) {
    throw new BrokerError('ERR_ODRADEK_CONFIG', `brokerIds has to name ${count} different ids, not ${ids.join(', ')}.`)
  }
  const clock = new SystemClock()
  const { memoryLimit } = options
  const memory = memoryLimit === undefined ? {} : { limitBytes: Math.ceil(limitBytes(memoryLimit) / count) }
  return ids.map((brokerId, index) => ({
    brokerId,
    rack: racks[index] ?? null,
    port: port === 0 ? 0 : port + index,
    memory: options.dataDir === undefined ? openRecordMemory(memory, { clock, logger }) : null,
    node: null,
  }))
}

const folderOf = (brokerId: number): string => `broker-${brokerId}`

function openJournal(dataDir: string, logger: Logger): MetadataLog {
  const directory = `${dataDir}/metadata`
  return new MetadataLog(
    { directory, snapshotAfterBytes: SNAPSHOT_AFTER_BYTES },
    { disk: new NodeDisk({ root: directory }), clock: new SystemClock(), logger },
  )
}

/** The id of the cluster whose brokers have kept something there; null when none has. Their own check finds what does not fit. */
function keptClusterId(dataDir: string | undefined, seats: readonly Seat[]): string | null {
  if (dataDir === undefined) return null
  const disk = new NodeDisk({ root: dataDir })
  for (const { brokerId } of seats) {
    const bytes = disk.readFile(`${folderOf(brokerId)}/${META_PROPERTIES}`)
    const meta = bytes === null ? null : parseMetaProperties(bytes.toString())
    if (meta !== null && 'clusterId' in meta) return meta.clusterId
  }
  return null
}
