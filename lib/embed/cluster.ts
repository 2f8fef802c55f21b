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
import type { Logger } from '../host/logger.js'
import { secureRandom } from '../host/random-sources.js'
import { SystemClock } from '../host/system-clock.js'
import type { ProfileName } from '../metadata/profiles.js'
import type { BrokerNode } from '../server/broker-node.js'
import type { BoundListener } from '../server/listener.js'
import { startNode } from '../server/wire-up.js'
import {
  assertNoProblem,
  Broker,
  BrokerError,
  bracketed,
  closedError,
  type GroupMember,
  type GroupReadyOptions,
  loggerFor,
  type NewTopic,
  texts,
} from './broker.js'
import { problemOfCluster } from './check-options.js'
import { brokerFolder, type ClusterFolder, openClusterFolder } from './cluster-folder.js'
import { type ClusterOptions, type Seat, seatsFor } from './cluster-options.js'

export interface StopOptions {
  /** `controlled` (default): hands over what it leads, as SIGTERM does. `kill`: as `kill -9`. */
  how?: 'controlled' | 'kill'
}

/** Kafka keeps three copies of internal topics; a smaller cluster as many as it can. */
const REPLICAS = 3

export class Cluster {
  readonly clusterId: string
  readonly #options: ClusterOptions
  readonly #hub: EmbeddedCoordination
  readonly #logger: Logger
  readonly #closeLogger: () => void
  readonly #folder: ClusterFolder | null
  readonly #closeListeners = new Set<() => void>()
  #failure: string | null = null
  readonly #seats = new Map<number, Seat>()
  #closed: Promise<void> | null = null

  private constructor(
    options: ClusterOptions,
    seats: readonly Seat[],
    log: ReturnType<typeof loggerFor>,
    folder: ClusterFolder | null,
  ) {
    this.#options = options
    this.#folder = folder
    this.clusterId = options.clusterId ?? folder?.clusterId ?? secureRandom.topicId()
    this.#hub = new EmbeddedCoordination(
      { clusterId: this.clusterId },
      folder === null ? {} : { journal: folder.journal },
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
    assertNoProblem(problemOfCluster(options))
    const log = loggerFor(options)
    const { dataDir } = options
    let cluster: Cluster | null = null
    const onFatal = (reason: string): void => {
      if (cluster !== null) cluster.#fail(reason)
    }
    const ports = { clock: new SystemClock(), logger: log.logger, onFatal }
    try {
      const seats = seatsFor(options, log.logger)
      const brokerIds = seats.map(({ brokerId }) => brokerId)
      const folder = dataDir === undefined ? null : await openClusterFolder({ dataDir, brokerIds }, ports)
      cluster = new Cluster(options, seats, log, folder)
    } catch (error) {
      log.close()
      throw error
    }
    try {
      await cluster.#startAll()
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
    await this.#inTurn(brokerId, async (seat) => {
      const { node } = seat
      if (node === null) return
      seat.node = null
      await (how === 'kill' ? node.kill() : node.close({ handOver: true }))
    })
  }

  /** Starts a stopped broker again, on its port. Resolves when it serves; it catches up from the others by itself. */
  async startBroker(brokerId: number): Promise<void> {
    await this.#inTurn(brokerId, async (seat) => {
      if (seat.node === null) await this.#start(seat)
    })
  }

  /** Lets an in-sync replica lead. @throws BrokerError ELIGIBLE_LEADERS_NOT_AVAILABLE when it is none */
  async moveLeader(topic: string, partition: number, brokerId: number): Promise<void> {
    this.#seat(brokerId)
    const controller = this.#controller() ?? this.#live()
    const { errorCode, errorMessage } = await controller.controller.moveLeader(topic, partition, brokerId)
    if (errorCode !== 0) throw new BrokerError(errorName(errorCode), errorMessage ?? 'The leader could not be moved.')
  }

  /** Lets a broker coordinate a group. @throws BrokerError as `moveLeader` */
  async moveCoordinator(groupId: string, brokerId: number): Promise<void> {
    return this.moveLeader(GROUP_TOPIC, this.#groupPartition(groupId), brokerId)
  }

  /**
   * Cuts a broker off from the other brokers; clients still reach it and learn that it leads nothing. Resolves when the others have taken over from
   * it, or at once when there are none.
   */
  async isolate(brokerId: number): Promise<void> {
    this.#seat(brokerId).node?.setIsolated(true)
    this.#hub.isolate(brokerId)
    // One that is cut off itself hears of nothing.
    const others = this.#nodes.filter((node) => node.brokerId !== brokerId && !node.isIsolated)
    if (others.length === 0) return
    await Promise.race(others.map((node) => node.whenImage(({ brokers }) => brokers.get(brokerId)?.fenced !== false)))
  }

  /** Ends `isolate`. Resolves when the broker is a member again. */
  async heal(brokerId: number): Promise<void> {
    const { node } = this.#seat(brokerId)
    node?.setIsolated(false)
    this.#hub.rejoin(brokerId)
    await node?.whenImage(({ brokers }) => brokers.get(brokerId)?.fenced === false)
  }

  /** Why it stopped by itself, null when it did not. */
  get failure(): string | null {
    return this.#failure
  }

  /** Calls back once all of it has stopped, by `close` or by itself. */
  onClose(listener: () => void): void {
    this.#closeListeners.add(listener)
  }

  /** Stops all brokers. Afterwards no handle, timer or log line is left. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Nothing can be agreed on any more, or others write where we did: better nobody is served. */
  #fail(reason: string): void {
    if (this.#failure !== null || this.#closed !== null) return
    this.#failure = reason
    this.#logger.error(`${reason} The cluster stops.`)
    this.close().catch((error: unknown) => this.#logger.error(`The cluster did not stop cleanly: ${String(error)}`))
  }

  async #close(): Promise<void> {
    const seats = [...this.#seats.values()]
    // A broker that is starting would be nobody's to close. Where nothing can be agreed on any more it may start for ever.
    if (this.#failure === null) await Promise.all(seats.map(({ turn }) => turn))
    const nodes = this.#nodes
    for (const seat of seats) seat.node = null
    await Promise.all(nodes.map((node) => node.close()))
    await Promise.all(seats.map(({ memory }) => memory?.close()))
    await this.#folder?.close()
    this.#closeLogger()
    for (const listener of this.#closeListeners) listener()
  }

  /** Starts and stops of a broker come one after the other: it has one port and one disk. */
  #inTurn(brokerId: number, step: (seat: Seat) => Promise<void>): Promise<void> {
    const seat = this.#seat(brokerId)
    const done = seat.turn.then(() => step(seat))
    seat.turn = done.catch(() => {})
    return done
  }

  /** The first failure counts once all have started or failed: one that started late would be nobody's to close. */
  async #startAll(): Promise<void> {
    const started = await Promise.allSettled([...this.#seats.values()].map((seat) => this.#start(seat)))
    for (const one of started) if (one.status === 'rejected') throw one.reason
  }

  async #start(seat: Seat): Promise<void> {
    if (this.#closed !== null) throw closedError('')
    const { brokerId, memory } = seat
    const directory = `${this.#options.dataDir ?? '/odradek'}/${brokerFolder(brokerId)}`
    seat.node = await startNode(
      { values: this.#values(seat, directory), profile: this.#profile, clusterId: this.clusterId },
      {
        logger: this.#logger,
        coordination: this.#hub.connect(brokerId),
        ...(memory === null ? {} : { disks: new Map([[directory, memory.disk]]), memory }),
      },
    )
    const { node } = seat
    seat.port = node.listeners[0]?.port ?? seat.port
    // By itself, when its disks are gone: it can be started again, once it has stopped.
    node.onClose(() => {
      if (seat.node !== node) return
      seat.node = null
      seat.turn = seat.turn.then(() => node.close()).catch(() => {})
    })
  }

  get #profile(): ProfileName {
    return this.#options.profile ?? 'test'
  }

  #values({ brokerId, port, rack, advertised }: Seat, directory: string): Record<string, string> {
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
      ...texts(config),
      ...(rack === null ? {} : { 'broker.rack': rack }),
      listeners: `PLAINTEXT://${bracketed(host)}:${port}`,
      ...(advertised === null ? {} : { 'advertised.listeners': `PLAINTEXT://${advertised}` }),
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
