import type { Segment } from './segment.js'

/**
 * Which sealed segments have their indexes in memory. On a disk that has to read, indexes are about 0.5 % of the records: without a
 * limit, one consumer that reads 100 GB from the start would leave half a gigabyte behind.
 */
export class IndexCache {
  /** Oldest first, with their bytes. */
  private readonly resident = new Map<Segment, number>()
  private bytes = 0

  constructor(private readonly bytesMax = 32 * 1024 * 1024) {}

  /** The segment's indexes are in memory and on the disk; others make room. */
  loaded(segment: Segment, bytes: number): void {
    this.forget(segment)
    this.resident.set(segment, bytes)
    this.bytes += bytes
    for (const other of this.resident.keys()) {
      if (this.bytes <= this.bytesMax) return
      if (other === segment) continue
      this.forget(other)
      other.unloadIndexes()
    }
  }

  /** The segment is deleted, or written to again. */
  forget(segment: Segment): void {
    this.bytes -= this.resident.get(segment) ?? 0
    this.resident.delete(segment)
  }
}
