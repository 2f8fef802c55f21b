import * as header from '../../protocol/batch/header.js'
import type { Segment } from './segment.js'

const WRITE_BYTES = 1024 * 1024
/** Not a power of two: a memory disk would take it for Node's shared pool and copy. */
const BUFFER_BYTES = WRITE_BYTES - 64

/** Fills a new segment with batches that have their offsets already: gathers them, writes a megabyte at a time, keeps the books. */
export class SegmentWriter {
  private buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  private used = 0
  /** Pieces in order, the buffer's part not among them. */
  private readonly pieces: Buffer[] = []
  private pieceBytes = 0

  constructor(
    readonly segment: Segment,
    /** Stands for the last append of the new segment. */
    private readonly lastAppendMs: number,
  ) {
    segment.openLog().truncate(0)
  }

  get isFull(): boolean {
    return this.pieceBytes > 0
  }

  /** Takes a copy of the batch at `at`. */
  add(b: Buffer, at: number, size: number): void {
    if (size > this.buffer.length - this.used) this.seal()
    if (size > this.buffer.length) {
      const own = Buffer.allocUnsafeSlow(size)
      b.copy(own, 0, at, at + size)
      this.push(own)
    } else {
      b.copy(this.buffer, this.used, at, at + size)
      this.used += size
    }
    const { segment, lastAppendMs } = this
    segment.book(size, header.lastOffset(b, at), header.maxTimestamp(b, at), lastAppendMs)
  }

  /** Writes what was added; returns how many bytes that were. The memory goes over to a disk that keeps it. @throws DiskError */
  async flush(): Promise<number> {
    if (this.used > 0) this.seal()
    const { segment, pieces, pieceBytes } = this
    if (pieceBytes === 0) return 0
    const writing = segment.viewable
      ? segment.openLog().append(pieces.splice(0))
      : segment.openLog().appendAsync(pieces.splice(0))
    if (writing !== undefined) await writing
    segment.writtenBytes += pieceBytes
    this.pieceBytes = 0
    return pieceBytes
  }

  private seal(): void {
    if (this.used === 0) return
    const rest = this.buffer.length - this.used
    // A memory disk keeps the whole buffer for the part that is used.
    const piece = this.buffer.subarray(0, this.used)
    this.push(this.segment.viewable && rest > this.used ? ownCopy(piece) : piece)
    this.buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    this.used = 0
  }

  private push(piece: Buffer): void {
    this.pieces.push(piece)
    this.pieceBytes += piece.length
  }
}

function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
