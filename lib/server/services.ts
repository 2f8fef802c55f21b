/** What handlers may use: the broker's services, each by its own interface. `wire-up` makes the one implementation. */
import type { ErrorCode } from '../../protocol/errors.js'
import type { GroupCoordinator } from '../broker/group/coordinator.js'
import type { FetchSessionCache } from '../broker/partition/fetch-session-cache.js'
import type { Relocations } from '../broker/partition/relocations.js'
import type { Replicas } from '../broker/partition/replicas.js'
import type { ReplicationThrottle } from '../broker/partition/replication-throttle.js'
import type { ProducerIds } from '../broker/producer-ids/producer-ids.js'
import type { TransactionCoordinator } from '../broker/transaction/coordinator.js'
import type { LocalMarkers } from '../broker/transaction/marker-sender.js'
import type { ProduceGate } from '../broker/transaction/produce-gate.js'
import type { Controller } from '../cluster/controller.js'
import type { TopicCreator } from '../cluster/topic-creator.js'
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { MemoryPressure } from '../host/memory-budget.js'
import type { LogStore } from '../log/log-store.js'
import type { BrokerConfig } from '../metadata/broker-config.js'
import type { Image } from '../metadata/image.js'
import type { ApiTable } from './api-table.js'
import type { Awaitable, ConnectionView } from './context.js'
import type { Forwarder } from './forwarding.js'
import type { MetadataCache } from './metadata-cache.js'

export interface BrokerServices {
  readonly brokerId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly apiTable: ApiTable
  readonly config: BrokerConfig
  readonly controller: ControllerApi
  readonly topicCreator: TopicCreator
  /** The way to the controller of a cluster; null on a broker that is alone. */
  readonly forwarder: Forwarder | null
  /** Serves a request that another broker has forwarded, header and body in memory of their own; null when there is no answer. */
  serve(frame: Buffer, client: ConnectionView): Promise<Buffer | null>
  /** A broker has applied the metadata up to this offset. */
  noteApplied(brokerId: number, brokerEpoch: number, offset: number): void
  readonly metadataCache: MetadataCache
  readonly groups: GroupCoordinator
  /** New ids for producers, with and without transactional id. */
  readonly producerIds: ProducerIds
  readonly transactions: TransactionCoordinator
  /** Writes markers into partitions that are led here. */
  readonly markers: LocalMarkers
  readonly produceGate: ProduceGate
  /** The partitions held here: append, fetch, delete records. */
  readonly replicas: Replicas
  readonly fetchSessions: FetchSessionCache
  /** How fast followers may be sent records. */
  readonly leaderThrottle: ReplicationThrottle
  readonly logs: Pick<LogStore, 'describe' | 'isDurable' | 'checkpointLogStarts'>
  /** Whether records can be taken. */
  readonly memory: MemoryPressure
  /** Replicas on their way to another log directory. */
  readonly relocations: Relocations
  readonly internalTopics: InternalTopics
  /** The newest metadata that this broker has applied. */
  image(): Image
  /** The address of a broker as clients of this connection should use it; null when that broker has no such listener. */
  advertised(brokerId: number, connection: ConnectionView): { host: string; port: number } | null
}

/** What handlers ask of the controller. On another broker than the controller their requests have been forwarded before they are called. */
export type ControllerApi = Pick<
  Controller,
  | ControllerCommand
  | 'isActive'
  | 'controllerEpoch'
  | 'changePartitions'
  | 'allocateProducerIds'
  | 'assignReplicas'
  | 'beginControlledShutdown'
>
type ControllerCommand =
  | 'createTopics'
  | 'autoCreate'
  | 'deleteTopics'
  | 'createPartitions'
  | 'alterConfigs'
  | 'updateFeatures'
  | 'electLeaders'
  | 'reassignPartitions'
  | 'unregisterBroker'

export interface InternalTopics {
  /**
   * Makes sure that an internal topic (`__consumer_offsets`) exists and that its partitions led here serve. NONE in this turn when it
   * does already; else an error such as INVALID_REPLICATION_FACTOR when it cannot be created.
   */
  ensure(topic: string): Awaitable<ErrorCode>
}
