/**
 * Memory for the tails of all logs of one store. A chunk belongs to one segment and is filled from its start; on a disk that has to
 * read, filled chunks stay as the hot cache until the store-wide limit pushes the oldest out, and are then used again.
 */
import type { Segment } from './segment.js'

export interface ChunksOptions {
  /** Hot bytes kept for all logs together on a disk that has to read. Fetches of recent records then need no read. */
  hotBytesMax: number
  /**
   * Memory of chunks being filled for all logs together on a disk that keeps it: beyond, the oldest is filled no further, so that it can
   * leave memory. Default: no limit.
   */
  openBytesMax?: number
}

/** First chunk of a log: a thousand partitions with one record each cost 4 MB. */
const SMALLEST_BYTES = 4 * 1024
/** Every next chunk of a log is so much larger, up to the largest. */
const GROWTH = 4
/** A megabyte is one fetch answer; larger chunks only waste more at their end. */
const LARGEST_BYTES = 1024 * 1024
/** A batch larger than this gets memory of its own size: at most a quarter of a chunk is wasted at its end. */
const OWN_CHUNK_FROM_BYTES = LARGEST_BYTES / 4
/** Chunks are not powers of two, so that a memory disk never takes one for Node's shared pool, whose pieces it copies. */
const ODD_BYTES = 64
/** Free chunks kept for the next log: fresh memory of this size costs more than anything else here. */
const FREE_CHUNKS_MAX = 8
export const HOT_BYTES_MAX = 32 * 1024 * 1024
/** Chunks looked at to make room for one: a disk that hangs leaves many that cannot go, and an append must stay cheap. */
const LOOKS_MAX = 64

export class Chunk {
  used = 0
  /** Readers that still look at it. */
  readers = 0
  evicted = false

  constructor(
    readonly buffer: Buffer,
    readonly segment: Segment,
    /** Position in the segment's file of the chunk's first byte. */
    readonly position: number,
    /** Called when the hot cache is over its limit: the owner releases the chunk unless it is not written yet. */
    readonly evict: (chunk: Chunk) => void,
  ) {}
}

export class Chunks {
  /** Oldest first. */
  private readonly hot = new Set<Chunk>()
  /** Chunks being filled on a disk that keeps their memory, oldest first. */
  private readonly open = new Set<Chunk>()
  private openBytes = 0
  private readonly free: Buffer[] = []
  /** Memory held by chunks in the hot cache, those being filled included. */
  hotBytes = 0
  /** Logs that have chunks in the hot cache. */
  logs = 0

  constructor(private readonly options: ChunksOptions = { hotBytesMax: HOT_BYTES_MAX }) {}

  /** Memory for at least `bytes`; `previousBytes` is the size of the log's last chunk (0: none): busy logs get larger ones. */
  allocate(bytes: number, previousBytes: number): Buffer {
    if (bytes > OWN_CHUNK_FROM_BYTES) return Buffer.allocUnsafeSlow(bytes)
    // A log's share: chunks that are much larger would push each other out half empty.
    const { hotBytesMax, openBytesMax = Number.POSITIVE_INFINITY } = this.options
    const share = this.open.size > 0 ? openBytesMax / 2 / this.open.size : hotBytesMax / 2 / Math.max(1, this.logs)
    const wanted = Math.min(LARGEST_BYTES, previousBytes * GROWTH, share)
    let size = SMALLEST_BYTES
    while (size * GROWTH <= wanted + ODD_BYTES * GROWTH || size - ODD_BYTES < bytes) size *= GROWTH
    if (size === LARGEST_BYTES && this.free.length > 0) return this.free.pop()!
    return Buffer.allocUnsafeSlow(size - ODD_BYTES)
  }

  /** Puts a chunk under the limit; the oldest that are written are pushed out when it is exceeded. */
  keepHot(chunk: Chunk): void {
    this.hot.add(chunk)
    this.hotBytes += chunk.buffer.length
    if (this.hotBytes <= this.options.hotBytesMax) return
    let looks = LOOKS_MAX
    for (const old of this.hot) {
      if (old !== chunk) old.evict(old)
      if (this.hotBytes <= this.options.hotBytesMax || --looks === 0) return
    }
  }

  /** Puts a chunk under the limit of those being filled; the oldest others are told to go when it is exceeded. */
  keepOpen(chunk: Chunk): void {
    const { openBytesMax = Number.POSITIVE_INFINITY } = this.options
    this.open.add(chunk)
    this.openBytes += chunk.buffer.length
    for (const old of this.open) {
      if (this.openBytes <= openBytesMax) return
      if (old !== chunk) old.evict(old)
    }
  }

  /** The chunk is filled no further. */
  closeChunk(chunk: Chunk): void {
    if (this.open.delete(chunk)) this.openBytes -= chunk.buffer.length
  }

  /** The chunk left its log's hot tail. `reuse` false: a write may still be reading it. */
  release(chunk: Chunk, reuse: boolean): void {
    if (chunk.evicted) return
    chunk.evicted = true
    this.hot.delete(chunk)
    this.hotBytes -= chunk.buffer.length
    if (reuse) this.recycle(chunk)
    else chunk.readers = Number.POSITIVE_INFINITY
  }

  /** Called with every reader that ends, too: memory is used again only when nobody looks at it. */
  recycle(chunk: Chunk): void {
    if (!chunk.evicted || chunk.readers > 0) return
    if (chunk.buffer.length === LARGEST_BYTES - ODD_BYTES && this.free.length < FREE_CHUNKS_MAX)
      this.free.push(chunk.buffer)
  }
}
