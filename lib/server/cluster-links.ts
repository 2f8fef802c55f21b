/** What ties a broker to the others of its cluster: connections, replication, in-sync replicas, the way to the controller. */
import type { Partition } from '../broker/partition/partition.js'
import type { Replicas } from '../broker/partition/replicas.js'
import type { ReplicationThrottle } from '../broker/partition/replication-throttle.js'
import type { Controller } from '../cluster/controller.js'
import { ControllerChannel, NoController } from '../cluster/controller-channel.js'
import { Heartbeats } from '../cluster/heartbeats.js'
import { IsrKeeper } from '../cluster/isr-keeper.js'
import { OfflineReplicas } from '../cluster/offline-replicas.js'
import type { Peer } from '../cluster/peer.js'
import { Peers } from '../cluster/peers.js'
import { Fetchers } from '../cluster/replication/fetchers.js'
import { nudge } from '../cluster/replication/nudge.js'
import type { Visibility } from '../cluster/visibility.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Network } from '../host/network.js'
import type { LogStore } from '../log/log-store.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import type { Delta } from '../metadata/delta.js'
import type { MetadataStore } from '../metadata/store.js'

export interface ClusterLinksPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly network: Network
  readonly metadata: MetadataStore
  readonly controller: Controller
  readonly visibility: Visibility
  readonly replicas: () => Replicas
  /** How fast records may be taken from leaders. */
  readonly throttle: ReplicationThrottle
  readonly logs: LogStore
}

/** Leaderships moved by one check: each makes clients look for their leader. */
const REBALANCED_AT_ONCE = 1000

export class ClusterLinks {
  readonly channel: ControllerChannel
  readonly isrKeeper: IsrKeeper
  readonly offlineReplicas: OfflineReplicas
  readonly #heartbeats: Heartbeats
  readonly #ports: ClusterLinksPorts
  #rebalance: Timer | null = null
  #unclean: Timer | null = null
  readonly #peers: Peers
  readonly #fetchers: Fetchers
  readonly #metadata: MetadataStore
  readonly #clock: Clock
  /** Ends the waits for the next image. */
  readonly #waiting = new Set<() => void>()

  constructor(
    private readonly config: BrokerConfig,
    ports: ClusterLinksPorts,
  ) {
    this.#ports = ports
    const { clock, logger, network, metadata, controller, replicas, throttle, logs } = ports
    const { brokerId } = config
    this.#metadata = metadata
    this.#clock = clock
    const image = () => metadata.image
    this.#peers = new Peers(
      { brokerId, requestTimeoutMs: config.number('request.timeout.ms') },
      { clock, network, image },
    )
    const peer = (id: number) => this.#peers.to(id, 'short')
    const forwardPeer = (id: number) => this.#peers.to(id, 'forwarded')
    const nextImage = (timeoutMs: number) => this.#nextImage(timeoutMs)
    this.#heartbeats = new Heartbeats({ brokerId }, { clock, image, peer: (id) => this.#peers.to(id, 'heartbeats') })
    this.channel = new ControllerChannel({ brokerId }, { clock, controller, image, peer, forwardPeer, nextImage })
    this.isrKeeper = new IsrKeeper(
      { brokerId, lagMaxMs: () => config.number('replica.lag.time.max.ms') },
      {
        clock,
        logger,
        image,
        led: () => replicatedAndLed(replicas()),
        alterPartitions: (updates) => this.channel.alterPartitions(updates),
      },
    )
    this.offlineReplicas = new OfflineReplicas(
      { brokerId },
      {
        clock,
        logger,
        image,
        offline: () => replicas().offline(),
        tell: (lost) => this.channel.loseReplicas(lost),
      },
    )
    this.#fetchers = new Fetchers(
      { brokerId, settings: fetcherSettings(config) },
      {
        clock,
        logger,
        peer: (id) => this.#peers.open(id),
        nudge: (id) => void nudge(peer(id), brokerId, metadata.image.brokers.get(brokerId)?.epoch ?? -1),
        find: (topicId, partition) => replicas().findById(topicId, partition),
        brokerEpoch: () => metadata.image.brokers.get(brokerId)?.epoch ?? -1,
        throttle,
        flushPending: logs.flushPending,
        noteLogStart: (topic, partition) => logs.checkpointLogStartOf(topic, partition),
      },
    )
  }

  start(): void {
    this.isrKeeper.start()
    this.#rebalanceLater()
    this.#electUncleanLater()
  }

  /** Moves the leaderships of this broker to others, as far as there are any that can take them; bounded in time, whatever the controller does. */
  async leaveInOrder(timeoutMs: number): Promise<void> {
    const { logger } = this.#ports
    let isLate = false
    let stop = (): void => {}
    const limit = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(timeoutMs, () => {
        isLate = true
        resolve()
      })
      stop = () => timer.cancel()
    })
    await Promise.race([this.#handOver(() => !isLate), limit])
    stop()
    if (isLate)
      logger.warn(`This broker leaves without handing over what it leads: it took longer than ${timeoutMs} ms.`)
  }

  async #handOver(isWanted: () => boolean): Promise<void> {
    try {
      while (!(await this.channel.leave(this.#heartbeats, isWanted)) && isWanted()) await this.#nextImage(20)
    } catch (error) {
      if (!(error instanceof NoController)) throw error // Else it is late, which is said.
    }
  }

  /** `auto.leader.rebalance.enable`: what a broker led before it was away becomes its own again. */
  #rebalanceLater(): void {
    const { config } = this
    const intervalMs = config.number('leader.imbalance.check.interval.seconds') * 1000
    this.#rebalance = this.#clock.setTimer(intervalMs, () => {
      if (config.boolean('auto.leader.rebalance.enable')) {
        this.#ports.controller
          .rebalanceLeaders(REBALANCED_AT_ONCE)
          .catch((error: unknown) => this.#ports.logger.error(`Leaderships could not be rebalanced: ${String(error)}`))
      }
      this.#rebalanceLater()
    })
  }

  /** A topic may have been told to put up with a loss after its last in-sync replica died. */
  #electUncleanLater(): void {
    const intervalMs = this.config.number('unclean.leader.election.interval.ms')
    this.#unclean = this.#clock.setTimer(intervalMs, () => {
      this.#ports.controller
        .electUnclean()
        .catch((error: unknown) => this.#ports.logger.error(`Leaders could not be elected: ${String(error)}`))
      this.#electUncleanLater()
    })
  }

  /** After the partitions have taken their roles. */
  apply(delta: Delta): void {
    this.#fetchers.apply(delta)
    if (delta.brokersChanged) this.#ports.visibility.brokersChanged()
    this.#heartbeats.note()
    this.offlineReplicas.note(false)
  }

  throttleChanged(): void {
    this.#fetchers.throttleChanged()
  }

  /** A connection to another broker for whoever asks, and closes it. */
  openPeer(brokerId: number): Peer {
    return this.#peers.open(brokerId)
  }

  /** For tests: no connection to another broker is made or kept, in either direction. */
  setIsolated(isolated: boolean): void {
    this.#peers.setIsolated(isolated)
  }

  get isIsolated(): boolean {
    return this.#peers.isIsolated
  }

  close(): void {
    this.#rebalance?.cancel()
    this.#unclean?.cancel()
    this.#heartbeats.close()
    this.#ports.visibility.close()
    this.isrKeeper.close()
    this.offlineReplicas.close()
    this.#fetchers.close()
    this.#peers.close()
    // Last: who waits for a controller goes on now, and finds that there is nobody left to ask.
    this.channel.close()
    for (const done of [...this.#waiting]) done()
  }

  #nextImage(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        stop()
        this.#waiting.delete(done)
        resolve()
      }
      this.#waiting.add(done)
      const timer = this.#clock.setTimer(timeoutMs, done)
      const stop = this.#metadata.subscribe({ onImage: done })
    })
  }
}

function* replicatedAndLed(replicas: Replicas): Iterable<Partition> {
  for (const partition of replicas.partitions()) {
    if (partition.isLeader && partition.role.image.replicas.length > 1) yield partition
  }
}

function fetcherSettings(config: BrokerConfig) {
  return {
    get maxWaitMs() {
      return config.number('replica.fetch.wait.max.ms')
    },
    get minBytes() {
      return config.number('replica.fetch.min.bytes')
    },
    get responseMaxBytes() {
      return config.number('replica.fetch.response.max.bytes')
    },
    get partitionMaxBytes() {
      return config.number('replica.fetch.max.bytes')
    },
    get backoffMs() {
      return config.number('replica.fetch.backoff.ms')
    },
  }
}
