/**
 * The end of one log: takes accepted batches into memory and is the one writer that hands them, in order, to the disk.
 *
 * On a memory disk a batch is written when it is accepted: the disk keeps the chunk's bytes by reference. On a disk that has to
 * read, what one turn accepted leaves in one synchronous write per segment (a write of a few KB costs less than asking the thread
 * pool); large gatherings, and everything for a while after a slow write, go through the pool so that the loop never stalls behind
 * the kernel's dirty-page throttling.
 */

import { BASE_OFFSET, LEADER_EPOCH, pokeInt32, pokeInt64 } from '../../protocol/batch/header.js'
import type { Clock } from '../host/clock.js'
import { Chunk, type Chunks } from './chunks.js'
import type { Segment } from './segment.js'
import type { WriteTurn } from './write-turn.js'

/** Above this a synchronous write would cost the loop more than the thread pool does. */
const SYNC_WRITE_MAX_BYTES = 256 * 1024
/** A slower write means that the kernel throttles writers: dirty pages, a busy disk. */
const SLOW_WRITE_MS = 2
/** Much slower, it is not just a moment in which the process had no processor. */
const VERY_SLOW_WRITE_MS = 20
/** How long writes go through the pool then: doubled from slow write to slow write, up to what a very slow one costs at once. */
const SLOW_FOR_MIN_MS = 50
const SLOW_FOR_MAX_MS = 5000
const NOTHING = Buffer.alloc(0)

export interface TailPorts {
  clock: Clock
  chunks: Chunks
  turn: WriteTurn
}

export interface TailOwner {
  /** Everything below `offset` has been handed to the operating system. Not called for what `accept` itself wrote. */
  onWritten(offset: number): void
  /** A write failed: nothing accepted since will ever be written. */
  onWriteFailed(error: unknown): void
}

export class Tail {
  private current: Chunk | null = null
  /** Chunks that readers may still use, oldest first; empty on a memory disk, where the disk itself has them. */
  private hot: Chunk[] = []
  private lastChunkBytes = 0
  /** Segments with bytes that are not written, oldest first. */
  private unwritten: Segment[] = []
  private slowUntil = 0
  private slowForMs = SLOW_FOR_MIN_MS
  private writing: Promise<void> | null = null
  private failed = false
  /** In the write turn's list. */
  queued = false
  /** Where the batch accepted last lies, as the log has it: `accepted` from `acceptedAt` on. */
  accepted: Buffer = NOTHING
  acceptedAt = 0

  constructor(
    private readonly ports: TailPorts,
    private readonly owner: TailOwner,
  ) {}

  /** Copies a batch to the end of `segment`, with its offset and epoch. The only copy on its way to the disk. @throws DiskError */
  accept(segment: Segment, batch: Buffer, baseOffset: number, leaderEpoch: number): void {
    const file = segment.openLog()
    const size = batch.length
    const chunk = this.chunkFor(segment, size)
    const { buffer, used } = chunk
    batch.copy(buffer, used)
    pokeInt64(buffer, used + BASE_OFFSET, baseOffset)
    pokeInt32(buffer, used + LEADER_EPOCH, leaderEpoch)
    if (segment.viewable) {
      file.append([buffer.subarray(used, used + size)])
      segment.writtenBytes += size
    } else {
      if (segment.writtenBytes === segment.sizeInBytes) this.unwritten.push(segment)
      if (!this.queued) this.ports.turn.add(this)
    }
    chunk.used += size
    this.accepted = buffer
    this.acceptedAt = used
  }

  /** True when something accepted waits to be written. */
  get isDirty(): boolean {
    return this.unwritten.length > 0
  }

  /** Writes what was accepted, unless a write is under way: that one goes on by itself. */
  flushPending(): void {
    this.queued = false
    if (this.writing !== null || this.failed) return
    let wrote = -1
    try {
      while (this.unwritten.length > 0) {
        const segment = this.unwritten[0]!
        const bytes = segment.sizeInBytes - segment.writtenBytes
        const started = this.ports.clock.monotonic()
        if (bytes > SYNC_WRITE_MAX_BYTES || started < this.slowUntil) {
          this.writing = this.writeBehind()
          break
        }
        segment.openLog().append(this.unwrittenViews(segment))
        this.judgeWrite(started, this.ports.clock.monotonic())
        segment.writtenBytes = segment.sizeInBytes
        wrote = segment.nextOffset
        this.unwritten.shift()
      }
    } catch (error) {
      this.fail(error)
    }
    if (wrote >= 0) this.owner.onWritten(wrote)
  }

  private judgeWrite(started: number, ended: number): void {
    const tookMs = ended - started
    if (tookMs <= SLOW_WRITE_MS) {
      // As long in good order as the pool had been asked for: the disk is well again.
      if (started > this.slowUntil + this.slowForMs) this.slowForMs = SLOW_FOR_MIN_MS
      return
    }
    this.slowForMs = tookMs > VERY_SLOW_WRITE_MS ? SLOW_FOR_MAX_MS : Math.min(2 * this.slowForMs, SLOW_FOR_MAX_MS)
    this.slowUntil = ended + this.slowForMs
  }

  /** Resolves when nothing is waiting or under way. */
  async drain(): Promise<void> {
    this.flushPending()
    while (this.writing !== null) {
      await this.writing
      this.flushPending()
    }
  }

  get isWriting(): boolean {
    return this.writing !== null
  }

  /** Views of [position, position + length) of a segment, when all of it is hot. Piece boundaries are batch boundaries. */
  views(segment: Segment, position: number, length: number): Buffer[] | null {
    const end = position + length
    let first = this.hot.length - 1
    if (first < 0 || length === 0) return length === 0 ? [] : null
    // From the newest: nearly every reader wants the end.
    while (first > 0 && (this.hot[first]!.segment !== segment || this.hot[first]!.position > position)) first--
    const chunk = this.hot[first]!
    if (chunk.segment !== segment || chunk.position > position) return null
    const views: Buffer[] = []
    for (let i = first; i < this.hot.length && position < end; i++) {
      const { buffer, position: start, used, segment: owner } = this.hot[i]!
      if (owner !== segment || start > position) return null
      const to = Math.min(end - start, used)
      if (to > position - start) views.push(buffer.subarray(position - start, to))
      position = start + to
    }
    return position < end ? null : views
  }

  /** Keeps the chunks behind [position, position + length) from being used again until the returned function is called. */
  hold(segment: Segment, position: number, length: number): () => void {
    const held: Chunk[] = []
    for (let i = this.hot.length - 1; i >= 0; i--) {
      const chunk = this.hot[i]!
      if (chunk.segment === segment) {
        if (chunk.position + chunk.used <= position) break
        if (chunk.position < position + length) held.push(chunk)
      }
    }
    for (const chunk of held) chunk.readers++
    let released = false
    return () => {
      if (released) return
      released = true
      for (const chunk of held) {
        chunk.readers--
        this.ports.chunks.recycle(chunk)
      }
    }
  }

  /** The segment was deleted or cut: what is in memory of it no longer counts. Its unwritten bytes are dropped. */
  forget(segment: Segment): void {
    if (this.current?.segment === segment) this.leaveCurrent()
    this.unwritten = this.unwritten.filter((other) => other !== segment)
    const kept = this.hot.filter((chunk) => chunk.segment !== segment)
    for (const chunk of this.hot) {
      if (chunk.segment === segment) this.ports.chunks.release(chunk, this.writing === null)
    }
    this.setHot(kept)
  }

  /** Gives all memory back. */
  clear(): void {
    for (const chunk of this.hot) this.ports.chunks.release(chunk, this.writing === null)
    this.setHot([])
    this.leaveCurrent()
    this.unwritten = []
  }

  private setHot(hot: Chunk[]): void {
    if (hot.length === 0 && this.hot.length > 0) this.ports.chunks.logs--
    this.hot = hot
  }

  private chunkFor(segment: Segment, bytes: number): Chunk {
    const current = this.current
    if (current !== null && current.segment === segment && current.buffer.length - current.used >= bytes) return current
    const buffer = this.ports.chunks.allocate(bytes, this.lastChunkBytes)
    const chunk = new Chunk(buffer, segment, segment.sizeInBytes, this.evict)
    this.lastChunkBytes = buffer.length
    this.leaveCurrent()
    this.current = chunk
    if (segment.viewable) {
      this.ports.chunks.keepOpen(chunk)
    } else {
      if (this.hot.length === 0) this.ports.chunks.logs++
      this.hot.push(chunk)
      this.ports.chunks.keepHot(chunk)
    }
    return chunk
  }

  private leaveCurrent(): void {
    if (this.current !== null) this.ports.chunks.closeChunk(this.current)
    this.current = null
  }

  private readonly evict = (chunk: Chunk): void => {
    if (chunk.segment.viewable) {
      if (this.current === chunk) this.leaveCurrent()
      return
    }
    if (this.hot[0] !== chunk || chunk.position + chunk.used > chunk.segment.writtenBytes) return
    this.hot.shift()
    if (this.hot.length === 0) this.ports.chunks.logs--
    if (this.current === chunk) this.current = null
    this.ports.chunks.release(chunk, true)
  }

  private unwrittenViews(segment: Segment): Buffer[] {
    const views = this.views(segment, segment.writtenBytes, segment.sizeInBytes - segment.writtenBytes)
    if (views === null) throw new Error('bytes that are not written have left the memory')
    return views
  }

  /** The ordered writer's slow lane: one gathered write after the other until nothing waits. Re-checks after every await. */
  private async writeBehind(): Promise<void> {
    // Nothing below may run before `writing` is set.
    await null
    try {
      while (this.unwritten.length > 0) {
        const segment = this.unwritten[0]!
        const size = segment.sizeInBytes
        const offset = segment.nextOffset
        await segment.openLog().appendAsync(this.unwrittenViews(segment))
        segment.writtenBytes = size
        if (this.unwritten[0] === segment && segment.sizeInBytes === size) this.unwritten.shift()
        this.owner.onWritten(offset)
        if (!this.mustStayBehind()) break
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.writing = null
    }
    if (this.unwritten.length > 0 && !this.failed) this.flushPending()
  }

  private mustStayBehind(): boolean {
    const next = this.unwritten[0]
    if (next === undefined) return false
    return next.sizeInBytes - next.writtenBytes > SYNC_WRITE_MAX_BYTES || this.ports.clock.monotonic() < this.slowUntil
  }

  private fail(error: unknown): void {
    this.failed = true
    this.owner.onWriteFailed(error)
  }
}
