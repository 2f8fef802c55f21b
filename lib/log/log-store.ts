/**
 * All partition logs of one log directory: opens what is there, makes and deletes logs, and flushes them once per turn.
 * Layout as in Kafka: `<topic>-<partition>/`.
 */
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import { type Logger, silentLogger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import { HOT_BYTES_MAX } from './chunks.js'
import type { LogConfig } from './config.js'
import { DELETED_FOLDER } from './log-body.js'
import { PartitionLog } from './partition-log.js'
import { LogShared } from './shared.js'

export interface LogStoreOptions {
  /** What DescribeLogDirs shows as the log directory. */
  directory: string
  /** Hot bytes kept in memory for all logs together on a disk that has to read. Default 32 MB. */
  hotBytesMax?: number
  /** See ChunksOptions. */
  openBytesMax?: number
  /** `producer.id.expiration.ms` at the start; see `updateProducerIdExpiration`. */
  producerIdExpirationMs?: number
  /** Per partition: see PartitionLogOptions. */
  maxProducers?: number
}

export interface LogStorePorts {
  disk: Disk
  clock: Clock
  random: Random
  logger?: Logger
}

/** For DescribeLogDirs. */
export interface LogDirectory {
  directory: string
  /** -1 when unknown. */
  totalBytes: number
  usableBytes: number
  logs: { topic: string; partition: number; sizeInBytes: number; endOffset: number }[]
}

const PARTITION_FOLDER = /^(.+)-(\d+)$/

export class LogStore {
  private readonly topics = new Map<string, Map<number, PartitionLog>>()
  private readonly shared: LogShared
  private producerIdExpirationMs: number | undefined

  constructor(
    private readonly options: LogStoreOptions,
    private readonly ports: LogStorePorts,
  ) {
    this.producerIdExpirationMs = options.producerIdExpirationMs
    const { hotBytesMax = HOT_BYTES_MAX, openBytesMax = Number.POSITIVE_INFINITY } = options
    this.shared = new LogShared({ hotBytesMax, openBytesMax })
  }

  /**
   * Opens every log in the directory, one after the other, and sweeps away half-deleted ones. A log that cannot be opened is left out and
   * said in the log; `create` for it then tries again and throws. @throws DiskError when the directory cannot be listed
   */
  async open(configFor: (topic: string) => LogConfig): Promise<void> {
    const { disk } = this.ports
    const logger = this.ports.logger ?? silentLogger
    for (const name of disk.list('')) {
      if (DELETED_FOLDER.test(name)) {
        disk.remove(name)
        continue
      }
      const match = PARTITION_FOLDER.exec(name)
      if (match === null) continue
      const topic = match[1]!
      const partition = Number(match[2])
      try {
        this.put(await PartitionLog.open(this.logOptions(topic, partition, configFor(topic)), this.logPorts()))
      } catch (error) {
        logger.error(`The log of ${topic}-${partition} cannot be opened: ${String(error)}`)
      }
    }
  }

  get(topic: string, partition: number): PartitionLog | null {
    return this.topics.get(topic)?.get(partition) ?? null
  }

  /** The log of a partition; made when there is none. Touches no disk: files come with the first record. */
  create(topic: string, partition: number, config: LogConfig): PartitionLog {
    const existing = this.get(topic, partition)
    if (existing !== null) return existing
    const log = new PartitionLog(this.logOptions(topic, partition, config), this.logPorts())
    this.put(log)
    return log
  }

  /** Forgets the log at once and removes its files: at once too, unless a write is under way. Does nothing when there is none. */
  delete(topic: string, partition: number): void | Promise<void> {
    const logs = this.topics.get(topic)
    const log = logs?.get(partition)
    if (logs === undefined || log === undefined) return
    logs.delete(partition)
    if (logs.size === 0) this.topics.delete(topic)
    return log.delete()
  }

  /** `producer.id.expiration.ms` has changed, for the logs there are and those to come. */
  updateProducerIdExpiration(ms: number): void {
    this.producerIdExpirationMs = ms
    for (const log of this.list()) log.updateProducerIdExpiration(ms)
  }

  *list(): IterableIterator<PartitionLog> {
    for (const logs of this.topics.values()) yield* logs.values()
  }

  /** Writes what all logs have accepted: the server calls it once per socket read, before it sends answers. */
  readonly flushPending = (): void => this.shared.turn.flush()

  /** Makes everything durable. Rejects with the first DiskError; the others are in the logs' `offline`. */
  async flush(): Promise<void> {
    await settle([...this.list()].map((log) => log.flush()))
  }

  /** Writes what is left and closes every file. */
  async close(): Promise<void> {
    const logs = [...this.list()]
    this.topics.clear()
    await settle(logs.map((log) => log.close()))
  }

  describe(): LogDirectory {
    const logs: LogDirectory['logs'] = []
    for (const { topic, partition, sizeInBytes, endOffset } of this.list()) {
      logs.push({ topic, partition, sizeInBytes, endOffset })
    }
    return { directory: this.options.directory, ...this.ports.disk.space(), logs }
  }

  private put(log: PartitionLog): void {
    let logs = this.topics.get(log.topic)
    if (logs === undefined) this.topics.set(log.topic, (logs = new Map()))
    logs.set(log.partition, log)
  }

  private logOptions(topic: string, partition: number, config: LogConfig) {
    const { producerIdExpirationMs } = this
    const { maxProducers } = this.options
    return {
      topic,
      partition,
      folder: `${topic}-${partition}`,
      config,
      ...(producerIdExpirationMs === undefined ? {} : { producerIdExpirationMs }),
      ...(maxProducers === undefined ? {} : { maxProducers }),
    }
  }

  private logPorts() {
    return { ...this.ports, shared: this.shared }
  }
}

/** Waits for all, then fails with the first failure: nobody is left running behind the caller's back. */
async function settle(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}
