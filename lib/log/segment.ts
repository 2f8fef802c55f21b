/**
 * One segment: a `.log` file of batches and its three indexes. Knows offsets, positions and times; the bytes on their way to the file
 * are the tail's business.
 *
 * Files are made at the first append, except for a segment whose base offset says more than its emptiness (anything but 0).
 */

import * as header from '../../protocol/batch/header.js'
import { type Disk, DiskError, type DiskFile } from '../host/disk.js'
import type { IndexCache } from './index-cache.js'
import { OffsetIndex } from './offset-index.js'
import type { SegmentFacts } from './retention.js'
import { TimeIndex } from './time-index.js'
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
const INDEX_SUFFIXES = FILE_SUFFIXES.slice(1)
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
  /** Wall time of the last append. */
  lastAppendMs: number
  readonly txnIndex = new TxnIndex()
  /**
   * True when the disk keeps appended memory and shows it without reading, older bytes perhaps excepted (a memory disk that has spilled).
   * Known once the file is open.
   */
  viewable = false
  /** Set when the segment is cut or deleted: an answer that was being read from it is void. */
  generation = 0

  private readonly offsets: OffsetIndex
  private readonly times: TimeIndex
  private file: DiskFile | null = null
  private stage: FileStage
  private removed = false
  private bytesSinceEntry = 0
  private readersInFlight = 0
  private closing = false
  /** Index files on disk hold what memory would: memory may be given back. */
  private indexesSaved = false
  private indexesSynced = false
  private indexesResident = true

  constructor(
    readonly options: SegmentOptions,
    private readonly disk: Disk,
    private readonly cache: IndexCache,
  ) {
    this.baseOffset = options.baseOffset
    this.stage = options.stage ?? ''
    this.nextOffset = options.baseOffset
    this.lastAppendMs = options.createdMs
    this.offsets = new OffsetIndex(options.baseOffset, options.segmentIndexBytes)
    this.times = new TimeIndex(options.baseOffset, options.segmentIndexBytes)
  }

  get largestTimestamp(): number {
    return this.maxTimestamp >= 0 ? this.maxTimestamp : this.lastAppendMs
  }

  /** Both indexes; read back from the disk when they were unloaded. */
  get offsetIndex(): OffsetIndex {
    if (!this.indexesResident) this.loadIndexes()
    return this.offsets
  }

  get timeIndex(): TimeIndex {
    if (!this.indexesResident) this.loadIndexes()
    return this.times
  }

  path(suffix: string): string {
    return `${this.options.folder}/${offsetFileName(this.baseOffset, suffix)}${this.stage}`
  }

  /** The log file, made when it is not there. @throws DiskError */
  openLog(): DiskFile {
    if (this.file === null) {
      if (this.removed) throw new DiskError('ENOENT', this.path('.log'), `${this.path('.log')} has been deleted`)
      this.file = this.disk.open(this.path('.log'), { create: true })
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
    if (this.offsets.isFull || this.times.isFull) return true
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
    if (this.bytesSinceEntry > this.options.indexIntervalBytes) {
      this.offsets.append(lastOffset, this.sizeInBytes)
      this.times.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp)
      this.bytesSinceEntry = 0
    }
    this.sizeInBytes += batchBytes
    this.bytesSinceEntry += batchBytes
    this.nextOffset = lastOffset + 1
    this.lastAppendMs = now
  }

  /** `book` for the batch header at `at` of `buffer`. */
  bookHeader(buffer: Buffer, at: number, now: number): void {
    this.book(header.sizeInBytes(buffer, at), header.lastOffset(buffer, at), header.maxTimestamp(buffer, at), now)
  }

  /** Forgets everything from `position` on, in memory and in the file; the caller books the rest of the facts anew. @throws DiskError */
  cutAt(position: number): void {
    this.generation++
    if (position < this.writtenBytes) {
      this.openLog().truncate(position)
      this.writtenBytes = position
    }
    this.resetFacts()
  }

  /** Before the segment's batches are booked again. */
  resetFacts(): void {
    this.sizeInBytes = 0
    this.bytesSinceEntry = 0
    this.nextOffset = this.baseOffset
    this.maxTimestamp = -1
    this.offsetOfMaxTimestamp = -1
    this.firstTimestamp = -1
    this.offsets.clear()
    this.times.clear()
    this.indexesResident = true
    this.indexesSaved = false
    this.indexesSynced = false
    this.cache.forget(this)
  }

  /** No more appends: the last time-index entry is made, and the index files are written. @throws DiskError */
  seal(): void {
    this.timeIndex.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp)
    this.saveIndexes()
    if (this.indexesSaved) this.cache.loaded(this, this.indexBytes)
  }

  private get indexBytes(): number {
    return this.offsets.content().length + this.times.content().length
  }

  saveIndexes(): void {
    if (this.indexesSaved || this.file === null) return
    this.saveIndex('.index', this.offsets.content())
    this.saveIndex('.timeindex', this.times.content())
    if (!this.txnIndex.isEmpty) this.saveIndex('.txnindex', this.txnIndex.content())
    this.indexesSaved = true
  }

  /** Index files are caches of the log: written in place, without a sync, and checked when they are read. */
  private saveIndex(suffix: string, content: Buffer): void {
    const file = this.disk.open(this.path(suffix), { create: true })
    try {
      file.truncate(0)
      file.append([Buffer.from(content)])
    } finally {
      file.close()
    }
  }

  /** Gives the indexes' memory back, as the files have the same. */
  unloadIndexes(): void {
    if (!this.indexesSaved) return
    this.indexesResident = false
    this.offsets.clear()
    this.times.clear()
  }

  /** Reads the index files. One that has vanished or changed under a running broker only makes searches longer. @throws DiskError */
  private loadIndexes(): void {
    this.indexesResident = true
    this.offsets.load(this.disk.readFile(this.path('.index')) ?? Buffer.alloc(0))
    this.times.load(this.disk.readFile(this.path('.timeindex')) ?? Buffer.alloc(0))
    if (!this.offsets.isSane(this.sizeInBytes)) this.offsets.clear()
    if (!this.times.isSane(this.nextOffset)) this.times.clear()
    this.cache.loaded(this, this.indexBytes)
  }

  /** An asynchronous read keeps the file open. */
  async readAsync(target: Buffer, position: number): Promise<number> {
    const file = this.openLog()
    this.readersInFlight++
    try {
      return await file.readAsync(target, position)
    } finally {
      this.readersInFlight--
      if (this.closing) this.close()
    }
  }

  /** Makes what is written durable; of a sealed segment its index files, too. */
  async sync(): Promise<void> {
    if (this.removed || this.sizeInBytes === 0) return
    const file = this.openLog()
    if (this.viewable) return
    this.readersInFlight++
    try {
      await file.sync()
    } finally {
      this.readersInFlight--
      if (this.closing) this.close()
    }
    if (!this.indexesSaved || this.indexesSynced) return
    this.indexesSynced = true
    for (const suffix of INDEX_SUFFIXES) {
      if (!this.removed && this.disk.exists(this.path(suffix))) await syncFile(this.disk, this.path(suffix))
    }
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

  /** Closes the file once nobody reads it any more. */
  close(): void {
    this.closing = true
    this.cache.forget(this)
    if (this.readersInFlight > 0 || this.file === null) return
    this.file.close()
    this.file = null
    this.closing = false
  }

  /** Removes the files. The log goes first: an index without a log is swept away at the next start. @throws DiskError */
  remove(): void {
    this.generation++
    this.removed = true
    this.cache.forget(this)
    const hadFile = this.file !== null
    this.close()
    if (!hadFile && !this.disk.exists(this.path('.log'))) return
    for (const suffix of FILE_SUFFIXES) this.disk.remove(this.path(suffix))
  }
}

async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = disk.open(path)
  try {
    await file.sync()
  } finally {
    file.close()
  }
}
