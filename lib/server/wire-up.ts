/**
 * Puts one broker together: the only file that knows everybody. Starts in this order: agreement (metadata), logs, replicas,
 * coordinators, sockets, registration; stops in reverse.
 */
import { GroupCoordinator } from '../broker/group/coordinator.js'
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
import { NodeNetwork } from '../host/node-network.js'
import type { Random } from '../host/random.js'
import { secureRandom } from '../host/random-sources.js'
import { SystemClock } from '../host/system-clock.js'
import { TimerWheel } from '../host/timer-wheel.js'
import { logConfig } from '../log/config.js'
import { LogStore } from '../log/log-store.js'
import { BrokerConfig } from '../metadata/broker-config.js'
import { MetadataStore } from '../metadata/store.js'
import { TopicConfigs } from '../metadata/topic-config.js'
import { ApiTable } from './api-table.js'
import { Dispatcher } from './dispatcher.js'
import { GroupService } from './group-service.js'
import { Acceptor, type BoundListener } from './listener.js'
import { brokerIdOf, checkValues, connectionLimits, listenersOf, type NodeOptions, StartError } from './options.js'

export interface NodePorts {
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  readonly disk?: Disk
  readonly network?: Network
}

/** How long requests at hand may take when the broker stops; what waits longer (a parked fetch, a join) is dropped. */
const DRAIN_MS = 500
const LOG_DIRECTORY = '/odradek/memory'

interface Parts {
  readonly config: BrokerConfig
  readonly listenerConfig: Listeners
  readonly clusterId: string
  readonly logger: Logger
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly metadata: MetadataStore
  readonly controller: Controller
  readonly logs: LogStore
  readonly replicas: Replicas
  readonly groups: GroupService
  readonly acceptor: Acceptor
  readonly maintenance: Maintenance
}

/** Makes the parts and tells them of each other; nothing runs yet. */
function assemble(options: NodeOptions, ports: NodePorts): Parts {
  const { logger = silentLogger, clock = new SystemClock(), random = secureRandom, disk = new MemoryDisk(), network = new NodeNetwork() } = ports
  checkValues(options.values)
  const brokerId = brokerIdOf(options.values)
  const config = new BrokerConfig({ brokerId, values: options.values, profile: options.profile }, { logger })
  const listenerConfig = listenersOf(config)
  const clusterId = options.clusterId ?? random.topicId()
  const timers = new TimerWheel({
    clock,
    onError: (error, key) => logger.error(`The timer ${key ?? ''} failed: ${error instanceof Error ? error.stack : String(error)}`),
  })
  const metadata = new MetadataStore({ brokerId, clusterId })
  const coordination: Coordination = new EmbeddedCoordination({ clusterId }).connect(brokerId)
  const controller = new Controller({ brokerId }, { coordination, metadata, config, random, clock, logger })
  const topicConfigs = new TopicConfigs(config)
  const logs = new LogStore(
    { directory: LOG_DIRECTORY, producerIdExpirationMs: config.number('producer.id.expiration.ms') },
    { disk, clock, random, logger },
  )
  const replicas = new Replicas(
    { brokerId },
    {
      clock,
      timers,
      logger,
      logs: {
        open: (at, logConfiguration) => logs.create(at.topic, at.partition, logConfiguration),
        remove: (log) => removeLog(logs, log, logger),
      },
      topicConfig: (topic, name) => topicConfigs.of(metadata.image, topic).text(name),
    },
    metadata.image,
  )
  const groups = new GroupService(config, { clock, random, logger, metadata, replicas, createInternalTopic: (topic) => controller.createInternalTopic(topic) })
  const services = servicesOf({ config, clock, logger, random, metadata, controller, replicas, logs, groups })
  const dispatcher = new Dispatcher({ table: services.apiTable, broker: services, clock, logger, observer: requestMetrics() })
  const acceptor = new Acceptor(connectionLimits(config), { network, clock, logger, dispatcher, onReadDone: logs.flushPending })
  metadata.subscribe({
    onImage(image, delta) {
      config.applyImage(image)
      for (const topic of delta.deletedTopics) topicConfigs.forget(topic.name)
      replicas.apply(delta)
      groups.apply(delta)
    },
  })
  const maintenance = new Maintenance({ replicas, config, clock, timers, logger })
  return { config, listenerConfig, clusterId, logger, clock, timers, metadata, controller, logs, replicas, groups, acceptor, maintenance }
}

/** A running broker. */
export class BrokerNode {
  readonly brokerId: number
  readonly clusterId: string
  readonly logger: Logger
  readonly clock: Clock
  readonly config: BrokerConfig
  readonly metadata: MetadataStore
  readonly controller: Controller
  readonly groups: GroupService
  listeners: readonly BoundListener[] = []
  readonly #parts: Parts
  #serving = false
  #closed: Promise<void> | null = null

  constructor(options: NodeOptions, ports: NodePorts) {
    this.#parts = assemble(options, ports)
    const { config, clusterId, logger, clock, metadata, controller, groups } = this.#parts
    this.config = config
    this.brokerId = config.brokerId
    this.clusterId = clusterId
    this.logger = logger
    this.clock = clock
    this.metadata = metadata
    this.controller = controller
    this.groups = groups
  }

  /** HOST:PORT of each listener of the first kind, as clients should use it. */
  get bootstrapServers(): string {
    const [first] = this.listeners
    if (first === undefined) return ''
    const { host, port } = shownAddress(first)
    return `${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** Binds, registers, and resolves when every request would be served. */
  async start(): Promise<void> {
    const { acceptor, config, controller } = this.#parts
    try {
      await controller.start()
      this.listeners = await this.#bind(acceptor, config)
      await controller.register({ brokerId: this.brokerId, rack: config.string('broker.rack'), endpoints: this.#endpoints() })
    } catch (error) {
      await this.close()
      throw error
    }
    this.#serving = true
    this.#parts.maintenance.start()
  }

  /** Takes over a connection that did not come through a listener. */
  handle(stream: Stream): void {
    const { acceptor, listenerConfig } = this.#parts
    acceptor.accept(stream, listenerConfig.specs[0]!)
  }

  /** Finishes what is at hand, drops what waits, frees the port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { acceptor, replicas, groups, controller, logs, timers, maintenance } = this.#parts
    this.#serving = false
    maintenance.stop()
    await acceptor.close(DRAIN_MS)
    groups.close()
    replicas.close()
    await controller.close()
    await logs.close()
    timers.close()
  }
}
