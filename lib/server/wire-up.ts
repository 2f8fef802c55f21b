/**
 * Puts one broker together: the only file that knows everybody. Starts in this order: agreement (metadata), logs, replicas,
 * coordinators, sockets, registration; stops in reverse.
 */
import { apiName, errorName } from '../../protocol/index.js'
import { FetchSessionCache } from '../broker/partition/fetch-session-cache.js'
import { Replicas } from '../broker/partition/replicas.js'
import { ProducerIds } from '../broker/producer-ids/producer-ids.js'
import { Controller } from '../cluster/controller.js'
import type { Coordination } from '../cluster/coordination/coordination.js'
import { EmbeddedCoordination } from '../cluster/coordination/embedded.js'
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import { type Logger, silentLogger } from '../host/logger.js'
import { NO_PRESSURE } from '../host/memory-budget.js'
import type { Network } from '../host/network.js'
import { NodeNetwork } from '../host/node-network.js'
import type { Random } from '../host/random.js'
import { secureRandom } from '../host/random-sources.js'
import { openRecordMemory } from '../host/record-memory.js'
import type { SpillTarget } from '../host/spill.js'
import { SystemClock } from '../host/system-clock.js'
import { TimerWheel } from '../host/timer-wheel.js'
import { LogStore } from '../log/log-store.js'
import { BrokerConfig } from '../metadata/broker-config.js'
import { MetadataStore } from '../metadata/store.js'
import { TopicConfigs } from '../metadata/topic-config.js'
import { MetricsRegistry } from '../metrics/registry.js'
import { RequestMetrics } from '../metrics/request-metrics.js'
import { advertisedAddress } from './advertised.js'
import { ApiTable } from './api-table.js'
import { type Agreement, BrokerNode, type Holdings, type Parts, type Ports } from './broker-node.js'
import { Dispatcher } from './dispatcher.js'
import { GroupService } from './group-service.js'
import { Acceptor } from './listener.js'
import { logCleaner } from './log-cleaning.js'
import { MetadataCache } from './metadata-cache.js'
import { brokerIdOf, checkValues, connectionLimits, listenersOf, type NodeOptions } from './options.js'
import type { BrokerServices } from './services.js'
import { TransactionService } from './transaction-service.js'

export interface NodePorts {
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  /** Default: memory, see `openRecordMemory`. */
  readonly disk?: Disk
  /** Where records go that memory has no room for. Default: a temporary folder. */
  readonly openSpillTarget?: () => SpillTarget
  readonly network?: Network
}

const LOG_DIRECTORY = '/odradek/memory'
/** Of the memory for records, what the ends of logs may hold unfilled. */
const OPEN_SHARE = 4

/** Makes the parts and tells them of each other; nothing runs yet. */
function assemble(options: NodeOptions, ports: NodePorts): Parts {
  const all = completePorts(options, ports)
  const agreement = agree(options, all)
  const listenerConfig = listenersOf(agreement.config)
  const holdings = hold(agreement, all)
  return { ...all, ...agreement, ...holdings, listenerConfig, acceptor: openDoor(agreement, holdings, all) }
}

function completePorts(options: NodeOptions, ports: NodePorts): Ports {
  const { logger = silentLogger, clock = new SystemClock(), random = secureRandom } = ports
  const { network = new NodeNetwork(), openSpillTarget: openTarget } = ports
  const { memoryLimitBytes: limitBytes } = options
  const memory = ports.disk === undefined ? openRecordMemory({ limitBytes }, { clock, logger, openTarget }) : null
  const disk = ports.disk ?? memory!.disk
  const timers = new TimerWheel({
    clock,
    onError: (error, key) =>
      logger.error(`The timer ${key ?? ''} failed: ${error instanceof Error ? error.stack : String(error)}`),
  })
  return { logger, clock, random, disk, memory, network, timers }
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
  const { logger, clock, random, disk, memory, timers } = ports
  const topicConfigs = new TopicConfigs(config)
  const logs = new LogStore(
    {
      directory: LOG_DIRECTORY,
      producerIdExpirationMs: config.number('producer.id.expiration.ms'),
      ...(memory === null ? {} : { openBytesMax: memory.limitBytes / OPEN_SHARE }),
    },
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
  const allocate = () =>
    controller.allocateProducerIds({ brokerId, brokerEpoch: metadata.image.brokers.get(brokerId)?.epoch ?? -1 })
  const producerIds = new ProducerIds({ allocate, logger })
  const transactions = new TransactionService(config, {
    clock,
    logger,
    metadata,
    replicas,
    groups: groups.coordinator,
    producerIds,
  })
  metadata.subscribe({
    onImage(image, delta) {
      config.applyImage(image)
      for (const topic of delta.deletedTopics) topicConfigs.forget(topic.name)
      replicas.apply(delta)
      groups.apply(delta)
      transactions.apply(delta)
    },
  })
  const cleaner = logCleaner(config, { clock, random, logger, replicas })
  return { logs, replicas, groups, cleaner, producerIds, transactions }
}

function openDoor(agreement: Agreement, holdings: Holdings, ports: Ports): Acceptor {
  const { config, metadata, controller } = agreement
  const { logs, replicas, groups, producerIds, transactions } = holdings
  const { clock, logger, memory, network, random } = ports
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
    producerIds,
    internalTopics: groups,
    transactions: transactions.coordinator,
    markers: transactions.markers,
    produceGate: transactions.produceGate,
    replicas,
    fetchSessions: new FetchSessionCache({ slots: sessionSlots }, { random }),
    logs,
    memory: memory?.pressure ?? NO_PRESSURE,
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

/** Starts a broker; resolves when it serves. @throws StartError */
export async function startNode(options: NodeOptions, ports: NodePorts = {}): Promise<BrokerNode> {
  const node = new BrokerNode(assemble(options, ports))
  await node.start(options.listen ?? true)
  return node
}
