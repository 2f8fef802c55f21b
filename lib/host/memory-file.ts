import { Buffer } from 'node:buffer'
import { diskFault } from './disk-path.js'

/** Below this a piece that lies in Node's shared pool is copied: by reference, 12 bytes would keep a whole pool alive. */
const COPY_BELOW_BYTES = 4096
const CHUNK_MIN_BYTES = 512
const CHUNK_MAX_BYTES = 64 * 1024

/** Where a run of the file's bytes lies. Neighbours in memory are one piece: a tail that grows inside one chunk stays one entry. */
interface Piece {
  memory: ArrayBufferLike
  /** Offset of the piece's first byte in `memory`. */
  offset: number
  /** Position of the piece's first byte in the file. */
  start: number
  length: number
}

/** The bytes of a memory file. Lives on while someone has it open, renamed or removed, as an inode does. */
export class MemoryContent {
  readonly #pieces: Piece[] = []
  #size = 0
  /** Own memory for small pieces; its unused rest is appended to only while it is the end of the file. */
  #chunk: Buffer | null = null
  #chunkUsed = 0
  /** Removed or replaced: its bytes no longer count as used, whatever an open file still does with them. */
  unlinked = false

  get size(): number {
    return this.#size
  }

  append(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (bytes.length <= COPY_BELOW_BYTES && bytes.buffer.byteLength === Buffer.poolSize) this.#appendCopy(bytes)
    else this.#appendReference(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  #appendReference(memory: ArrayBufferLike, offset: number, length: number): void {
    const last = this.#pieces[this.#pieces.length - 1]
    if (last !== undefined && last.memory === memory && last.offset + last.length === offset) last.length += length
    else this.#pieces.push({ memory, offset, start: this.#size, length })
    this.#size += length
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

  view(position: number, length: number): Buffer[] {
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

  read(target: Buffer, position: number): number {
    let done = 0
    for (const view of this.view(position, target.length)) {
      view.copy(target, done)
      done += view.length
    }
    return done
  }

  /** Overwrites in place; the range must lie inside the file. */
  write(bytes: Buffer, position: number): void {
    let done = 0
    for (const view of this.view(position, bytes.length)) {
      bytes.copy(view, 0, done, done + view.length)
      done += view.length
    }
  }

  truncate(size: number): void {
    if (size >= this.#size) return
    const keep = this.#indexOf(size)
    const cut = this.#pieces[keep]!
    cut.length = size - cut.start
    this.#pieces.length = cut.length === 0 ? keep : keep + 1
    this.#size = size
    // Somebody may still look at what was cut off, so its memory is not written again.
    this.#chunk = null
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
