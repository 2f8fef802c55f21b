/**
 * What one log directory notes about all of its logs, in Kafka's files: recovery points, log starts, high watermarks, how far
 * compaction has come, and the mark of a
 * clean end. Read once at the start; written by timer and at the end.
 */
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { CheckpointError, OffsetCheckpointFile, type PartitionOffset, readOffsetCheckpoint } from './checkpoints.js'
import type { LogDir } from './log-dir.js'
import type { KnownLog } from './log-options.js'

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const LOG_STARTS = 'log-start-offset-checkpoint'
const HIGH_WATERMARKS = 'replication-offset-checkpoint'
const CLEANED = 'cleaner-offset-checkpoint'
const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'

/** The offsets of one log as the checkpoints have them. */
export interface LogOffsets {
  readonly topic: string
  readonly partition: number
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** -1: unknown. */
  readonly highWatermark: number
  /** Null for a log that was never compacted. */
  readonly cleanedOffset: number | null
}

type Offsets = ReadonlyMap<string, number>

export class DirCheckpoints {
  private readonly recoveryPoints: OffsetCheckpointFile
  private readonly logStarts: OffsetCheckpointFile
  private readonly highWatermarks: OffsetCheckpointFile
  private readonly cleaned: OffsetCheckpointFile
  /** Of the broker's last life, when it ended cleanly; -1: it did not, or nobody can say. Known once begun. */
  previousBrokerEpoch = -1

  constructor(private readonly directory: LogDir) {
    const { disk } = directory
    this.recoveryPoints = new OffsetCheckpointFile(disk, RECOVERY_POINTS)
    this.logStarts = new OffsetCheckpointFile(disk, LOG_STARTS)
    this.highWatermarks = new OffsetCheckpointFile(disk, HIGH_WATERMARKS)
    this.cleaned = new OffsetCheckpointFile(disk, CLEANED)
  }

  /**
   * Reads what the last run noted and takes its mark of a clean end away, durably: from now on only this run's end counts. A checkpoint
   * that is damaged is said, and then nothing is known (as Kafka does). @throws DiskError
   */
  begin(logger: Logger): (topic: string, partition: number) => KnownLog {
    const { disk } = this.directory
    const recoveryPoints = this.load(RECOVERY_POINTS, this.recoveryPoints, logger)
    const logStarts = this.load(LOG_STARTS, this.logStarts, logger)
    const highWatermarks = this.load(HIGH_WATERMARKS, this.highWatermarks, logger)
    const cleaned = this.load(CLEANED, this.cleaned, logger)
    const mark = takeMark(disk)
    const clean = mark !== null
    this.previousBrokerEpoch = mark ?? -1
    if (clean) this.recoveryPoints.rewrite()
    return (topic, partition) => {
      const key = `${topic} ${partition}`
      const highWatermark = highWatermarks.get(key)
      const cleanedOffset = cleaned.get(key)
      return {
        recoveryPoint: recoveryPoints.get(key) ?? 0,
        logStartOffset: logStarts.get(key) ?? 0,
        ...(highWatermark === undefined ? {} : { highWatermark }),
        ...(cleanedOffset === undefined ? {} : { cleanedOffset }),
        clean,
      }
    }
  }

  /** A log was cut, and what comes now is neither synced nor compacted, and no part of what was deleted. */
  async writeLowered(logs: readonly LogOffsets[]): Promise<void> {
    await Promise.all([this.writeRecoveryPoints(logs), this.writeLogStarts(logs), this.writeCleaned(logs)])
  }

  writeRecoveryPoints(logs: readonly LogOffsets[]): Promise<void> {
    return this.recoveryPoints.write(recoveryPointsOf(logs))
  }

  writeLogStarts(logs: readonly LogOffsets[]): Promise<void> {
    return this.logStarts.write(logStartsOf(logs))
  }

  writeHighWatermarks(logs: readonly LogOffsets[]): Promise<void> {
    return this.highWatermarks.write(highWatermarksOf(logs))
  }

  writeCleaned(logs: readonly LogOffsets[]): Promise<void> {
    return this.cleaned.write(cleanedOf(logs))
  }

  /**
   * A log of this name begins. What the files say of an earlier one must be gone before it holds anything: an old start would hide its
   * records. @throws DiskError
   */
  forget(topic: string, partition: number, logs: () => readonly LogOffsets[]): void {
    if (this.recoveryPoints.has(topic, partition)) this.recoveryPoints.writeNow(recoveryPointsOf(logs()))
    if (this.logStarts.has(topic, partition)) this.logStarts.writeNow(logStartsOf(logs()))
    if (this.highWatermarks.has(topic, partition)) this.highWatermarks.writeNow(highWatermarksOf(logs()))
    if (this.cleaned.has(topic, partition)) this.cleaned.writeNow(cleanedOf(logs()))
  }

  /** The end: all logs are closed and synced. The mark comes last. */
  async end(logs: readonly LogOffsets[], brokerEpoch: number): Promise<void> {
    await this.writeRecoveryPoints(logs)
    await this.writeLogStarts(logs)
    await this.writeHighWatermarks(logs)
    await this.writeCleaned(logs)
    this.directory.disk.writeFile(CLEAN_SHUTDOWN, Buffer.from(JSON.stringify({ version: 0, brokerEpoch })))
  }

  private load(path: string, file: OffsetCheckpointFile, logger: Logger): Offsets {
    const { disk } = this.directory
    try {
      const entries = readOffsetCheckpoint(disk, path) ?? []
      file.holds(entries)
      return new Map(entries.map(({ topic, partition, offset }) => [`${topic} ${partition}`, offset]))
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      logger.warn(`${this.directory.path}/${error.message} It is not used; the logs are looked through instead.`)
      return new Map()
    }
  }
}

/** Of a broker's directories; -1 unless all of them ended cleanly under the same. */
export function commonEpoch(directories: readonly (DirCheckpoints | undefined)[]): number {
  const epochs = new Set(directories.map((one) => one?.previousBrokerEpoch ?? -1))
  return epochs.size === 1 ? [...epochs][0]! : -1
}

/** The broker epoch that the mark names, -1 when it names none; null without a mark. */
function takeMark(disk: Disk): number | null {
  const text = disk.readFile(CLEAN_SHUTDOWN)?.toString('utf8')
  if (text === undefined) return null
  disk.remove(CLEAN_SHUTDOWN)
  // An earlier version's, or one cut short: a clean end, of no life that could be named.
  const epoch = /"brokerEpoch"\s*:\s*(\d{1,15})\b/.exec(text)?.[1]
  return epoch === undefined ? -1 : Number(epoch)
}

const recoveryPointsOf = (logs: readonly LogOffsets[]): PartitionOffset[] =>
  logs.map(({ topic, partition, recoveryPoint }) => ({ topic, partition, offset: recoveryPoint }))

/** Only what a directory listing would not tell: most logs begin at 0. */
const logStartsOf = (logs: readonly LogOffsets[]): PartitionOffset[] =>
  logs.flatMap(({ topic, partition, logStartOffset }) =>
    logStartOffset > 0 ? [{ topic, partition, offset: logStartOffset }] : [],
  )

const highWatermarksOf = (logs: readonly LogOffsets[]): PartitionOffset[] =>
  logs.flatMap(({ topic, partition, highWatermark }) =>
    highWatermark >= 0 ? [{ topic, partition, offset: highWatermark }] : [],
  )

const cleanedOf = (logs: readonly LogOffsets[]): PartitionOffset[] =>
  logs.flatMap(({ topic, partition, cleanedOffset }) =>
    cleanedOffset === null ? [] : [{ topic, partition, offset: cleanedOffset }],
  )
