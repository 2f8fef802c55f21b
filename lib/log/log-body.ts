/**
 * The mechanics under PartitionLog: segments, tail, producers and epochs, moved together so that they never disagree. Takes what
 * has been admitted; decides nothing but when to roll.
 */

import * as header from '../../protocol/batch/header.js'
import type { Clock } from '../host/clock.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import type { Random } from '../host/random.js'
import type { IncomingBatch } from './admission.js'
import { applyBatch } from './batch-effects.js'
import { type Walk, walkBatches } from './batch-walk.js'
import type { LogConfig } from './config.js'
import { DoomedSegments } from './doomed-segments.js'
import { Durability } from './durability.js'
import { EpochFile } from './epoch-file.js'
import { LeaderEpochs } from './leader-epochs.js'
import type { KnownLog } from './log-options.js'
import { LogReader } from './log-reader.js'
import { type EndTransaction, type ProducerStateOptions, ProducerStates } from './producer-state.js'
import { rebuild, recoverSegments } from './recovery.js'
import { type FileStage, Segment } from './segment.js'
import { Segments } from './segments.js'
import type { LogShared } from './shared.js'
import { Tail } from './tail.js'

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
}

export class LogBody {
  config: LogConfig
  logStartOffset = 0
  endOffset = 0
  writtenOffset = 0
  /** A disk failure, or the end of this object's life: nothing is accepted or read any more. */
  offline = false
  /** Counts what takes records away or ends this log: what is being made from its segments is void then. */
  cuts = 0
  /** Compaction has been over everything below; null when that is not known. */
  cleanedOffset: number | null = null
  readonly segments = new Segments()
  readonly epochs = new LeaderEpochs()
  readonly producers: ProducerStates
  readonly tail: Tail
  readonly reader: LogReader
  readonly durability: Durability
  private readonly epochFile: EpochFile
  private readonly doomed: DoomedSegments

  constructor(
    private readonly options: LogBodyOptions,
    private readonly ports: LogBodyPorts,
  ) {
    this.config = options.config
    this.producers = new ProducerStates(options)
    const { clock, shared } = ports
    this.tail = new Tail(
      { clock, chunks: shared.chunks, turn: shared.turn },
      {
        onWritten: (offset) => this.durability.onWritten(offset),
        onWriteFailed: (error) => this.goOffline(error),
      },
    )
    this.reader = new LogReader({
      segments: this.segments,
      tail: this.tail,
      buffers: shared.buffers,
      onReadFailed: (error) => this.goOffline(error),
    })
    this.epochFile = new EpochFile(ports.disk, options.folder, this.epochs)
    this.durability = new Durability({
      clock,
      segments: this.segments,
      config: () => this.config,
      onReleased: (offset) => this.release(offset),
      onSyncFailed: (error) => this.goOffline(error),
      syncFacts: () => this.epochFile.save(),
    })
    this.doomed = new DoomedSegments({ clock, onFailed: (error) => this.goOffline(error) })
    this.segments.add(this.newSegment(0, clock.now()))
  }

  /** On a memory disk there is nothing to sync. */
  get recoveryPoint(): number {
    return this.segments.active.viewable ? this.writtenOffset : this.durability.recoveryPoint
  }

  /** Fills this fresh body from the segments with these bases. @throws DiskError */
  async recover(bases: readonly number[], known?: KnownLog): Promise<void> {
    this.segments.removeFrom(0)
    const now = this.ports.clock.now()
    for (const base of bases) this.segments.add(this.newSegment(base, now))
    await recoverSegments(this.segments.all, this, {
      logger: this.ports.logger,
      run: (walk) => this.reader.run(walk),
    })
    this.endOffset = this.segments.active.nextOffset
    this.moveStart(Math.min(this.endOffset, Math.max(known?.logStartOffset ?? 0, this.segments.first.baseOffset)))
    this.endsAt(this.endOffset, known?.recoveryPoint ?? 0)
    this.producers.transactions.onHighWatermark(known?.highWatermark ?? 0)
    this.cleanedOffset = known?.cleanedOffset ?? null
  }

  /** Puts an admitted batch at the end. False when the disk failed: the body is offline then. */
  take(
    incoming: IncomingBatch,
    baseOffset: number,
    leaderEpoch: number,
    marker: EndTransaction | null,
    now: number,
  ): boolean {
    const { batch, lastOffsetDelta, maxTimestamp } = incoming
    const lastOffset = baseOffset + lastOffsetDelta
    if (this.segments.active.shouldRoll(batch.length, lastOffset, maxTimestamp, now, this.config)) {
      if (!this.rollAt(baseOffset, now)) return false
    }
    const segment = this.segments.active
    const { tail } = this
    try {
      tail.accept(segment, batch, baseOffset, leaderEpoch)
    } catch (error) {
      this.goOffline(error)
      return false
    }
    segment.book(batch.length, lastOffset, maxTimestamp, now)
    applyBatch(tail.accepted, tail.acceptedAt, segment, this.producers, this.epochs, marker)
    this.endOffset = lastOffset + 1
    if (segment.viewable) this.writtenOffset = this.endOffset
    return true
  }

  /** Begins a segment at `baseOffset`, which is not below the end. False when the disk failed. */
  rollAt(baseOffset: number, now: number): boolean {
    const sealed = this.segments.active
    try {
      if (sealed.sizeInBytes === 0) {
        if (sealed.baseOffset === baseOffset) return true
        // An empty segment with a base too low for what comes (a leader's gap): it never was.
        this.discard(...this.segments.removeFrom(this.segments.all.length - 1))
      }
      const segment = this.newSegment(baseOffset, now)
      this.segments.add(segment)
      // The name of the file is the only place that knows where the log ends when everything before is deleted.
      if (baseOffset > 0) segment.openLog()
      if (sealed.sizeInBytes > 0) {
        sealed.seal()
        this.durability.onSealed(baseOffset)
      }
      return true
    } catch (error) {
      this.goOffline(error)
      return false
    }
  }

  /** Deletes the oldest `count` segments; their files go after `file.delete.delay.ms`. */
  dropFirst(count: number): void {
    if (count === 0) return
    this.cuts++
    try {
      this.doom(this.segments.removeFirst(count))
    } catch (error) {
      this.goOffline(error)
    }
  }

  /**
   * Puts a compacted segment in the place of the neighbours it was made from, in one turn. From the first step on a restart would
   * finish it (`findSegments`). @throws DiskError; the log is offline then
   */
  swapIn(old: readonly Segment[], cleaned: Segment): void {
    try {
      cleaned.moveTo('.swap')
      this.segments.replace(old, cleaned)
      this.doom(old)
      cleaned.moveTo('')
    } catch (error) {
      this.goOffline(error)
      throw error
    }
  }

  moveStart(offset: number): void {
    this.logStartOffset = offset
    this.epochs.truncateFromStart(offset)
  }

  /** Drops everything from `offset` on. Later only when a write is under way or something has to be read. */
  truncateTo(offset: number): void | Promise<void> {
    if (offset >= this.endOffset) return
    this.cuts++
    if (this.cleanedOffset !== null) this.cleanedOffset = Math.min(this.cleanedOffset, offset)
    if (offset <= this.segments.first.baseOffset) return this.restartAt(offset)
    return this.whenQuiet(() => {
      this.discard(...this.segments.removeFrom(this.segments.floorIndex(offset) + 1))
      const segment = this.segments.active
      return after(this.reader.run(positionOf(segment, offset)), (position) => this.cut(segment, position))
    })
  }

  /** Drops everything; the next record gets `offset`. */
  restartAt(offset: number): void | Promise<void> {
    this.cuts++
    this.cleanedOffset = null
    return this.whenQuiet(() => {
      this.discard(...this.segments.removeFrom(0))
      this.producers.clear()
      this.epochs.clear()
      const segment = this.newSegment(offset, this.ports.clock.now())
      this.segments.add(segment)
      if (offset > 0) segment.openLog()
      this.logStartOffset = offset
      this.endsAt(offset, offset)
    })
  }

  /** Makes everything accepted so far durable. Rejects with the DiskError of a failed sync. */
  async flush(): Promise<void> {
    await this.tail.drain()
    await this.durability.sync()
  }

  /** Writes what waits and closes the files. */
  async close(): Promise<void> {
    await this.tail.drain()
    await this.durability.stop()
    for (const segment of this.segments.all) {
      if (!this.offline) segment.saveIndexes()
      segment.close()
    }
    this.doomed.removeNow()
    this.tail.clear()
    this.offline = true
  }

  /** Removes the folder. What waits to be written is dropped. */
  delete(): void | Promise<void> {
    this.offline = true
    void this.durability.stop()
    const { disk, random } = this.ports
    const { folder } = this.options
    this.doomed.abandon()
    this.tail.clear()
    let doomed: string | null = null
    try {
      // Renamed at once: half a log must not stay behind a crash, nor be in the way when the topic is made again.
      if (disk.exists(folder))
        doomed = this.segments.first.viewable ? folder : setAsideFolder(folder, random.uuid(), 'delete')
      if (doomed !== null && doomed !== folder) disk.rename(folder, doomed)
    } catch (error) {
      doomed = folder
      this.ports.logger.warn(`The folder ${folder} cannot be renamed: ${String(error)}`)
    }
    return this.whenQuiet(() => {
      for (const segment of this.segments.all) segment.close()
      if (doomed !== null) disk.remove(doomed)
    })
  }

  goOffline(error: unknown): void {
    if (this.offline) return
    this.offline = true
    this.ports.logger.error(`The log in ${this.options.folder} goes offline: ${String(error)}`)
    this.ports.onOffline(error)
  }

  private release(offset: number): void {
    if (offset <= this.writtenOffset) return
    this.writtenOffset = offset
    this.ports.onWritten(offset)
  }

  /** The log ends at `offset` now, with all of it written and what is below `recoveryPoint` synced. */
  private endsAt(offset: number, recoveryPoint: number): void {
    this.endOffset = offset
    this.writtenOffset = offset
    this.durability.reset(Math.min(recoveryPoint, offset), offset)
  }

  /** A segment of this log that nobody knows yet. */
  newSegment(baseOffset: number, createdMs: number, stage: FileStage = ''): Segment {
    const { segmentIndexBytes, indexIntervalBytes, segmentJitterMs, segmentMs } = this.config
    const jitterBound = Math.min(segmentJitterMs, segmentMs)
    const jitterMs = jitterBound > 0 ? this.ports.random.integer(jitterBound) : 0
    const { folder } = this.options
    return new Segment(
      { folder, baseOffset, createdMs, segmentIndexBytes, indexIntervalBytes, jitterMs, stage },
      this.ports.disk,
      this.ports.shared.indexes,
    )
  }

  /** Runs `action` when no write is under way: at once in most cases. Disk failures take the log offline. */
  private whenQuiet(action: () => void | Promise<void>): void | Promise<void> {
    const guarded = (): void | Promise<void> => {
      try {
        return action()
      } catch (error) {
        this.goOffline(error)
      }
    }
    this.tail.flushPending()
    return this.tail.isWriting ? this.tail.drain().then(guarded) : guarded()
  }

  private doom(segments: readonly Segment[]): void {
    for (const segment of segments) this.tail.forget(segment)
    this.doomed.add(segments, this.config.fileDeleteDelayMs)
  }

  private discard(...segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.tail.forget(segment)
      segment.remove()
    }
  }

  /**
   * Ends the log at `position` of its last segment. What the cut batches had taught is forgotten by learning the rest again.
   */
  private cut(segment: Segment, position: number): void | Promise<void> {
    this.tail.forget(segment)
    segment.cutAt(position)
    this.producers.clear()
    return after(this.learnAgain(), () => {
      this.endsAt(Math.max(segment.nextOffset, this.logStartOffset), this.durability.recoveryPoint)
      this.epochs.truncateFromEnd(this.endOffset)
      if (!segment.viewable) this.durability.onCut()
    })
  }

  /** Books the last segment anew and replays all of them into the producers. Snapshots will shorten this to one segment. */
  private learnAgain(): void | Promise<void> {
    const { active, all } = this.segments
    const { producers } = this
    const walk = function* (): Walk<void> {
      for (const segment of all) {
        if (segment === active) {
          yield* rebuild(segment, segment.writtenBytes, false, { producers, epochs: null })
        } else {
          segment.txnIndex.clear()
          yield* walkBatches(segment, 0, segment.sizeInBytes, true, (buffer, at) => {
            applyBatch(buffer, at, segment, producers, null)
            return true
          })
        }
      }
    }
    return this.reader.run(walk())
  }
}

const FILE_NAME_MAX = 255
export const DELETED_FOLDER = /\.[0-9a-f]{32}-delete$/

/** Kafka's name for a log that is no partition any more: `<topic>-<partition>.<unique>-delete`, cut to what file systems take. */
export function setAsideFolder(folder: string, uuid: string, why: 'delete' | 'stray'): string {
  const suffix = `.${uuid.replaceAll('-', '')}-${why}`
  const slash = folder.lastIndexOf('/') + 1
  return folder.slice(0, slash) + folder.slice(slash, slash + FILE_NAME_MAX - suffix.length) + suffix
}

/** Position of the first batch that reaches `offset` or lies above it. */
function* positionOf(segment: Segment, offset: number): Walk<number> {
  const from = segment.offsetIndex.floorPosition(offset - 1)
  return yield* walkBatches(
    segment,
    from,
    segment.sizeInBytes,
    false,
    (buffer, at) => header.lastOffset(buffer, at) < offset,
  )
}

function after<T>(value: T | Promise<T>, next: (value: T) => void | Promise<void>): void | Promise<void> {
  return value instanceof Promise ? value.then(next) : next(value)
}
