/**
 * The mechanics under PartitionLog: segments, tail, producers and epochs, moved together so that they never disagree. Takes what
 * has been admitted; decides nothing but when to roll.
 */

import type { IncomingBatch } from './admission.js'
import { applyBatch } from './batch-effects.js'
import type { Walk } from './batch-walk.js'
import { compactedAtMost } from './cleaner-rules.js'
import { type LogConfig, segmentJitter } from './config.js'
import { setAsideDeleted } from './deleted-folder.js'
import { DoomedSegments } from './doomed-segments.js'
import { Durability } from './durability.js'
import { EpochFile } from './epoch-file.js'
import { LeaderEpochs } from './leader-epochs.js'
import { openSegments } from './log-opening.js'
import type { KnownLog, LogBodyOptions, LogBodyPorts } from './log-options.js'
import { LogReader } from './log-reader.js'
import { syncPartitionMetadata } from './partition-metadata.js'
import { relearn } from './producer-replay.js'
import { ProducerSnapshots } from './producer-snapshot.js'
import { type EndTransaction, ProducerStates } from './producer-state.js'
import { learnEnd, positionOf } from './recovery.js'
import { type FileStage, Segment } from './segment.js'
import { Segments } from './segments.js'
import { after } from './steps.js'
import { Tail } from './tail.js'

export class LogBody {
  config: LogConfig
  logStartOffset = 0
  endOffset = 0
  writtenOffset = 0
  /** A disk failure, or the end of this object's life: nothing is accepted or read any more. */
  offline = false
  /** It is being closed: what came now would be in the file alone, and nobody would look there. */
  isClosing = false
  private failure: unknown = null
  /** Counts what takes records away or ends this log: what is being made from its segments is void then. */
  cuts = 0
  /** Compaction has been over everything below; null when that is not known. */
  cleanedOffset: number | null = null
  /** At most up to here lie the records for which compaction has dropped others. */
  compactedTo = 0
  readonly segments = new Segments()
  readonly epochs = new LeaderEpochs()
  readonly producers: ProducerStates
  readonly tail: Tail
  readonly reader: LogReader
  readonly durability: Durability
  private readonly epochFile: EpochFile
  private readonly doomed: DoomedSegments
  private readonly snapshots: ProducerSnapshots

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
    this.snapshots = new ProducerSnapshots(ports.disk, options.folder, ports.logger)
    this.durability = new Durability({
      clock,
      segments: this.segments,
      config: () => this.config,
      onReleased: (offset) => this.release(offset),
      onSyncFailed: (error) => this.goOffline(error),
      onSealedSynced: () => this.ports.shared.onSealedSynced(),
      syncFacts: () => this.syncFacts(),
      onLowered: () => this.ports.onCut?.(),
    })
    this.doomed = new DoomedSegments({ clock, onFailed: (error) => this.goOffline(error) })
    this.segments.add(this.newSegment(0, clock.now()))
  }

  /** On a memory disk there is nothing to sync. */
  get recoveryPoint(): number {
    return this.segments.active.viewable ? this.writtenOffset : this.durability.recoveryPoint
  }

  /** Fills this fresh body from the segments with these bases. @throws DamagedLog, DiskError: nothing on the disk has changed then */
  async open(bases: readonly number[], known: KnownLog | undefined): Promise<void> {
    const { segments, epochs, producers, epochFile, snapshots } = this
    const { disk, logger, clock } = this.ports
    segments.removeFrom(0)
    for (const base of bases) segments.add(this.newSegment(base, clock.now()))
    const mayBeSealed = known?.clean !== true && disk.exists(segments.active.path('.index'))
    const files = { folder: this.options.folder, disk, epochFile, snapshots, isContinuous: !this.config.cleanupCompact }
    const run = <T>(walk: Walk<T>): T | Promise<T> => this.reader.run(walk)
    await openSegments({ ...files, logger, segments, epochs, producers, run }, known)
    const end = segments.active.nextOffset
    this.cleanedOffset = known?.cleanedOffset ?? null
    this.endsAt(end, known?.clean === true ? end : (known?.recoveryPoint ?? 0))
    this.compactedTo = compactedAtMost(this, segments.active, known, mayBeSealed)
    const start = Math.max(known?.logStartOffset ?? 0, segments.first.baseOffset)
    if (start > end) {
      logger.warn(`The log in ${files.folder} ended at ${end}, below its start ${start}: it begins there anew.`)
      await this.restartAt(start)
    } else {
      this.moveStart(start)
    }
    producers.transactions.onHighWatermark(known?.highWatermark ?? 0)
    // What an earlier process wrote is served as acknowledged, so it must be as safe as that.
    if (this.endOffset - this.durability.recoveryPoint >= this.config.flushMessages) await this.durability.sync()
    else if (!segments.active.viewable) this.durability.onFound(segments.active.baseOffset)
  }

  /** The log cannot be opened: it exists, offline, with its files and what is known of them as they were. */
  abandon(error: unknown, known: KnownLog | undefined): void {
    for (const segment of this.segments.removeFrom(0)) segment.close()
    const start = known?.logStartOffset ?? 0
    this.segments.add(this.newSegment(start, this.ports.clock.now()))
    this.logStartOffset = start
    this.endsAt(start, start)
    this.durability.reset(known?.recoveryPoint ?? 0, start)
    this.cleanedOffset = known?.cleanedOffset ?? null
    this.goOffline(error)
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
    const mustRoll = this.segments.active.shouldRoll(batch.length, lastOffset, maxTimestamp, now, this.config)
    if (mustRoll && !this.rollAt(baseOffset, now)) return false
    const segment = this.segments.active
    const { tail } = this
    try {
      tail.accept(segment, batch, baseOffset, leaderEpoch)
    } catch (error) {
      this.goOffline(error)
      return false
    }
    segment.book(batch.length, lastOffset, maxTimestamp, now)
    applyBatch(tail.accepted, tail.acceptedAt, segment, this.producers, this, marker)
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
      } else sealed.seal() // First: with another segment behind it, it is believed to have its indexes.
      const segment = this.newSegment(baseOffset, now)
      this.segments.add(segment)
      // The name of the file is the only place that knows where the log ends when everything before is deleted.
      if (baseOffset > 0) segment.openLog()
      if (sealed.sizeInBytes > 0) {
        this.snapshots.take(baseOffset, this.producers)
        this.durability.onSealed(sealed, baseOffset)
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
      this.snapshots.removeBelow(this.segments.all[0]?.baseOffset ?? this.endOffset)
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

  /** Drops everything from `offset` on; `anew`: all, if compaction may have dropped records for some of those. At once unless something is under way. */
  truncateTo(offset: number, anew = false): void | Promise<void> {
    // An epoch in which this broker led and appended nothing goes too: its leader has never heard of it, and would say so for ever.
    if (offset >= this.endOffset) return this.epochs.truncateFromEnd(this.endOffset)
    if (anew && offset < this.compactedTo) {
      this.ports.logger.info(`${this.options.folder} is compacted up to ${this.compactedTo} and is copied anew.`)
      return this.restartAt(Math.min(offset, this.logStartOffset))
    }
    // Nothing is kept below the start, which goes down, too: what the leader has from there is to be had.
    if (offset < Math.max(this.segments.first.baseOffset + 1, this.logStartOffset)) return this.restartAt(offset)
    return this.whenQuiet(() => {
      this.discard(...this.segments.removeFrom(this.segments.floorIndex(offset) + 1))
      const segment = this.segments.active
      return after(this.reader.run(positionOf(segment, offset)), (position) => this.cut(segment, position, offset))
    })
  }

  /** Drops everything; the next record gets `offset`, and the log begins at `start`. */
  restartAt(offset: number, start = offset): void | Promise<void> {
    return this.whenQuiet(() => {
      this.cleanedOffset = null
      this.compactedTo = 0
      const old = this.segments.removeFrom(0)
      const segment = this.newSegment(offset, this.ports.clock.now())
      this.segments.add(segment) // Before anything fails: an offline log has one, too.
      this.discard(...old)
      this.snapshots.removeAbove(-1)
      this.producers.clear()
      this.epochs.clear()
      if (offset > 0) segment.openLog()
      const isStartLower = start < this.logStartOffset
      this.logStartOffset = start
      this.endsAt(offset, offset)
      return segment.viewable ? undefined : this.durability.onCut(isStartLower)
    })
  }

  /** An empty log whose start lies inside its leader's first batch: the batch begins at `offset`, the start stays. False: not in this turn. */
  beginBelowStart(offset: number): boolean {
    if (this.tail.isDirty || this.tail.isWriting) return false
    void this.restartAt(offset, this.logStartOffset)
    return !this.offline
  }

  /** Makes everything accepted so far durable. Rejects with the DiskError of a failed sync. */
  async flush(): Promise<void> {
    await this.tail.drain()
    await this.durability.sync()
  }

  /** Writes what waits, so that the next opening has nothing to scan, and closes the files. Rejects with the DiskError that left it unclean. */
  async close(): Promise<void> {
    this.isClosing = true
    await this.tail.drain()
    const failure: unknown = this.offline ? null : await this.finish().catch((error: unknown) => error)
    await this.durability.stop()
    for (const segment of this.segments.all) segment.close()
    this.doomed.removeNow()
    this.tail.clear()
    this.offline = true
    if (failure !== null) throw failure
  }

  private async finish(): Promise<null> {
    const { active } = this.segments
    if (!active.isOpen) return null
    try {
      active.saveIndexes()
      this.snapshots.take(this.endOffset, this.producers)
      await this.durability.sync()
      // A sync that is still under way writes the same files.
      await this.durability.stop()
      if (this.offline) throw this.failure
      await this.syncFacts()
      if (!active.isSaved) await active.sync()
      return null
    } catch (error) {
      this.goOffline(error)
      throw error
    }
  }

  /** What is known about the log below a sync, before the recovery point moves there. */
  private async syncFacts(): Promise<void> {
    if (this.durability.recoveryPoint === 0) await syncPartitionMetadata(this.ports.disk, this.options.folder)
    if (!this.offline) await this.epochFile.save()
    if (!this.offline) await this.snapshots.sync()
  }

  /** Removes the folder. What waits to be written is dropped. */
  delete(): void | Promise<void> {
    this.offline = true
    for (const segment of this.segments.all) segment.abandon()
    this.epochFile.abandon()
    void this.durability.stop()
    this.doomed.abandon()
    this.tail.clear()
    const remove = setAsideDeleted(this.ports, this.options.folder, this.segments.first.viewable, this.tail.isWriting)
    return this.whenQuiet(() => {
      for (const segment of this.segments.all) segment.close()
      remove()
    }, true)
  }

  goOffline(error: unknown): void {
    if (this.offline) return
    this.offline = true
    this.failure = error
    this.ports.logger.error(`The log in ${this.options.folder} goes offline: ${String(error)}`)
    this.ports.onOffline(error)
  }

  private release(offset: number): void {
    if (offset <= this.writtenOffset) return
    this.writtenOffset = offset
    this.ports.onWritten(offset)
  }

  /** The log ends at `offset` now, all of it is in the files and what is below `recoveryPoint` synced. */
  private endsAt(offset: number, recoveryPoint: number): void {
    this.endOffset = offset
    if (this.cleanedOffset !== null) this.cleanedOffset = Math.min(this.cleanedOffset, offset)
    const isSafe = this.segments.active.viewable || offset - recoveryPoint < this.config.flushMessages // else it goes on waiting for a sync
    this.writtenOffset = isSafe ? offset : Math.min(offset, Math.max(recoveryPoint, this.writtenOffset))
    this.durability.reset(Math.min(recoveryPoint, offset), offset)
  }

  /** A segment of this log that nobody knows yet. */
  newSegment(baseOffset: number, createdMs: number, stage: FileStage = ''): Segment {
    const { disk, logger, random, shared } = this.ports
    const { segmentIndexBytes, indexIntervalBytes } = this.config
    const own = { folder: this.options.folder, baseOffset, createdMs, stage }
    const jitterMs = segmentJitter(this.config, random)
    return new Segment({ ...own, jitterMs, segmentIndexBytes, indexIntervalBytes }, disk, logger, shared.indexes)
  }

  /** Runs `action` when no write is under way, mostly at once; of an offline log (whose folder may be another's) only its end. Failures take it offline. */
  private whenQuiet(action: () => void | Promise<void>, isEnd = false): void | Promise<void> {
    const guarded = (): void | Promise<void> => {
      if (this.offline && !isEnd) return
      this.cuts++ // Again: a cleaning may have begun while a write was waited for.
      try {
        const done = action()
        return done instanceof Promise ? done.catch((error: unknown) => this.goOffline(error)) : done
      } catch (error) {
        this.goOffline(error)
      }
    }
    this.cuts++
    this.tail.flushPending()
    return this.tail.isWriting ? this.tail.drain().then(guarded) : guarded()
  }

  private doom(segments: readonly Segment[]): void {
    for (const segment of segments) this.tail.forget(segment)
    this.doomed.add(segments, this.config.fileDeleteDelayMs)
  }

  /** The last one first: what is left after a crash has no hole. */
  private discard(...segments: readonly Segment[]): void {
    for (const segment of segments.toReversed()) {
      this.tail.forget(segment)
      segment.remove()
    }
  }

  /** Ends the log at `position` of its last segment, where the batch with `offset` is, and forgets what the cut batches had taught. */
  private cut(segment: Segment, position: number, offset: number): void | Promise<void> {
    this.tail.forget(segment)
    segment.cutAt(position, offset)
    return after(this.reader.run(learnEnd(segment)), () => {
      const end = Math.max(segment.nextOffset, this.logStartOffset)
      this.snapshots.removeAbove(end)
      // Not `end`: offsets below the log start may be missing, and nothing was synced in their place.
      this.endsAt(end, Math.min(this.durability.recoveryPoint, segment.nextOffset))
      this.epochs.truncateFromEnd(end)
      const note = () => (segment.viewable ? undefined : this.durability.onCut())
      if (this.producers.size === 0) return note() // nothing to learn again
      return after(this.reader.run(relearn(this.segments.all, this.snapshots, end, this.producers)), note)
    })
  }
}
