/**
 * Ties the transaction coordinator to the partitions of `__transaction_state` that this broker leads: loads what it comes to lead,
 * unloads what it loses.
 */
import type { ErrorCode } from '../../protocol/errors.js'
import { TRANSACTION_TOPIC } from '../broker/coordinator/locate.js'
import type { GroupCoordinator } from '../broker/group/coordinator.js'
import type { Partition } from '../broker/partition/partition.js'
import type { Replicas } from '../broker/partition/replicas.js'
import { PartitionShardLog } from '../broker/partition/shard-log.js'
import { transactionRecordCodec } from '../broker/transaction/codec.js'
import { TransactionCoordinator } from '../broker/transaction/coordinator.js'
import type { NewProducerIds } from '../broker/transaction/id-stock.js'
import { LocalMarkers, type MarkerSender } from '../broker/transaction/marker-sender.js'
import { ProduceGate, type ProduceGatePorts } from '../broker/transaction/produce-gate.js'
import type { Peer } from '../cluster/peer.js'
import { CoordinatorRoute } from '../cluster/transactions/coordinator-route.js'
import { MarkerRoutes } from '../cluster/transactions/marker-routes.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import type { Delta } from '../metadata/delta.js'
import { TRANSACTION_VERSION } from '../metadata/features.js'
import type { MetadataStore } from '../metadata/store.js'

export interface TransactionServicePorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: MetadataStore
  readonly replicas: Replicas
  readonly groups: GroupCoordinator
  readonly producerIds: NewProducerIds
  /** A connection to another broker; null on a broker that is alone. */
  readonly openPeer: ((brokerId: number) => Peer) | null
}

export class TransactionService {
  readonly coordinator: TransactionCoordinator
  readonly markers: LocalMarkers
  readonly produceGate: ProduceGate
  readonly #ports: TransactionServicePorts
  /** What leads to other brokers: nothing on one that is alone. */
  readonly #routes: (MarkerRoutes | CoordinatorRoute)[] = []

  constructor(config: BrokerConfig, ports: TransactionServicePorts) {
    this.#ports = ports
    const { clock, logger, metadata, replicas, groups, producerIds } = ports
    const requestTimeoutMs = config.number('request.timeout.ms')
    this.markers = new LocalMarkers({
      logger,
      find: (topic, partition) => replicas.find(topic, partition),
      append: (partitions, marker) => replicas.appends.appendMarkers(partitions, marker, requestTimeoutMs),
      completeOffsets: (partition, marker) => groups.completeTransaction(partition, marker),
    })
    this.coordinator = new TransactionCoordinator(
      {
        // The topic may be older than the setting, or made by hand.
        partitionCount: () =>
          metadata.image.topicsByName.get(TRANSACTION_TOPIC)?.partitions.length ??
          config.number('transaction.state.log.num.partitions'),
        transactionVersion: () => metadata.image.features.get(TRANSACTION_VERSION) ?? 0,
        config: transactionConfig(config),
      },
      { clock, logger, codec: transactionRecordCodec, producerIds, markers: this.#markersFor(config) },
    )
    this.produceGate = new ProduceGate(
      {
        verifies: () => config.boolean('transaction.partition.verification.enable'),
        retryBackoffMs: config.number('add.partitions.to.txn.retry.backoff.ms'),
        retryMaxMs: config.number('add.partitions.to.txn.retry.backoff.max.ms'),
      },
      { clock, coordinator: this.#coordinatorsFor(config) },
    )
  }

  /** After the replicas, and the group coordinator, have taken over the same delta. */
  apply(delta: Delta): void {
    if (delta.brokersChanged) for (const route of this.#routes) route.brokersChanged()
    for (const { topic, partition } of delta.removed)
      if (topic.name === TRANSACTION_TOPIC) this.coordinator.unload(partition.partition)
    for (const { topic, partition } of delta.followed)
      if (topic.name === TRANSACTION_TOPIC) this.coordinator.unload(partition.partition)
    for (const { topic, partition, before } of delta.led) {
      if (topic.name === TRANSACTION_TOPIC && before?.leaderEpoch !== partition.leaderEpoch) {
        this.#load(partition.partition)
      }
    }
  }

  close(): void {
    this.coordinator.close()
    for (const route of this.#routes) route.close()
  }

  #markersFor({ brokerId }: BrokerConfig): MarkerSender {
    const { logger, metadata, openPeer } = this.#ports
    if (openPeer === null) return this.markers
    const image = () => metadata.image
    const routes = new MarkerRoutes({ brokerId }, { logger, here: this.markers, image, open: openPeer })
    this.#routes.push(routes)
    return routes
  }

  #coordinatorsFor({ brokerId }: BrokerConfig): ProduceGatePorts['coordinator'] {
    const { metadata, openPeer } = this.#ports
    if (openPeer === null) return this.coordinator
    const image = () => metadata.image
    const route = new CoordinatorRoute({ brokerId }, { here: this.coordinator, image, open: openPeer })
    this.#routes.push(route)
    return route
  }

  #load(partition: number): void {
    const found: Partition | ErrorCode = this.#ports.replicas.find(TRANSACTION_TOPIC, partition)
    if (typeof found === 'number') {
      this.#ports.logger.error(
        `The coordinator cannot use ${TRANSACTION_TOPIC}-${partition}: its log is not here (error ${found}).`,
      )
      return
    }
    this.coordinator.load(partition, new PartitionShardLog(found))
  }
}

function transactionConfig(config: BrokerConfig) {
  return {
    timeoutMaxMs: config.number('transaction.max.timeout.ms'),
    abortIntervalMs: config.number('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    expirationMs: config.number('transactional.id.expiration.ms'),
    expirationIntervalMs: config.number('transaction.remove.expired.transaction.cleanup.interval.ms'),
  }
}
