/**
 * Puts one broker together: the only file that knows everybody. Starts in this order: agreement (metadata), logs, replicas,
 * coordinators, sockets, registration; stops in reverse.
 */
import { apiName, type ErrorCode, errorName } from '../../protocol/index.js'
import type { DescribedMember } from '../broker/group/commands.js'
import { FetchSessionCache } from '../broker/partition/fetch-session-cache.js'
import { Replicas } from '../broker/partition/replicas.js'
import { Controller } from '../cluster/controller.js'
import type { Coordination } from '../cluster/coordination/coordination.js'
import { EmbeddedCoordination } from '../cluster/coordination/embedded.js'
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import { type Logger, silentLogger } from '../host/logger.js'
import { MemoryDisk } from '../host/memory-disk.js'
import { type Network, NetworkError, type Stream } from '../host/network.js'
import { endpoint } from '../host/network-error.js'
import { NodeNetwork } from '../host/node-network.js'
import type { Random } from '../host/random.js'
import { secureRandom } from '../host/random-sources.js'
import { SystemClock } from '../host/system-clock.js'
import { TimerWheel } from '../host/timer-wheel.js'
import { LogStore } from '../log/log-store.js'
import { BrokerConfig } from '../metadata/broker-config.js'
import { ZERO_UUID } from '../metadata/image.js'
import { MetadataStore } from '../metadata/store.js'
import { TopicConfigs } from '../metadata/topic-config.js'
import { MetricsRegistry } from '../metrics/registry.js'
import { RequestMetrics } from '../metrics/request-metrics.js'
import { advertisedAddress } from './advertised.js'
import { ApiTable } from './api-table.js'
import { Dispatcher } from './dispatcher.js'
import { GroupService } from './group-service.js'
import { Acceptor, type BoundListener } from './listener.js'
import { isWildcard, type Listeners } from './listeners.js'
import { MetadataCache } from './metadata-cache.js'
import { brokerIdOf, checkValues, connectionLimits, listenersOf, type NodeOptions, StartError } from './options.js'
import type { BrokerServices } from './services.js'

export interface NodePorts {
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  readonly disk?: Disk
  readonly network?: Network
}

/** How long clients may take to read their last answers and close when the broker stops. */
const DRAIN_MS = 500
const LOG_DIRECTORY = '/odradek/memory'

interface Ports {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly network: Network
  readonly timers: TimerWheel
}

/** What is agreed: the settings and the cluster's metadata. */
interface Agreement {
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly metadata: MetadataStore
  readonly controller: Controller
}

/** What is held and decided here. */
interface Holdings {
  readonly logs: LogStore
  readonly replicas: Replicas
  readonly groups: GroupService
}

interface Parts extends Ports, Agreement, Holdings {
  readonly listenerConfig: Listeners
  readonly acceptor: Acceptor
}

/** Makes the parts and tells them of each other; nothing runs yet. */
function assemble(options: NodeOptions, ports: NodePorts): Parts {
  const all = completePorts(ports)
  const agreement = agree(options, all)
  const listenerConfig = listenersOf(agreement.config)
  const holdings = hold(agreement, all)
  return { ...all, ...agreement, ...holdings, listenerConfig, acceptor: openDoor(agreement, holdings, all) }
}

function completePorts(ports: NodePorts): Ports {
  const { logger = silentLogger, clock = new SystemClock(), random = secureRandom } = ports
  const { disk = new MemoryDisk(), network = new NodeNetwork() } = ports
  const timers = new TimerWheel({
    clock,
    onError: (error, key) =>
      logger.error(`The timer ${key ?? ''} failed: ${error instanceof Error ? error.stack : String(error)}`),
  })
  return { logger, clock, random, disk, network, timers }
}

function agree(options: NodeOptions, { logger, random }: Ports): Agreement {
  checkValues(options.values)
  const brokerId = brokerIdOf(options.values)
  const config = new BrokerConfig({ brokerId, values: options.values, profile: options.profile }, { logger })
  const clusterId = options.clusterId ?? random.topicId()
  const metadata = new MetadataStore({ brokerId, clusterId })
  const coordination: Coordination = new EmbeddedCoordination({ clusterId }).connect(brokerId)
  const controller = new Controller({ brokerId }, { coordination, metadata, config, random, logger })
  return { config, clusterId, metadata, controller }
}

function hold({ config, metadata, controller }: Agreement, ports: Ports): Holdings {
  const { logger, clock, random, disk, timers } = ports
  const topicConfigs = new TopicConfigs(config)
  const logs = new LogStore(
    { directory: LOG_DIRECTORY, producerIdExpirationMs: config.number('producer.id.expiration.ms') },
    { disk, clock, random, logger },
  )
  config.onChange((changed) => {
    const name = 'producer.id.expiration.ms'
    if (changed.has(name)) logs.updateProducerIdExpiration(config.number(name))
  })
  const topicConfig = (topic: string, name: string) => topicConfigs.of(metadata.image, topic).text(name)
  const { brokerId } = config
  const replicas = new Replicas({ brokerId }, { clock, timers, logger, logs, topicConfig }, metadata.image)
  const createInternalTopic = (topic: string) => controller.createInternalTopic(topic)
  const groups = new GroupService(config, { clock, random, logger, metadata, replicas, createInternalTopic })
  metadata.subscribe({
    onImage(image, delta) {
      config.applyImage(image)
      for (const topic of delta.deletedTopics) topicConfigs.forget(topic.name)
      replicas.apply(delta)
      groups.apply(delta)
    },
  })
  return { logs, replicas, groups }
}

function openDoor(agreement: Agreement, holdings: Holdings, ports: Ports): Acceptor {
  const { config, metadata, controller } = agreement
  const { logs, replicas, groups } = holdings
  const { clock, logger, network, random } = ports
  const apiTable = new ApiTable()
  const sessionSlots = config.number('max.incremental.fetch.session.cache.slots')
  const broker: BrokerServices = {
    brokerId: config.brokerId,
    clock,
    logger,
    apiTable,
    config,
    controller,
    metadataCache: new MetadataCache(),
    groups: groups.coordinator,
    internalTopics: groups,
    replicas,
    fetchSessions: new FetchSessionCache({ slots: sessionSlots }, { random }),
    logs,
    image: () => metadata.image,
    advertised: (id, connection) => advertisedAddress(metadata.image, id, connection),
  }
  const observer = new RequestMetrics(
    { apiName: (key) => apiName(key) ?? String(key), errorName },
    { registry: new MetricsRegistry(), clock },
  )
  const dispatcher = new Dispatcher({ table: apiTable, broker, logger, observer })
  const onReadDone = logs.flushPending
  return new Acceptor(connectionLimits(config), { network, clock, logger, dispatcher, onReadDone })
}

/** A running broker. */
export class BrokerNode {
  readonly brokerId: number
  readonly clusterId: string
  readonly clock: Clock
  listeners: readonly BoundListener[] = []
  readonly #parts: Parts
  readonly #closeListeners = new Set<() => void>()
  #closed: Promise<void> | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    this.brokerId = parts.config.brokerId
    this.clusterId = parts.clusterId
    this.clock = parts.clock
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
    const { controller, config, replicas } = this.#parts
    try {
      await controller.start()
      if (listen) this.listeners = await this.#bind()
      await controller.register({ rack: config.string('broker.rack'), endpoints: this.#endpoints() })
    } catch (error) {
      await this.close()
      throw asStartError(error)
    }
    replicas.sweep(config.number('log.retention.check.interval.ms'))
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

  /** Finishes what is at hand, drops what waits, frees the port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { acceptor, replicas, groups, controller, logs, timers, logger } = this.#parts
    for (const listener of [...this.#closeListeners]) listener()
    acceptor.drain()
    // What was appended or committed is answered as done first,
    await logs.flush().catch((error: unknown) => logger.error(`Not everything could be written: ${String(error)}`))
    // then whoever waits for something that will not come any more (a parked fetch, a join), so that nobody has to wait for it.
    groups.close()
    replicas.close()
    await acceptor.close(DRAIN_MS)
    await controller.close()
    await logs.close()
    timers.close()
  }

  async #bind(): Promise<BoundListener[]> {
    const { acceptor, listenerConfig, metadata } = this.#parts
    const serving = (): boolean => metadata.image.brokers.has(this.brokerId)
    const bound: BoundListener[] = []
    for (const spec of listenerConfig.specs) bound.push(await acceptor.listen(spec, serving))
    return bound
  }

  /** What the cluster is told: the advertised address, or what was bound. Without sockets, what was configured. */
  #endpoints(): { name: string; host: string; port: number; securityProtocol: string }[] {
    const { specs } = this.#parts.listenerConfig
    return specs.map((spec) => {
      const bound = this.listeners.find((one) => one.spec === spec)
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

/** Starts a broker; resolves when it serves. @throws StartError */
export async function startNode(options: NodeOptions, ports: NodePorts = {}): Promise<BrokerNode> {
  const node = new BrokerNode(assemble(options, ports))
  await node.start(options.listen ?? true)
  return node
}

function asStartError(error: unknown): unknown {
  return error instanceof NetworkError ? new StartError(error.code, error.message, { cause: error }) : error
}
