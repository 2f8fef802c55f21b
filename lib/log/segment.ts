/**
 * One segment: a `.log` file of batches and its three indexes. Knows offsets, positions and times; the bytes on their way to the file
 * are the tail's business.
 *
 * Files are made at the first append, except for a segment whose base offset says more than its emptiness (anything but 0).
 */

import * as header from '../../protocol/batch/header.js'
import { type Disk, DiskError, type DiskFile } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { IndexCache } from './index-cache.js'
import type { OffsetIndex } from './offset-index.js'
import type { SegmentFacts } from './retention.js'
import { type FileProblem, SegmentIndexes, syncFile } from './segment-indexes.js'
import type { TimeIndex } from './time-index.js'
import { TxnIndex } from './txn-index.js'

export interface SegmentOptions {
  folder: string
  baseOffset: number
  /** Wall time in ms. */
  createdMs: number
  segmentIndexBytes: number
  indexIntervalBytes: number
  /** This segment's share of `segment.jitter.ms`. */
  jitterMs: number
  /** What the names of its files end in at first; default ''. */
  stage?: FileStage
}

/**
 * What a segment's file names end in, as in Kafka: '' alive, '.cleaned' being written by the cleaner, '.swap' complete and to be put in
 * the place of what it was made from, '.deleted' on its way out but still read by some.
 */
export type FileStage = '' | '.cleaned' | '.swap' | '.deleted'

/** Renamed in this order when a segment goes, and the other way around when one comes: with its log it is there or gone. */
const FILE_SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex'] as const

export interface RollRules {
  segmentBytes: number
  segmentMs: number
}

/** Kafka's file names: the offset in 20 digits. */
export const offsetFileName = (offset: number, suffix: string): string => offset.toString().padStart(20, '0') + suffix
const NOTHING = Buffer.alloc(0)
const RELATIVE_OFFSET_MAX = 0x7fffffff

export class Segment implements SegmentFacts {
  readonly baseOffset: number
  /** Bytes accepted, and the part of them that the file has. */
  sizeInBytes = 0
  writtenBytes = 0
  /** One above the last offset; the base when empty. */
  nextOffset: number
  /** Largest record timestamp, -1 when there is none, and the last offset of the first batch that has it. */
  maxTimestamp = -1
  offsetOfMaxTimestamp = -1
  /** Maximum timestamp of the first batch: `segment.ms` counts from it. */
  firstTimestamp = -1
  /** Wall time of the last append, in an earlier life too where the disk knows it: records without a time grow old by it. */
  lastAppendMs: number
  readonly txnIndex = new TxnIndex()
  /**
   * True when the disk keeps appended memory and shows it without reading, older bytes perhaps excepted (a memory disk that has spilled).
   * Known once the file is open.
   */
  viewable = false
  /** Set when the segment is cut or deleted: an answer that was being read from it is void. */
  generation = 0

  /** Where the last index entry points, and its offset: what lies before is known from the indexes. */
  lastIndexed = { offset: Number.MAX_SAFE_INTEGER, position: 0 }
  private readonly indexes: SegmentIndexes
  private file: DiskFile | null = null
  private stage: FileStage
  /** Its files are no longer where they were: none is opened, least of all made. */
  private gone = false
  private readersInFlight = 0
  private closing = false
  /** There is a `.txnindex` file. */
  private hasTxnFile = false
  /** Bytes below came from an earlier life of the process and are checked when they are read first, but for [from, to). */
  private unverifiedTo = 0
  private verified = { from: 0, to: 0 }

  constructor(
    readonly options: SegmentOptions,
    private readonly disk: Disk,
    private readonly logger: Logger,
    cache: IndexCache,
  ) {
    this.baseOffset = options.baseOffset
    this.stage = options.stage ?? ''
    this.nextOffset = options.baseOffset
    this.lastAppendMs = options.createdMs
    this.indexes = new SegmentIndexes(this, options, disk, cache)
  }

  get largestTimestamp(): number {
    return this.maxTimestamp >= 0 ? this.maxTimestamp : this.lastAppendMs
  }

  /** Both indexes are read back from the disk when they were unloaded. */
  get offsetIndex(): OffsetIndex {
    return this.indexes.offsetIndex
  }

  get timeIndex(): TimeIndex {
    return this.indexes.timeIndex
  }

  path(suffix: string): string {
    return `${this.options.folder}/${offsetFileName(this.baseOffset, suffix)}${this.stage}`
  }

  /** Its file is there, and open. */
  get isOpen(): boolean {
    return this.file !== null
  }

  /** The log file, made when it is not there. @throws DiskError */
  openLog(): DiskFile {
    if (this.file === null) {
      if (this.gone) throw new DiskError('ENOENT', this.path('.log'), `${this.path('.log')} has been deleted or closed`)
      this.file = this.disk.open(this.path('.log'), { create: true })
      this.lastAppendMs = this.file.modifiedMs ?? this.lastAppendMs
      // A disk that has to read answers null; one in memory shows at least the end.
      this.viewable = this.file.view(this.file.size, 0) !== null
    }
    return this.file
  }

  /** Must the log roll before a batch goes in here? The cases of Kafka's LogSegment.shouldRoll. */
  shouldRoll(batchBytes: number, lastOffset: number, maxTimestamp: number, now: number, rules: RollRules): boolean {
    if (lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true
    if (this.sizeInBytes === 0) return false
    if (this.sizeInBytes > rules.segmentBytes - batchBytes) return true
    if (this.indexes.areFull) return true
    // Record time where there is one, so that replicas roll alike; else the clock.
    const waited = this.firstTimestamp >= 0 ? maxTimestamp - this.firstTimestamp : now - this.options.createdMs
    return waited > rules.segmentMs - this.options.jitterMs
  }

  /** Books a batch that the tail has taken (or recovery has found) at the end. */
  book(batchBytes: number, lastOffset: number, maxTimestamp: number, now: number): void {
    if (this.sizeInBytes === 0) this.firstTimestamp = maxTimestamp
    if (maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = maxTimestamp
      this.offsetOfMaxTimestamp = lastOffset
    }
    this.indexes.book(this.sizeInBytes, batchBytes, lastOffset, this.maxTimestamp, this.offsetOfMaxTimestamp)
    this.sizeInBytes += batchBytes
    this.nextOffset = lastOffset + 1
    this.lastAppendMs = now
  }

  /** `book` for the batch header at `at` of `buffer`. */
  bookHeader(buffer: Buffer, at: number, now: number): void {
    this.book(header.sizeInBytes(buffer, at), header.lastOffset(buffer, at), header.maxTimestamp(buffer, at), now)
  }

  /**
   * Takes a segment over whose bytes were safe before this process began: facts come from the ends of its files, and
   * `learnEnd` has to follow. Returns what is wrong with an index, null when nothing is. @throws DiskError
   */
  adopt(names: ReadonlySet<string>): FileProblem | null {
    this.resetFacts()
    this.sizeInBytes = this.openLog().size
    this.writtenBytes = this.sizeInBytes
    this.unverifiedTo = this.sizeInBytes
    this.verified = { from: 0, to: 0 }
    if (!this.loadTransactions(names)) return { suffix: '.txnindex', what: 'is damaged' }
    if (this.sizeInBytes === 0) return null
    const ends = this.indexes.adopt(names)
    if ('suffix' in ends) return ends
    this.lastIndexed = { offset: ends.offset, position: ends.position }
    this.maxTimestamp = ends.maxTimestamp
    this.offsetOfMaxTimestamp = ends.offsetOfMaxTimestamp
    return null
  }

  /** After `adopt` and `learnEnd`: what was learnt is written down where the files say something else. @throws DiskError */
  confirm(isSealed: boolean): void {
    this.indexes.confirm(this.maxTimestamp, this.offsetOfMaxTimestamp)
    if (isSealed && !this.isSaved) this.seal()
  }

  /** Reads the transaction index if there is one. False when it is damaged. @throws DiskError */
  loadTransactions(names: ReadonlySet<string>): boolean {
    this.hasTxnFile = names.has(offsetFileName(this.baseOffset, '.txnindex'))
    this.txnIndex.clear()
    if (!this.hasTxnFile) return true
    return this.txnIndex.load(this.disk.readFile(this.path('.txnindex')) ?? NOTHING, this.baseOffset)
  }

  /** A batch behind the last index entry, seen by `learnEnd`. */
  noteEnd(nextOffset: number, maxTimestamp: number, position: number): void {
    if (position === 0) this.firstTimestamp = maxTimestamp
    if (maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = maxTimestamp
      this.offsetOfMaxTimestamp = nextOffset - 1
    }
    this.nextOffset = nextOffset
  }

  /** The segment is active again. False when its indexes turn out to be damaged. @throws DiskError */
  resume(): boolean {
    this.indexes.keepForAppends()
    return !this.indexes.damaged
  }

  /** Ends the segment at `position`, where the batch with `offset` was; `learnEnd` has to follow. @throws DiskError */
  cutAt(position: number, offset: number): void {
    this.generation++
    if (position < this.writtenBytes) {
      this.openLog().truncate(position)
      this.writtenBytes = position
    }
    this.txnIndex.truncateTo(offset)
    this.indexes.truncate(position, offset)
    this.sizeInBytes = position
    this.nextOffset = this.baseOffset
    const { offsetIndex, timeIndex } = this.indexes
    const indexed = offsetIndex.floorBatchStart(position)
    this.lastIndexed = { offset, position: indexed }
    this.maxTimestamp = timeIndex.lastTimestamp
    this.offsetOfMaxTimestamp = timeIndex.lastOffset
    if (position === 0) this.firstTimestamp = -1
    this.unverifiedTo = Math.min(this.unverifiedTo, position)
  }

  /** Before the segment's batches are booked again. */
  resetFacts(): void {
    this.sizeInBytes = 0
    this.nextOffset = this.baseOffset
    this.maxTimestamp = -1
    this.offsetOfMaxTimestamp = -1
    this.firstTimestamp = -1
    this.lastIndexed = { offset: Number.MAX_SAFE_INTEGER, position: 0 }
    this.unverifiedTo = 0
    this.indexes.clear()
  }

  /** No more appends: the last time-index entry is made, and the index files are written. @throws DiskError */
  seal(durably = false): void {
    this.saveIndexes(durably)
    this.indexes.mayUnload()
  }

  saveIndexes(durably = false): void {
    if (this.file === null || this.indexes.areSaved) return
    this.timeIndex.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp)
    // Before the others, and durable: a segment lacks it only when there is nothing in it. Where it is lost nothing else tells.
    if (!this.txnIndex.isEmpty) this.disk.writeFile(this.path('.txnindex'), this.txnIndex.content())
    else if (this.hasTxnFile) this.disk.remove(this.path('.txnindex'))
    this.hasTxnFile = !this.txnIndex.isEmpty
    this.indexes.save(durably)
  }

  /** The indexes are in files and synced. */
  get isSaved(): boolean {
    return this.sizeInBytes === 0 || this.indexes.areDurable
  }

  /** An index file made no sense when it was read. */
  get indexIsDamaged(): boolean {
    return this.indexes.damaged
  }

  /** Indexes to be filled anew, for `replaceIndexes`. */
  freshIndexes(): SegmentIndexes {
    return new SegmentIndexes(this, this.options, this.disk, new IndexCache())
  }

  replaceIndexes(fresh: SegmentIndexes, maxTimestamp: number, offsetOfMax: number): void {
    if (this.gone) return
    this.indexes.replaceBy(fresh, maxTimestamp, offsetOfMax)
    this.logger.warn(`The indexes of ${this.path('.log')} made no sense: they were made again.`)
  }

  /** Whether the bytes [start, end) are known to be what was written. */
  isVerified(start: number, end: number): boolean {
    const { from, to } = this.verified
    return start >= this.unverifiedTo || (start >= from && Math.min(end, this.unverifiedTo) <= to)
  }

  /** The batches in [start, end) are undamaged. One run is remembered: readers go from front to back. */
  noteVerified(start: number, end: number): void {
    const { from, to } = this.verified
    if (start <= to && end >= from) this.verified = { from: Math.min(start, from), to: Math.max(end, to) }
    else if (end - start > to - from) this.verified = { from: start, to: end }
    if (this.verified.from === 0 && this.verified.to >= this.unverifiedTo) this.unverifiedTo = 0
  }

  /** Fills `target` as far as the file goes, and keeps the file open meanwhile. */
  async readAsync(target: Buffer, position: number): Promise<number> {
    const file = this.openLog()
    this.readersInFlight++
    try {
      let got = 0
      while (got < target.length) {
        const count = await file.readAsync(got === 0 ? target : target.subarray(got), position + got)
        if (count === 0) break
        got += count
      }
      return got
    } finally {
      this.readersInFlight--
      if (this.closing) this.close()
    }
  }

  /** Makes what is written durable; of a sealed segment its index files, too. */
  async sync(): Promise<void> {
    if (this.gone || this.sizeInBytes === 0) return
    const file = this.openLog()
    if (this.viewable) return
    this.readersInFlight++
    try {
      await file.sync()
    } finally {
      this.readersInFlight--
      if (this.closing) this.close()
    }
    if (this.gone) return
    await this.indexes.sync()
    if (this.hasTxnFile && !this.gone) await syncFile(this.disk, this.path('.txnindex'))
  }

  /** Renames the files; who has them open keeps them. @throws DiskError */
  moveTo(stage: FileStage): void {
    const { disk, stage: before } = this
    const suffixes = stage === '.deleted' ? FILE_SUFFIXES : FILE_SUFFIXES.toReversed()
    for (const suffix of suffixes) {
      this.stage = before
      const from = this.path(suffix)
      this.stage = stage
      if (disk.exists(from)) disk.rename(from, this.path(suffix))
    }
  }

  /** True while an asynchronous read or sync is under way. */
  get inUse(): boolean {
    return this.readersInFlight > 0
  }

  /** From now on its path may be another's: only a file that is open is used until `close`. */
  abandon(): void {
    this.gone = true
  }

  /** For good, once nobody reads the file any more. */
  close(): void {
    this.gone = true
    this.closing = true
    this.indexes.forget()
    if (this.readersInFlight > 0 || this.file === null) return
    this.file.close()
    this.file = null
    this.closing = false
  }

  /** Removes the files. The log goes first: an index without a log is swept away at the next start. @throws DiskError */
  remove(): void {
    this.generation++
    this.indexes.forget()
    const hadFile = this.file !== null
    this.close()
    if (!hadFile && !this.disk.exists(this.path('.log'))) return
    for (const suffix of FILE_SUFFIXES) this.disk.remove(this.path(suffix))
  }
}
