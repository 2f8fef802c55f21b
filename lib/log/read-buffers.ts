/**
 * Memory for reads from a disk, used again: a fresh megabyte per answer would cost several times the read itself (page faults).
 * A buffer that is never given back is only garbage, not a leak.
 */
/** Most fetches ask for a round number of bytes, and a read begins up to an index entry before the offset: a class holds both. */
const SLACK_BYTES = 16 * 1024
const CLASS_BYTES = [64, 256, 1024].map((kilobytes) => kilobytes * 1024 + SLACK_BYTES)
/** Free buffers kept per class: more than this many cold fetches at once is rare, and idle memory must stay small. */
const FREE_MAX = 4

export class ReadBuffers {
  private readonly free: Buffer[][] = CLASS_BYTES.map(() => [])

  /** A buffer of at least `bytes`; of exactly that size when it is larger than every class. */
  take(bytes: number): Buffer {
    const index = CLASS_BYTES.findIndex((size) => size >= bytes)
    if (index < 0) return Buffer.allocUnsafeSlow(bytes)
    return this.free[index]!.pop() ?? Buffer.allocUnsafeSlow(CLASS_BYTES[index]!)
  }

  give(buffer: Buffer): void {
    const index = CLASS_BYTES.indexOf(buffer.length)
    if (index >= 0 && this.free[index]!.length < FREE_MAX) this.free[index]!.push(buffer)
  }
}
