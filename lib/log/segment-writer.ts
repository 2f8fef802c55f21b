import * as header from '../../protocol/batch/header.js'
import type { Segment } from './segment.js'

const WRITE_BYTES = 1024 * 1024
/** Not a power of two: a memory disk would take it for Node's shared pool and copy. */
const BUFFER_BYTES = WRITE_BYTES - 64

/**
 * Fills a new segment with batches that have their offsets already: gathers them, writes a megabyte at a time while more are gathered,
 * keeps the books. What fails beside the work is thrown by the next `flush` or `finish`.
 */
export class SegmentWriter {
  private buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  private writing: Promise<void> | null = null
  private failure: { error: unknown } | null = null
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

  /**
   * Begins to write what was added, once what came before is written; gives how many bytes that are. The memory goes over to a disk that
   * keeps it. @throws DiskError
   */
  async flush(): Promise<number> {
    if (this.used > 0) this.seal()
    await this.writing
    this.mustBeWell()
    const { segment, pieceBytes } = this
    if (pieceBytes === 0) return 0
    const pieces = this.pieces.splice(0)
    this.pieceBytes = 0
    if (segment.viewable) {
      segment.openLog().append(pieces)
      segment.writtenBytes += pieceBytes
    } else {
      this.writing = this.write(pieces, pieceBytes)
    }
    return pieceBytes
  }

  /** Resolves when all that was flushed is written. @throws DiskError */
  async finish(): Promise<void> {
    await this.settle()
    this.mustBeWell()
  }

  /** Resolves when nothing is under way, whatever came of it. */
  async settle(): Promise<void> {
    await this.writing
  }

  private async write(pieces: Buffer[], bytes: number): Promise<void> {
    const { segment } = this
    try {
      await segment.openLog().appendAsync(pieces)
      segment.writtenBytes += bytes
    } catch (error) {
      this.failure = { error }
    }
  }

  private mustBeWell(): void {
    if (this.failure !== null) throw this.failure.error
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
