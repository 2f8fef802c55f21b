import { Buffer } from 'node:buffer'
import { DiskError, type DiskFile } from './disk.js'
import { diskFault } from './disk-path.js'

/** Below this a piece that lies in Node's shared pool is copied: by reference, 12 bytes would keep a whole pool alive. */
const COPY_BELOW_BYTES = 4096
const CHUNK_MIN_BYTES = 512
const CHUNK_MAX_BYTES = 64 * 1024

/** Where a run of the file's bytes lies. Neighbours in memory are one piece: a tail that grows inside one chunk stays one entry. */
export interface Piece {
  memory: ArrayBufferLike
  /** Offset of the piece's first byte in `memory`. */
  offset: number
  /** Position of the piece's first byte in the file. */
  start: number
  length: number
  /** Memory that the piece keeps from being free: all of `memory`, or 0 when the piece before it does that already. */
  readonly heldBytes: number
  readonly content: MemoryContent
}

/** Told of every piece that comes and goes: the memory's accountant. */
export interface PieceKeeper {
  added(piece: Piece): void
  dropped(piece: Piece): void
}

/** Where a content's bytes go when memory is short: a file of its own, with the same positions. */
export interface SpillFile {
  readonly file: DiskFile
  /** Closes and removes it. */
  drop(): void
}

/**
 * The bytes of a memory file. Lives on while someone has it open, renamed or removed, as an inode does.
 *
 * A prefix of them may have moved to a spill file; what follows is in memory. Bytes leave memory only when the spill file has them, and
 * views given out before keep what they show.
 */
export class MemoryContent {
  readonly #pieces: Piece[] = []
  #size = 0
  /** Own memory for small pieces; its unused rest is appended to only while it is the end of the file. */
  #chunk: Buffer | null = null
  #chunkUsed = 0
  #keeper: PieceKeeper | null
  #spilledBytes = 0
  #spillFile: SpillFile | null = null
  /** End of the range that is being written to the spill file; 0: none is. */
  #flightEnd = 0
  /** The range in flight has been changed or cut: what is written of it does not count. */
  #flightVoid = false
  #opens = 0
  #unlinked = false

  constructor(keeper: PieceKeeper | null = null) {
    this.#keeper = keeper
  }

  get size(): number {
    return this.#size
  }

  get spilledBytes(): number {
    return this.#spilledBytes
  }

  /** Removed or replaced: its bytes no longer count as used, whatever an open file still does with them. */
  get unlinked(): boolean {
    return this.#unlinked
  }

  opened(): void {
    this.#opens += 1
  }

  closed(): void {
    this.#opens -= 1
    this.#retire()
  }

  unlink(): void {
    this.#unlinked = true
    for (const piece of this.#pieces) this.#keeper?.dropped(piece)
    this.#keeper = null
    this.#retire()
  }

  append(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (bytes.length <= COPY_BELOW_BYTES && bytes.buffer.byteLength === Buffer.poolSize) this.#appendCopy(bytes)
    else this.#appendReference(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  #appendReference(memory: ArrayBufferLike, offset: number, length: number): void {
    const last = this.#pieces[this.#pieces.length - 1]
    if (last !== undefined && last.memory === memory && last.offset + last.length === offset) {
      last.length += length
      this.#size += length
      return
    }
    const heldBytes = last?.memory === memory ? 0 : memory.byteLength
    const piece: Piece = { memory, offset, start: this.#size, length, heldBytes, content: this }
    this.#pieces.push(piece)
    this.#size += length
    this.#keeper?.added(piece)
  }

  #appendCopy(bytes: Buffer): void {
    if (this.#chunk === null || this.#chunk.length - this.#chunkUsed < bytes.length) {
      const doubled = Math.min(CHUNK_MAX_BYTES, 2 * (this.#chunk?.length ?? 0))
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_MIN_BYTES, doubled, bytes.length))
      this.#chunkUsed = 0
    }
    bytes.copy(this.#chunk, this.#chunkUsed)
    this.#appendReference(this.#chunk.buffer, this.#chunk.byteOffset + this.#chunkUsed, bytes.length)
    this.#chunkUsed += bytes.length
  }

  /** Null when the range begins in what has been spilled. */
  view(position: number, length: number): Buffer[] | null {
    return position < this.#spilledBytes ? null : this.#viewMemory(position, length)
  }

  #viewMemory(position: number, length: number): Buffer[] {
    const end = Math.min(position + length, this.#size)
    const views: Buffer[] = []
    for (let index = this.#indexOf(position); index < this.#pieces.length && position < end; index += 1) {
      const piece = this.#pieces[index]!
      const from = position - piece.start
      const count = Math.min(piece.length - from, end - position)
      views.push(Buffer.from(piece.memory as ArrayBuffer, piece.offset + from, count))
      position += count
    }
    return views
  }

  /** @throws DiskError when spilled bytes cannot be read */
  read(target: Buffer, position: number): number {
    let done = 0
    for (let part = this.#spilledPart(target, position, done); part !== null; ) {
      const count = this.#spillFile!.file.read(part, position + done)
      if (count === 0) throw this.#lost()
      done += count
      part = this.#spilledPart(target, position, done)
    }
    return done + this.#copyMemory(target.subarray(done), position + done)
  }

  /** Looks anew after every wait: bytes may have been cut off or spilled meanwhile. @throws DiskError */
  async readAsync(target: Buffer, position: number): Promise<number> {
    let done = 0
    for (let part = this.#spilledPart(target, position, done); part !== null; ) {
      const count = await this.#spillFile!.file.readAsync(part, position + done)
      part = this.#spilledPart(target, position, done)
      if (count === 0 && part !== null) throw this.#lost()
      done += count
      part = this.#spilledPart(target, position, done)
    }
    return done + this.#copyMemory(target.subarray(done), position + done)
  }

  /** The part of `target` from `done` on that the spill file fills; null when there is none (left). */
  #spilledPart(target: Buffer, position: number, done: number): Buffer | null {
    const bytes = Math.min(target.length - done, this.#spilledBytes - position - done)
    return bytes <= 0 ? null : target.subarray(done, done + bytes)
  }

  #copyMemory(target: Buffer, position: number): number {
    let done = 0
    for (const view of this.#viewMemory(position, target.length)) {
      view.copy(target, done)
      done += view.length
    }
    return done
  }

  #lost(): DiskError {
    const { path } = this.#spillFile!.file
    return new DiskError('EIO', path, `Cannot read ${path}: records that were moved to disk are gone (EIO).`)
  }

  /** Overwrites in place; the range must lie inside the file. @throws DiskError */
  write(bytes: Buffer, position: number): void {
    if (position < this.#flightEnd) this.#flightVoid = true
    let done = Math.min(bytes.length, Math.max(0, this.#spilledBytes - position))
    if (done > 0) this.#spillFile!.file.write(bytes.subarray(0, done), position)
    for (const view of this.#viewMemory(position + done, bytes.length - done)) {
      bytes.copy(view, 0, done, done + view.length)
      done += view.length
    }
  }

  truncate(size: number): void {
    if (size >= this.#size) return
    if (size < this.#flightEnd) this.#flightVoid = true
    const keep = this.#indexOf(size)
    const cut = this.#pieces[keep]
    if (cut !== undefined && size > cut.start) cut.length = size - cut.start
    for (const piece of this.#pieces.splice(cut !== undefined && size > cut.start ? keep + 1 : keep)) {
      this.#keeper?.dropped(piece)
    }
    this.#size = size
    // The spill file keeps its bytes beyond until the next spill.
    this.#spilledBytes = Math.min(this.#spilledBytes, size)
    // Somebody may still look at what was cut off, so its memory is not written again.
    this.#chunk = null
  }

  /**
   * Moves the oldest bytes in memory, whole pieces of about `maxBytes`, to the spill file, which `make` opens the first time. They are
   * read from memory until they are there. One call at a time. @throws DiskError; nothing has changed then
   */
  async spill(maxBytes: number, make: () => SpillFile): Promise<void> {
    const from = this.#spilledBytes
    const views: Buffer[] = []
    let end = from
    for (const piece of this.#pieces) {
      if (end - from >= maxBytes) break
      views.push(Buffer.from(piece.memory as ArrayBuffer, piece.offset, piece.length))
      end += piece.length
    }
    if (end === from) return
    this.#spillFile ??= make()
    const { file } = this.#spillFile
    if (file.size > from) file.truncate(from)
    this.#flightEnd = end
    this.#flightVoid = false
    try {
      await file.appendAsync(views)
      if (!this.#flightVoid && !this.#unlinked) this.#letGo(end)
    } finally {
      this.#flightEnd = 0
      this.#retire()
    }
  }

  /** The spill file has everything below `end`. */
  #letGo(end: number): void {
    let count = 0
    while (count < this.#pieces.length && this.#pieces[count]!.start + this.#pieces[count]!.length <= end) count += 1
    for (const piece of this.#pieces.splice(0, count)) this.#keeper?.dropped(piece)
    const [first] = this.#pieces
    if (first !== undefined && first.start < end) {
      // It has grown while it was written.
      const written = end - first.start
      first.offset += written
      first.start += written
      first.length -= written
    }
    this.#spilledBytes = end
  }

  /** Nobody can reach the bytes any more. */
  #retire(): void {
    if (!this.#unlinked || this.#opens > 0 || this.#flightEnd > 0) return
    this.#pieces.length = 0
    this.#spillFile?.drop()
    this.#spillFile = null
  }

  /** Index of the piece that holds `position`; the number of pieces when it is at or past the end. */
  #indexOf(position: number): number {
    let low = 0
    let high = this.#pieces.length
    while (low < high) {
      const middle = (low + high) >> 1
      const piece = this.#pieces[middle]!
      if (piece.start + piece.length <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A range that must lie inside the file, checked the same way by every disk. */
export function checkRange(path: string, size: number, position: number, length: number): void {
  if (!Number.isSafeInteger(position) || position < 0)
    throw new RangeError(`position ${position} in ${path} is not a place in a file`)
  if (position + length > size)
    throw diskFault('EINVAL', `write ${length} bytes at ${position}, beyond the ${size} bytes of`, path)
}

/** A new size for a truncate, checked the same way by every disk. */
export function checkTruncate(path: string, size: number, to: number): void {
  if (!Number.isSafeInteger(to) || to < 0 || to > size)
    throw new RangeError(`cannot truncate ${path} of ${size} bytes to ${to}`)
}
