/**
 * A broker without sockets: replicas over a memory disk and a virtual clock, behind the real dispatcher. Requests go in as encoded
 * frames and come out as decoded answers, so every version's bytes are exercised. The cluster's metadata is set by hand.
 */
import { FetchSessionCache } from '../../lib/broker/partition/fetch-session-cache.js'
import type { Partition } from '../../lib/broker/partition/partition.js'
import { Replicas } from '../../lib/broker/partition/replicas.js'
import { ReplicationThrottles } from '../../lib/broker/partition/replication-throttle.js'
import type { ProduceGate } from '../../lib/broker/transaction/produce-gate.js'
import type { Disk } from '../../lib/host/disk.js'
import { type Logger, silentLogger } from '../../lib/host/logger.js'
import { NO_PRESSURE } from '../../lib/host/memory-budget.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { TimerWheel } from '../../lib/host/timer-wheel.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import { applyAll } from '../../lib/metadata/apply.js'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { deltaBetween } from '../../lib/metadata/delta.js'
import { ConfigResource, emptyImage, type Image } from '../../lib/metadata/image.js'
import type { MetadataRecord } from '../../lib/metadata/records.js'
import { TopicConfigs } from '../../lib/metadata/topic-config.js'
import { ApiTable } from '../../lib/server/api-table.js'
import type { Connection } from '../../lib/server/connection.js'
import type { ApiRow } from '../../lib/server/context.js'
import { Dispatcher } from '../../lib/server/dispatcher.js'
import { produce } from '../../lib/server/handlers/00-produce.js'
import { fetch } from '../../lib/server/handlers/01-fetch.js'
import { listOffsets } from '../../lib/server/handlers/02-list-offsets.js'
import { deleteRecords } from '../../lib/server/handlers/21-delete-records.js'
import { offsetForLeaderEpoch } from '../../lib/server/handlers/23-offset-for-leader-epoch.js'
import { describeLogDirs } from '../../lib/server/handlers/35-describe-log-dirs.js'
import { describeProducers } from '../../lib/server/handlers/61-describe-producers.js'
import { type FrameOutcome, Hangup, LentReply, NO_REPLY, outcomeOf, ReplyAfterWrite } from '../../lib/server/reply.js'
import type { BrokerServices } from '../../lib/server/services.js'
import {
  decodeResponseFrame,
  encodeRequestFrame,
  type Message,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'

const ROWS = [produce, fetch, listOffsets, deleteRecords, offsetForLeaderEpoch, describeLogDirs, describeProducers]

/** What became of a request: an answer, nothing at all, or the end of the connection. */
export type Outcome<M extends Message> = ResponseOf<M> | 'no answer' | 'closed'

/** Stands for a client's connection; `close()` is what happens when the socket dies. */
export class FakeConnection {
  readonly id = 'test'
  readonly listenerName = 'PLAINTEXT'
  readonly securityProtocol = 'PLAINTEXT'
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly localAddress = '127.0.0.1'
  readonly principal = 'User:ANONYMOUS'
  clientSoftwareName = ''
  clientSoftwareVersion = ''
  closed = false
  readonly listeners = new Set<() => void>()
  onClose(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  /** Settle when the next request may be read. */
  readonly stalls: Promise<void>[] = []
  stall(until: Promise<void>): void {
    this.stalls.push(until)
  }
  close(): void {
    this.closed = true
    for (const listener of [...this.listeners]) listener()
  }
}

export interface ReplicaBrokerOptions {
  disk?: Disk
  logger?: Logger
  config?: Record<string, string>
  sessionSlots?: number
  /** Hot bytes on a disk that has to read: 0 makes every old read a cold one. */
  hotBytesMax?: number
  produceGate?: Pick<ProduceGate, 'asks' | 'isOutdated' | 'admit'>
  aliveUntilMs?: () => number
}

export class ReplicaBroker {
  readonly clock = new VirtualClock()
  readonly timers: TimerWheel
  readonly logs: LogStore
  readonly replicas: Replicas
  readonly fetchSessions: FetchSessionCache
  readonly connection = new FakeConnection()
  readonly config: BrokerConfig
  image: Image
  /** The memory of the last answer, as it went to the socket. */
  lastPieces: readonly Buffer[] = []
  readonly #dispatcher: Dispatcher
  readonly #topicConfigs: TopicConfigs
  readonly #produceGate: ReplicaBrokerOptions['produceGate']
  #ids = 0

  constructor(options: ReplicaBrokerOptions = {}) {
    const { clock } = this
    const logger = options.logger ?? silentLogger
    const random = seededRandom(1)
    this.timers = new TimerWheel({
      clock,
      onError: (error) => {
        throw error
      },
    })
    this.config = new BrokerConfig({ brokerId: 1, values: options.config ?? {} })
    this.#topicConfigs = new TopicConfigs(this.config)
    this.image = emptyImage('test-cluster')
    const { hotBytesMax } = options
    const directory = new LogDir({ path: '/logs' }, options.disk ?? new MemoryDisk())
    this.logs = new LogStore(hotBytesMax === undefined ? {} : { hotBytesMax }, {
      directories: [directory],
      clock,
      random,
      logger,
    })
    this.replicas = new Replicas(
      { brokerId: 1 },
      {
        clock,
        timers: this.timers,
        logger,
        logs: this.logs,
        aliveUntilMs: options.aliveUntilMs,
        topicConfig: (topic, name) => {
          const value = this.#topicConfigs.of(this.image, topic).get(name)
          return value === null ? null : String(value)
        },
      },
      this.image,
    )
    this.fetchSessions = new FetchSessionCache({ slots: options.sessionSlots ?? 1000 }, { random })
    this.#produceGate = options.produceGate
    const table = new ApiTable(ROWS as unknown as readonly ApiRow[])
    this.#dispatcher = new Dispatcher({
      table,
      peerTable: new ApiTable([]),
      logger,
      broker: this.#services(table, logger),
      observer: { begin: () => 0, handled() {}, end() {}, failed() {}, recordUnknown() {} },
    })
  }

  #services(table: ApiTable, logger: Logger): BrokerServices {
    const { clock, config, replicas, fetchSessions, logs } = this
    const services: Partial<BrokerServices> = {
      brokerId: 1,
      clock,
      logger,
      apiTable: table,
      config,
      replicas,
      fetchSessions,
      leaderThrottle: new ReplicationThrottles(config, clock).leader,
      logs,
      memory: NO_PRESSURE,
      ...(this.#produceGate && { produceGate: this.#produceGate as ProduceGate }),
      image: () => this.image,
      advertised: (brokerId) => ({ host: `host-${brokerId}`, port: 9092 }),
    }
    return services as BrokerServices
  }

  /** Applies records as the cluster's metadata log would. */
  metadata(...records: MetadataRecord[]): void {
    const before = this.image
    this.image = applyAll(before, records)
    this.replicas.apply(deltaBetween(before, this.image, 1))
  }

  /** A topic whose partitions all have these replicas, led by the first; returns its id. */
  createTopic(
    name: string,
    options: { partitions?: number; replicas?: number[]; configs?: Record<string, string> } = {},
  ): string {
    const topicId = `topic-${String(this.#ids++).padStart(15, '0')}A`
    const replicas = options.replicas ?? [1]
    this.metadata(
      { type: 'TopicRecord', name, topicId },
      ...Object.entries(options.configs ?? {}).map(([key, value]) => configRecord(name, key, value)),
      ...Array.from({ length: options.partitions ?? 1 }, (_, partitionId): MetadataRecord => {
        const none = { removingReplicas: [], addingReplicas: [] }
        const leader = replicas[0]!
        return {
          type: 'PartitionRecord',
          partitionId,
          topicId,
          replicas,
          isr: replicas,
          ...none,
          leader,
          leaderEpoch: 0,
          partitionEpoch: 0,
        }
      }),
    )
    return topicId
  }

  deleteTopic(name: string): void {
    this.metadata({ type: 'RemoveTopicRecord', topicId: this.topicId(name) })
  }

  /** A new leader epoch. */
  elect(name: string, partitionId: number, leader: number, isr?: number[]): void {
    this.metadata({ type: 'PartitionChangeRecord', partitionId, topicId: this.topicId(name), leader, isr: isr ?? null })
  }

  configure(name: string, key: string, value: string): void {
    this.metadata(configRecord(name, key, value))
  }

  topicId(name: string): string {
    return this.image.topicsByName.get(name)!.topicId
  }

  partition(name: string, partition = 0): Partition {
    const found = this.replicas.find(name, partition)
    if (typeof found === 'number') throw new Error(`${name}-${partition}: error ${found}`)
    return found
  }

  /** The outcome of a request that must be known in its own turn, at the latest when its read has been written. */
  now<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    connection = this.connection,
  ): Outcome<M> {
    const reply = this.#dispatch(message, version, request, connection)
    if (reply instanceof ReplyAfterWrite) this.logs.flushPending()
    const outcome = outcomeOf(reply)
    if (outcome instanceof Promise) throw new Error(`${message.name} v${version} did not answer in its own turn`)
    return this.#outcome(message, version, outcome)
  }

  /** The outcome of a request whenever it comes. */
  async send<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    connection = this.connection,
  ): Promise<Outcome<M>> {
    const outcome = await outcomeOf(this.#dispatch(message, version, request, connection))
    return this.#outcome(message, version, outcome)
  }

  #dispatch<M extends Message>(message: M, version: number, request: RequestInput<M>, connection: FakeConnection) {
    const frame = encodeRequestFrame(message, version, { correlationId: 7, clientId: 'test' }, request)
    // As the socket does: the frame is a view of a buffer that is used again.
    return this.#dispatcher.dispatch(frame.subarray(4), connection as unknown as Connection)
  }

  #outcome<M extends Message>(message: M, version: number, outcome: FrameOutcome): Outcome<M> {
    if (outcome === NO_REPLY) return 'no answer'
    if (outcome instanceof Hangup) return 'closed'
    const pieces = outcome instanceof LentReply ? outcome.pieces : outcome
    this.lastPieces = pieces
    const { body } = decodeResponseFrame(message, version, Buffer.concat(pieces).subarray(4))
    // As the connection does when the socket has taken everything.
    if (outcome instanceof LentReply) outcome.release()
    return body
  }
}

const configRecord = (resourceName: string, name: string, value: string): MetadataRecord => ({
  type: 'ConfigRecord',
  resourceType: ConfigResource.TOPIC,
  resourceName,
  name,
  value,
})
