/**
 * The cleaner at work: one log at a time, always the dirtiest that is due; when none is, it looks again after
 * `log.cleaner.backoff.ms` (Kafka's LogCleaner and LogCleanerManager, with one thread).
 */
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import { CleaningAborted, cleanLog } from './cleaner.js'
import { CleanerPace } from './cleaner-pace.js'
import { type Cleanable, dirtiest, judgeLog } from './cleaner-rules.js'
import { isShortage } from './log-dir.js'
import type { PartitionLog } from './partition-log.js'

/** Broker configs in force, without their prefix `log.cleaner.`; asked again whenever they are needed. */
export interface LogCleanerSettings {
  readonly backoffMs: number
  readonly dedupeBufferBytes: number
  readonly loadFactor: number
  readonly bytesPerSecond: number
}

export interface CleanerTarget {
  readonly log: PartitionLog
  readonly highWatermark: number
}

export interface LogCleanerPorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  settings(): LogCleanerSettings
  /** Compaction has come further in a log: worth noting for the next start. */
  onCleaned(): Promise<void>
  /** Every log that is open here. */
  targets(): Iterable<CleanerTarget>
}

interface Candidate extends CleanerTarget {
  readonly judgement: Cleanable
}

/** After a full disk stopped a cleaning, the log is tried again. */
const SHORTAGE_RETRY_MS = 60_000

export class LogCleaner {
  private readonly pace: CleanerPace
  /** Logs that a cleaning has failed on: left alone from then on, as the next one would fail the same way. */
  private readonly uncleanable = new WeakSet<PartitionLog>()
  /** Logs for which space or descriptors did not suffice, and when (monotonic) to try again. */
  private readonly postponed = new WeakMap<PartitionLog, number>()
  private timer: Timer | null = null
  private working: Promise<void> | null = null

  constructor(private readonly ports: LogCleanerPorts) {
    this.pace = new CleanerPace(ports.clock, () => ports.settings().bytesPerSecond)
  }

  start(): void {
    this.timer = this.ports.clock.setTimer(this.ports.settings().backoffMs, () => {
      this.working = this.work().finally(() => {
        this.working = null
        if (!this.pace.stopped) this.start()
      })
    })
  }

  /** Stops in the middle of whatever it does; resolves when it touches no file any more. */
  async close(): Promise<void> {
    this.pace.stop()
    this.timer?.cancel()
    await this.working
  }

  /** Cleans until nothing is due. */
  private async work(): Promise<void> {
    for (;;) {
      const candidate = dirtiest(this.candidates())
      if (candidate === null || this.pace.stopped) return
      await this.clean(candidate)
    }
  }

  private *candidates(): Iterable<Candidate> {
    const { clock } = this.ports
    const now = clock.now()
    for (const { log, highWatermark } of this.ports.targets()) {
      if (!log.config.cleanupCompact || log.offline || this.uncleanable.has(log)) continue
      if ((this.postponed.get(log) ?? 0) > clock.monotonic()) continue
      yield { log, highWatermark, judgement: judge(log, highWatermark, now) }
    }
  }

  private async clean({ log, judgement }: Candidate): Promise<void> {
    const { clock, random, logger } = this.ports
    const { dedupeBufferBytes, loadFactor } = this.ports.settings()
    const name = `${log.topic}-${log.partition}`
    const before = log.sizeInBytes
    const started = clock.monotonic()
    try {
      const settings = { dedupeBufferBytes, loadFactor, now: clock.now() }
      const cleaned = await cleanLog(log.body, judgement, settings, { random, pace: this.pace })
      this.postponed.delete(log)
      await this.ports.onCleaned()
      logger.debug(`${name} is compacted up to offset ${cleaned.cleanedOffset}.`, {
        bytesBefore: before,
        bytesAfter: log.sizeInBytes,
        ...cleaned,
        durationMs: Math.round(clock.monotonic() - started),
      })
    } catch (error) {
      if (error instanceof CleaningAborted) {
        logger.debug(`The compaction of ${name} was given up: ${error.message}.`)
        return
      }
      if (isShortage(error) && !log.offline) {
        if (!this.postponed.has(log))
          logger.warn(`${name} cannot be compacted now, it is tried again: ${String(error)}`)
        this.postponed.set(log, clock.monotonic() + SHORTAGE_RETRY_MS)
        return
      }
      this.uncleanable.add(log)
      logger.error(`${name} cannot be compacted and is left as it is until the broker starts again: ${String(error)}`)
    }
  }
}

/** What of a log can be cleaned now. What a loss of power could take replaces nothing. */
export function judge(log: PartitionLog, highWatermark: number, now: number): Cleanable {
  const { body } = log
  return judgeLog(
    {
      segments: body.segments.all,
      logStartOffset: body.logStartOffset,
      endOffset: body.endOffset,
      cleanedOffset: body.cleanedOffset,
      stableOffset: Math.min(highWatermark, body.recoveryPoint, log.firstUnstableOffset ?? highWatermark),
      config: body.config,
    },
    now,
  )
}
