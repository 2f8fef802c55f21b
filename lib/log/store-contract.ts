/** What the log store is made with, and what it tells, as types. */
import type { Clock } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { LogConfig } from './config.js'
import type { LogDir } from './log-dir.js'

export interface LogStoreOptions {
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
  /** At least one. */
  directories: readonly LogDir[]
  clock: Clock
  random: Random
  logger?: Logger
  /** It has failed, and its logs are offline. `isLast`: no other is left. */
  onDirectoryFailed?: (directory: LogDir, isLast: boolean) => void
  /** For the checkpoint; null when it is not known. */
  highWatermark?: (topic: string, partition: number) => number | null
}

/** What a topic is now, for a log that was found on a disk. */
export interface ExpectedTopic {
  topicId: string
  partitionCount: number
  config: LogConfig
}

/** For DescribeLogDirs. */
export interface LogDirectory {
  directory: string
  /** It has failed: nothing else is known of it. */
  isOffline: boolean
  isCordoned: boolean
  /** -1 when unknown. */
  totalBytes: number
  usableBytes: number
  logs: { topic: string; partition: number; sizeInBytes: number; endOffset: number; isFuture: boolean }[]
}

export type LogInDirectory = LogDirectory['logs'][number]
