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
