/**
 * Puts one broker together: the only file that knows everybody. Starts in this order: agreement (metadata), logs, replicas,
 * coordinators, sockets, registration; stops in reverse.
 */
import { apiName, errorName } from '../../protocol/index.js'
import { FetchSessionCache } from '../broker/partition/fetch-session-cache.js'
import type { Partition } from '../broker/partition/partition.js'
import { Relocations } from '../broker/partition/relocations.js'
import { Replicas } from '../broker/partition/replicas.js'
import { ReplicationThrottles } from '../broker/partition/replication-throttle.js'
import { ProducerIds } from '../broker/producer-ids/producer-ids.js'
import { Controller } from '../cluster/controller.js'
import type { Coordination } from '../cluster/coordination/coordination.js'
import { EmbeddedCoordination } from '../cluster/coordination/embedded.js'
import { TopicCreator } from '../cluster/topic-creator.js'
import { Visibility } from '../cluster/visibility.js'
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import { type Logger, silentLogger } from '../host/logger.js'
import type { Network } from '../host/network.js'
import { NodeNetwork } from '../host/node-network.js'
import type { Random } from '../host/random.js'
import { secureRandom } from '../host/random-sources.js'
import type { RecordMemory } from '../host/record-memory.js'
import type { SpillTarget } from '../host/spill.js'
import { SystemClock } from '../host/system-clock.js'
import { TimerWheel } from '../host/timer-wheel.js'
import type { LogDir } from '../log/log-dir.js'
import { LogStore } from '../log/log-store.js'
import { BrokerConfig } from '../metadata/broker-config.js'
import type { Delta } from '../metadata/delta.js'
import { type MetadataListener, MetadataStore } from '../metadata/store.js'
import { TopicConfigs } from '../metadata/topic-config.js'
import { MetricsRegistry } from '../metrics/registry.js'
import { RequestMetrics } from '../metrics/request-metrics.js'
import { advertisedAddress } from './advertised.js'
import { ApiTable } from './api-table.js'
import { type Agreement, BrokerNode, type Holdings, type Parts, type Ports } from './broker-node.js'
import { ClusterLinks } from './cluster-links.js'
import { Dispatcher } from './dispatcher.js'
import { Forwarder } from './forwarding.js'
import { GroupService } from './group-service.js'
import { Acceptor } from './listener.js'
import { withPeerListener } from './listeners.js'
import { logCleaner } from './log-cleaning.js'
import { MetadataCache } from './metadata-cache.js'
import { brokerIdOf, checkValues, connectionLimits, listenersOf, type NodeOptions } from './options.js'
import { peerTable } from './peer-table.js'
import type { BrokerServices } from './services.js'
import { Standing } from './standing.js'
import { openStorage, type Storage } from './storage.js'
import { TransactionService } from './transaction-service.js'

export interface NodePorts {
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  /** Without log directories. Default: memory, see `openRecordMemory`. */
  readonly disk?: Disk
  /** Of `disks` that are memory: what bounds them. */
  readonly memory?: RecordMemory
  /** Where records go that memory has no room for. Default: a temporary folder. */
  readonly openSpillTarget?: () => SpillTarget
  /** The disk of each log directory by its path, for tests and the simulator: a node can start again on the same. Nothing is locked. */
  readonly disks?: ReadonlyMap<string, Disk>
  readonly network?: Network
  /** This broker's end of a cluster of several; without it the broker is a cluster of its own. */
  readonly coordination?: Coordination
}

/** Makes the parts and tells them of each other; nothing runs yet. */
function assemble(config: BrokerConfig, storage: Storage, ports: Ports): Parts {
  const agreement = agree(config, storage, ports)
  const listenerConfig = listenersOf(config)
  const specs = agreement.isClustered ? withPeerListener(listenerConfig) : listenerConfig.specs
  const holdings = hold(agreement, ports)
  const acceptor = openDoor(agreement, holdings, ports)
  return { ...ports, ...agreement, ...holdings, listenerConfig: { ...listenerConfig, specs }, acceptor }
}

function completePorts(ports: NodePorts): Ports {
  const { logger = silentLogger, clock = new SystemClock(), random = secureRandom } = ports
  const { disk = null, disks = null, openSpillTarget, network = new NodeNetwork() } = ports
  const { coordination = null, memory = null } = ports
  const timers = new TimerWheel({
    clock,
    onError: (error, key) =>
      logger.error(`The timer ${key ?? ''} failed: ${error instanceof Error ? error.stack : String(error)}`),
  })
  return { logger, clock, random, disk, disks, openSpillTarget, network, coordination, memory, timers }
}

function agree(config: BrokerConfig, storage: Storage, ports: Ports): Agreement {
  const { logger, random } = ports
  const { brokerId } = config
  const { clusterId, journal } = storage
  const metadata = new MetadataStore({ brokerId, clusterId })
  // Before everybody else: who looks at an image finds its settings in force.
  metadata.subscribe({ onImage: (image) => void config.applyImage(image) })
  const own = () => new EmbeddedCoordination({ clusterId }, journal === null ? {} : { journal }).connect(brokerId)
  const coordination = ports.coordination ?? own()
  const standing = new Standing()
  const onStanding = (inCluster: boolean): void => standing.set(inCluster)
  const visibility = new Visibility({ brokerId }, { clock: ports.clock, logger, image: () => metadata.image })
  const seenEverywhere = coordination.tellsAllAtOnce ? undefined : (offset: number) => visibility.reached(offset)
  const controller = new Controller(
    { brokerId },
    { coordination, metadata, config, clock: ports.clock, random, logger, onStanding, seenEverywhere },
  )
  const aliveUntilMs =
    coordination.aliveUntilMs === Number.POSITIVE_INFINITY ? undefined : () => coordination.aliveUntilMs
  const isClustered = ports.coordination !== null
  return { config, storage, metadata, controller, standing, visibility, aliveUntilMs, isClustered }
}

function hold(agreement: Agreement, ports: Ports): Holdings {
  const { config, metadata, controller, standing, visibility, aliveUntilMs } = agreement
  const { logger, clock, timers } = ports
  const topicConfigs = new TopicConfigs(config)
  const highWatermark = (topic: string, partition: number): number | null => {
    const replica = replicas.find(topic, partition)
    return typeof replica === 'number' ? null : replica.highWatermark
  }
  const logs = holdLogs(agreement, ports, highWatermark)
  const topicConfig = (topic: string, name: string) => topicConfigs.of(metadata.image, topic).text(name)
  const { brokerId } = config
  const throttles = new ReplicationThrottles(config, clock)
  const links = agreement.isClustered
    ? new ClusterLinks(config, {
        ...ports,
        metadata,
        controller,
        visibility,
        replicas: () => replicas,
        throttle: throttles.follower,
        logs,
      })
    : null
  const onFollowerCaughtUp = (partition: Partition): void => links?.isrKeeper.note(partition)
  const onOffline = (): void => links?.offlineReplicas.note(true)
  const replicas: Replicas = new Replicas(
    { brokerId },
    { clock, timers, logger, logs, topicConfig, onFollowerCaughtUp, onOffline, aliveUntilMs },
    metadata.image,
  )
  const find = (topic: string, partition: number) => replicas.find(topic, partition)
  const relocations = new Relocations({ clock, logger, logs, rate: throttles.directories, find })
  const topicCreator = new TopicCreator((names) => (links?.channel ?? controller).autoCreate(names), logger)
  const createInternalTopic = (topic: string) => topicCreator.createInternal(topic)
  const groups = new GroupService(config, { ...ports, metadata, replicas, createInternalTopic })
  const allocate = () => {
    const brokerEpoch = metadata.image.brokers.get(brokerId)?.epoch ?? -1
    return (links?.channel ?? controller).allocateProducerIds({ brokerId, brokerEpoch })
  }
  const producerIds = new ProducerIds({ allocate, logger })
  const openPeer = links === null ? null : (id: number) => links.openPeer(id)
  const atHand = { metadata, replicas, groups: groups.coordinator, producerIds, openPeer }
  const transactions = new TransactionService(config, { ...ports, ...atHand })
  const standers = [replicas, groups.coordinator, transactions.coordinator]
  standing.onChange = (inCluster) => standers.forEach((one) => void one.setStanding(inCluster))
  throttles.onChange = () => {
    replicas.fetches.answerFollowers()
    links?.throttleChanged()
  }
  const roles = inTurn(topicConfigs, [throttles, replicas, links, groups, transactions])
  const held = {
    logs,
    replicas,
    throttles,
    relocations,
    groups,
    cleaner: logCleaner(config, { ...ports, replicas, logs }),
    roles,
    topicConfig,
    producerIds,
    transactions,
  }
  return { ...held, topicCreator, links }
}

/** Takes a change of the metadata over one after the other: who comes later relies on those before. */
function inTurn(
  topicConfigs: TopicConfigs,
  takers: readonly ({ apply(delta: Delta): void } | null)[],
): MetadataListener {
  return {
    onImage(_image, delta) {
      for (const { name } of delta.deletedTopics) topicConfigs.forget(name)
      for (const taker of takers) taker?.apply(delta)
    },
  }
}

function holdLogs(
  { config, storage }: Agreement,
  { clock, random, logger }: Ports,
  highWatermark: (topic: string, partition: number) => number | null,
): LogStore {
  const onDirectoryFailed = (directory: LogDir, isLast: boolean): void => {
    // As in Kafka: without the cluster's metadata, or without any directory, there is nothing left to serve.
    if (isLast) storage.onFatal?.('No log directory is left.')
    else if (directory === storage.metadataDirectory)
      storage.onFatal?.(`The cluster's metadata was in ${directory.path}.`)
  }
  const logs = new LogStore(
    { producerIdExpirationMs: config.number('producer.id.expiration.ms'), ...storage.logOptions },
    { directories: storage.directories, clock, random, logger, highWatermark, onDirectoryFailed },
  )
  cordon(storage.directories, config)
  config.onChange((changed) => {
    const name = 'producer.id.expiration.ms'
    if (changed.has(name)) logs.updateProducerIdExpiration(config.number(name))
    if (changed.has(CORDONED)) cordon(storage.directories, config)
  })
  return logs
}

const CORDONED = 'cordoned.log.dirs'

function cordon(directories: readonly LogDir[], config: BrokerConfig): void {
  const paths = config.list(CORDONED)
  for (const directory of directories) directory.isCordoned = paths.includes('*') || paths.includes(directory.path)
}

function openDoor(agreement: Agreement, holdings: Holdings, ports: Ports): Acceptor {
  const { config, storage, metadata, controller } = agreement
  const { logs, replicas, relocations, groups, producerIds, topicCreator, transactions, links } = holdings
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
    topicCreator,
    forwarder: links === null ? null : new Forwarder(config.brokerId, links.channel),
    serve: (frame, client) => dispatcher.serve(frame, client),
    noteApplied: (id, epoch, offset) => agreement.visibility.note(id, epoch, offset),
    metadataCache: new MetadataCache(),
    groups: groups.coordinator,
    producerIds,
    internalTopics: groups,
    transactions: transactions.coordinator,
    markers: transactions.markers,
    produceGate: transactions.produceGate,
    replicas,
    relocations,
    leaderThrottle: holdings.throttles.leader,
    fetchSessions: new FetchSessionCache({ slots: sessionSlots }, { random }),
    logs,
    memory: storage.pressure,
    image: () => metadata.image,
    advertised: (id, connection) => advertisedAddress(metadata.image, id, connection),
  }
  const observer = new RequestMetrics(
    { apiName: (key) => apiName(key) ?? String(key), errorName },
    { registry: new MetricsRegistry(), clock },
  )
  const dispatcher: Dispatcher = new Dispatcher({ table: apiTable, peerTable, broker, logger, observer })
  const onReadDone = logs.flushPending
  return new Acceptor(connectionLimits(config), { network, clock, logger, dispatcher, onReadDone })
}

/** Starts a broker; resolves when it serves. @throws StartError */
export async function startNode(options: NodeOptions, ports: NodePorts = {}): Promise<BrokerNode> {
  const all = completePorts(ports)
  checkValues(options.values)
  const brokerId = brokerIdOf(options.values)
  const config = new BrokerConfig({ brokerId, values: options.values, profile: options.profile }, all)
  const storage = await openStorage(options, config, all)
  const node = await assembled(config, storage, all)
  await node.start(options.listen ?? true)
  return node
}

/** The directories are let go when the rest does not come together. */
async function assembled(config: BrokerConfig, storage: Storage, ports: Ports): Promise<BrokerNode> {
  try {
    return new BrokerNode(assemble(config, storage, ports))
  } catch (error) {
    await storage.close()
    throw error
  }
}
