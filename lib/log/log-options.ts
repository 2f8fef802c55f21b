/** What a log is made or opened with. */
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { LogConfig } from './config.js'
import type { ProducerStateOptions } from './producer-state.js'
import type { LogShared } from './shared.js'

/** What the checkpoints of the log directory say about a log that is opened. */
export interface KnownLog {
  /** Everything below was synced: damage there is no torn write. */
  recoveryPoint: number
  /** The log begins here, or at its oldest segment when that is higher. */
  logStartOffset: number
  /** Transactions that ended below are stable at once. */
  highWatermark?: number
  /** Compaction has been over everything below. */
  cleanedOffset?: number
  /** The log was closed, and nothing has written to its folder since: files are trusted without reading them all. */
  clean: boolean
}

export interface PartitionLogOptions {
  topic: string
  partition: number
  /** Folder on the disk, Kafka's `<topic>-<partition>` by custom. */
  folder: string
  config: LogConfig
  /** `producer.id.expiration.ms`; Kafka's default is a day. */
  producerIdExpirationMs?: number
  /** Producers remembered at once: bounds what a client with ever new producer ids can make us keep. */
  maxProducers?: number
  /** For `open`. Absent: nothing is known, and every byte is looked at. */
  known?: KnownLog
}

export interface PartitionLogPorts {
  disk: Disk
  clock: Clock
  random: Random
  logger?: Logger
  /** For the owner of the directory: the log has gone offline. */
  onOffline?: (error: unknown) => void
  /** The log's end or start has gone back: nothing that is noted may lie above when it resolves. Rejects with DiskError. */
  onCut?: () => void | Promise<void>
  /** Memory and the write turn in common with the store's other logs. */
  shared?: LogShared
}

/** Of the mechanics under PartitionLog. */
export interface LogBodyOptions extends ProducerStateOptions {
  folder: string
  config: LogConfig
}

export interface LogBodyPorts {
  disk: Disk
  clock: Clock
  random: Random
  logger: Logger
  shared: LogShared
  onWritten(offset: number): void
  onOffline(error: unknown): void
  onCut?: () => void | Promise<void>
}
