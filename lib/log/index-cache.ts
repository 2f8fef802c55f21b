/** Indexes that are in files too. */
interface Unloadable {
  unload(): void
}

/**
 * Which sealed segments have their indexes in memory. On a disk that has to read, indexes are about 0.5 % of the records: without a
 * limit, one consumer that reads 100 GB from the start would leave half a gigabyte behind.
 */
export class IndexCache {
  /** Oldest first, with their bytes. */
  private readonly resident = new Map<Unloadable, number>()
  private bytes = 0

  constructor(private readonly bytesMax = 32 * 1024 * 1024) {}

  /** They are in memory and on the disk; others make room. */
  loaded(indexes: Unloadable, bytes: number): void {
    this.forget(indexes)
    this.resident.set(indexes, bytes)
    this.bytes += bytes
    for (const other of this.resident.keys()) {
      if (this.bytes <= this.bytesMax) return
      if (other === indexes) continue
      this.forget(other)
      other.unload()
    }
  }

  /** The segment is deleted, or written to again. */
  forget(indexes: Unloadable): void {
    this.bytes -= this.resident.get(indexes) ?? 0
    this.resident.delete(indexes)
  }
}
