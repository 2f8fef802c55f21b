/** The offset and time index of one segment: built while it grows, kept in files once it is sealed, read back when they are asked. */
import { peekInt32, peekInt64 } from '../../protocol/batch/header.js'
import type { Disk } from '../host/disk.js'
import type { IndexCache } from './index-cache.js'
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.js'
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.js'

/** The segment, as its indexes see it. */
export interface IndexedLog {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeInBytes: number
  path(suffix: string): string
}

export interface IndexOptions {
  segmentIndexBytes: number
  indexIntervalBytes: number
}

/** What is wrong with a file, as the end of a sentence. */
export interface FileProblem {
  suffix: string
  what: string
}

/** The last entry of each index. An empty one begins with the segment. */
export interface IndexEnds {
  offset: number
  position: number
  maxTimestamp: number
  offsetOfMaxTimestamp: number
}

export class SegmentIndexes {
  /** A file was read that makes no sense: until it is made again searches take longer. */
  damaged = false
  private readonly offsets: OffsetIndex
  private readonly times: TimeIndex
  private bytesSinceEntry = 0
  /** The files have what memory has, or had. */
  private saved = false
  private synced = false
  private resident = true
  /** The segment may grow: what is in memory is more than what the files have. */
  private growing = true
  private doubted: IndexEnds | null = null

  constructor(
    private readonly log: IndexedLog,
    private readonly options: IndexOptions,
    private readonly disk: Disk,
    private readonly cache: IndexCache,
  ) {
    this.offsets = new OffsetIndex(log.baseOffset, options.segmentIndexBytes)
    this.times = new TimeIndex(log.baseOffset, options.segmentIndexBytes)
  }

  get offsetIndex(): OffsetIndex {
    if (!this.resident) this.load()
    return this.offsets
  }

  get timeIndex(): TimeIndex {
    if (!this.resident) this.load()
    return this.times
  }

  get areFull(): boolean {
    return this.offsets.isFull || this.times.isFull
  }

  /** In their files. */
  get areSaved(): boolean {
    return this.saved
  }

  /** The same, durably. */
  get areDurable(): boolean {
    return this.saved && this.synced
  }

  /** A batch came to the end. `maxTimestamp`: the largest so far, this batch included, and the offset that has it. */
  book(position: number, batchBytes: number, lastOffset: number, maxTimestamp: number, offsetOfMax: number): void {
    if (this.bytesSinceEntry > this.options.indexIntervalBytes) {
      this.offsets.append(lastOffset, position)
      this.times.maybeAppend(maxTimestamp, offsetOfMax)
      this.bytesSinceEntry = 0
    }
    this.bytesSinceEntry += batchBytes
    this.saved = false
  }

  clear(): void {
    this.offsets.clear()
    this.times.clear()
    this.bytesSinceEntry = 0
    this.resident = true
    this.growing = true
    this.saved = false
    this.damaged = false
    this.cache.forget(this)
  }

  /** The segment now ends at `position`, where `offset` was to come. Searches go on from the entries below. */
  truncate(position: number, offset: number): void {
    this.keepForAppends()
    this.offsets.truncateTo(position, offset)
    this.times.truncateToOffset(offset)
    this.bytesSinceEntry = position - this.offsets.floorBatchStart(position)
    this.saved = false
  }

  /** The segment gets appends again: its indexes are in memory and stay there. */
  keepForAppends(): void {
    if (!this.resident) this.load()
    this.cache.forget(this)
    this.growing = true
    this.bytesSinceEntry = this.log.sizeInBytes - this.offsets.floorBatchStart(this.log.sizeInBytes)
  }

  /** Trusts the files, which stay unread but for their ends. Null and nothing changed when these make no sense. @throws DiskError */
  adopt(names: ReadonlySet<string>): IndexEnds | FileProblem {
    const offset = this.lastEntry('.index', OFFSET_ENTRY_BYTES, names)
    if (typeof offset === 'string') return { suffix: '.index', what: offset }
    const time = this.lastEntry('.timeindex', TIME_ENTRY_BYTES, names)
    if (typeof time === 'string') return { suffix: '.timeindex', what: time }
    const { baseOffset, sizeInBytes } = this.log
    const ends: IndexEnds = {
      offset: offset === null ? Number.MAX_SAFE_INTEGER : baseOffset + peekInt32(offset, 0),
      position: offset === null ? 0 : peekInt32(offset, 4),
      maxTimestamp: time === null ? -1 : peekInt64(time, 0),
      offsetOfMaxTimestamp: time === null ? -1 : baseOffset + peekInt32(time, 8),
    }
    if (ends.position >= Math.max(1, sizeInBytes)) {
      return { suffix: '.index', what: `points to byte ${ends.position} of a .log with ${sizeInBytes} bytes` }
    }
    if (ends.offset < baseOffset || ends.position < 0)
      return { suffix: '.index', what: 'has entries that make no sense' }
    if (time !== null && (ends.maxTimestamp < 0 || ends.offsetOfMaxTimestamp < baseOffset)) {
      return { suffix: '.timeindex', what: 'has entries that make no sense' }
    }
    this.clear()
    // Without an entry of the other a time index is not synced: what it says may be what a loss of power made of it. The batches tell.
    if (offset === null && time !== null) {
      this.doubted = ends
      return { ...ends, maxTimestamp: -1, offsetOfMaxTimestamp: -1 }
    }
    this.believe()
    return ends
  }

  /** What the batches have told about a time index that `adopt` did not trust: files that say the same are good. */
  confirm(maxTimestamp: number, offsetOfMaxTimestamp: number): void {
    const { doubted } = this
    this.doubted = null
    if (doubted?.maxTimestamp !== maxTimestamp || doubted.offsetOfMaxTimestamp !== offsetOfMaxTimestamp) return
    this.believe()
  }

  private believe(): void {
    this.resident = false
    this.growing = false
    this.saved = true
    this.synced = true
  }

  /** Takes over what another has built for the same segment, whose largest timestamp is at an offset. @throws DiskError */
  replaceBy(other: SegmentIndexes, maxTimestamp: number, offsetOfMax: number): void {
    const { growing } = this
    this.clear()
    this.offsets.load(other.offsets.content())
    this.times.load(other.times.content())
    this.bytesSinceEntry = other.bytesSinceEntry
    this.growing = growing
    if (growing) return
    this.times.maybeAppend(maxTimestamp, offsetOfMax)
    this.save(true)
    this.cache.loaded(this, this.bytes)
  }

  /**
   * Writes the files: caches of the log, in place and without a sync, checked when they are read. `durably`: of a segment that no sync of the log
   * comes to any more, and which is trusted after a loss of power. @throws DiskError
   */
  save(durably = false): void {
    if (this.saved) return
    for (const [suffix, index] of [
      ['.index', this.offsets],
      ['.timeindex', this.times],
    ] as const) {
      const [path, content] = [this.log.path(suffix), Buffer.from(index.content())]
      if (durably && this.offsets.entries > 0) this.disk.writeFile(path, content)
      else writePlainly(this.disk, path, content)
    }
    this.saved = true
    this.synced = durably
  }

  /** No appends follow: memory may be given back when others need it. */
  mayUnload(): void {
    this.growing = false
    if (this.saved) this.cache.loaded(this, this.bytes)
  }

  unload(): void {
    if (!this.saved) return
    this.resident = false
    this.offsets.clear()
    this.times.clear()
  }

  forget(): void {
    this.cache.forget(this)
  }

  /** @throws DiskError */
  async sync(): Promise<void> {
    if (!this.saved || this.synced) return
    this.synced = true
    // All that is lost with them is learnt from the batches when the segment is opened.
    if (this.resident && this.offsets.entries === 0) return
    for (const suffix of ['.index', '.timeindex']) await syncFile(this.disk, this.log.path(suffix))
  }

  private get bytes(): number {
    return this.offsets.content().length + this.times.content().length
  }

  /** Reads the files. @throws DiskError */
  private load(): void {
    this.resident = true
    this.offsets.load(this.disk.readFile(this.log.path('.index')) ?? Buffer.alloc(0))
    this.times.load(this.disk.readFile(this.log.path('.timeindex')) ?? Buffer.alloc(0))
    if (!this.offsets.isSane(this.log.sizeInBytes) || !this.times.isSane(this.log.nextOffset)) {
      this.offsets.clear()
      this.times.clear()
      this.damaged = true
    }
    this.cache.loaded(this, this.bytes)
  }

  /** The last entry's bytes, null when there is none, or what is wrong with the file. */
  private lastEntry(suffix: string, entryBytes: number, names: ReadonlySet<string>): Buffer | string | null {
    const path = this.log.path(suffix)
    if (!names.has(path.slice(path.lastIndexOf('/') + 1))) return 'is missing'
    const file = this.disk.open(path)
    try {
      if (file.size % entryBytes !== 0) return `has ${file.size} bytes, which is no whole number of entries`
      if (file.size === 0) return null
      const entry = Buffer.alloc(entryBytes)
      let got = 0
      while (got < entryBytes) {
        const count = file.read(entry.subarray(got), file.size - entryBytes + got)
        if (count === 0) return 'cannot be read to its end'
        got += count
      }
      return entry
    } finally {
      file.close()
    }
  }
}

/** Writes a file whose damage does no harm: in place, without a sync. @throws DiskError */
export function writePlainly(disk: Disk, path: string, bytes: Buffer): void {
  const file = disk.open(path, { create: true })
  try {
    file.truncate(0)
    file.append([bytes])
  } finally {
    file.close()
  }
}

/** Makes a file durable that may have been removed meanwhile. @throws DiskError */
export async function syncFile(disk: Disk, path: string): Promise<void> {
  if (!disk.exists(path)) return
  const file = disk.open(path)
  try {
    await file.sync()
  } finally {
    file.close()
  }
}
