/**
 * Fixed-size entries in one growing buffer that holds exactly the bytes of Kafka's index file.
 *
 * The active segment's indexes live in memory only and are written when the segment is sealed or the log closed: an append then costs
 * no file operation, a thousand idle partitions cost no file handles, and after a crash the active segment is scanned anyway.
 */
const EMPTY = Buffer.alloc(0)
const FIRST_ENTRIES = 32

export abstract class IndexFile {
  protected bytes: Buffer = EMPTY
  /** How many entries are in use. */
  entries = 0
  readonly maxEntries: number

  constructor(
    readonly baseOffset: number,
    readonly entryBytes: number,
    maxIndexBytes: number,
  ) {
    this.maxEntries = Math.floor(maxIndexBytes / entryBytes)
  }

  /** The file's content: a view, valid until the next append or truncation. */
  content(): Buffer {
    return this.bytes.subarray(0, this.entries * this.entryBytes)
  }

  /** Takes over a file's content. A length that is no multiple of the entry size is cut: the caller checks `isSane` anyway. */
  load(content: Buffer): void {
    this.bytes = content
    this.entries = Math.floor(content.length / this.entryBytes)
  }

  clear(): void {
    this.bytes = EMPTY
    this.entries = 0
  }

  /** Position in `bytes` of a new entry. */
  protected nextEntry(): number {
    const at = this.entries * this.entryBytes
    if (at + this.entryBytes > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_ENTRIES * this.entryBytes, this.bytes.length * 2))
      this.bytes.copy(grown, 0, 0, at)
      this.bytes = grown
    }
    this.entries++
    return at
  }

  /** A rising column of the entries. */
  protected abstract keyAt(slot: number, column: 0 | 1): number

  /**
   * The last slot whose key is at most `target`, -1 when there is none. Keys rise with the slots, and most questions
   * are about the end of the log, so the last entry is tried first.
   */
  protected floorSlot(target: number, column: 0 | 1): number {
    let high = this.entries - 1
    if (high < 0 || this.keyAt(0, column) > target) return -1
    if (this.keyAt(high, column) <= target) return high
    let low = 0
    while (low < high - 1) {
      const middle = (low + high) >>> 1
      if (this.keyAt(middle, column) <= target) low = middle
      else high = middle
    }
    return low
  }
}
