/**
 * The last offset of every key in a bounded piece of memory: what a cleaning knows of the log's dirty end (Kafka's SkimpyOffsetMap).
 *
 * Keys are represented by their hashes, 24 bytes an entry: 16 of hash, 8 of offset. Open addressing with linear probing: misses are
 * the common answer while the clean part is read, and then neighbours in memory cost less than jumps.
 */
import type { Random } from '../host/random.js'
import { KeyHash } from './key-hash.js'

export const OFFSET_MAP_ENTRY_BYTES = 24

export interface OffsetMapOptions {
  /** `log.cleaner.dedupe.buffer.size`: never more memory than this. */
  memoryBytes: number
  /** `log.cleaner.io.buffer.load.factor`: part of the entries that may be used. */
  loadFactor: number
  /** No more keys than this can come, so less memory does. */
  keysMax: number
}

/** Memory comes in pages when they are first touched: all of it at once would stop the loop for a tenth of a second. */
const PAGE_SLOTS = 16 * 1024

class Page {
  readonly hashes: Uint32Array
  /** Offset + 1; 0 is an empty slot. */
  readonly offsets: Float64Array

  constructor(slots: number) {
    this.hashes = new Uint32Array(slots * 4)
    this.offsets = new Float64Array(slots)
  }
}

export class OffsetMap {
  /** Keys in the map. */
  size = 0
  /** The largest offset that the map speaks for: everything above it is unknown and has to stay. -1: nothing. */
  latestOffset = -1
  /** Keys that fit. */
  readonly capacity: number
  private readonly slots: number
  private readonly pages: (Page | undefined)[]
  private readonly hash: KeyHash
  /** Where `find` has ended. */
  private page: Page
  private index = 0

  constructor(options: OffsetMapOptions, random: Random) {
    const { memoryBytes, loadFactor, keysMax } = options
    const slotsMax = Math.max(2, Math.floor(memoryBytes / OFFSET_MAP_ENTRY_BYTES))
    const wanted = Math.ceil(keysMax / loadFactor) + 2
    this.slots = Math.min(slotsMax, wanted)
    // One slot always stays empty: that is where a search ends.
    this.capacity = Math.max(1, Math.min(this.slots - 1, Math.floor(this.slots * loadFactor)))
    this.page = new Page(Math.min(this.slots, PAGE_SLOTS))
    this.pages = new Array<Page | undefined>(Math.ceil(this.slots / PAGE_SLOTS))
    this.pages[0] = this.page
    this.hash = new KeyHash(random)
  }

  /** Notes that the key in [start, end) has a record at `offset`; offsets only rise. False when there is no room for a new key. */
  put(bytes: Buffer, start: number, end: number, offset: number): boolean {
    this.find(bytes, start, end)
    const { page, index } = this
    if (page.offsets[index] === 0) {
      if (this.size >= this.capacity) return false
      page.hashes.set(this.hash.words, index * 4)
      this.size++
    }
    page.offsets[index] = offset + 1
    this.latestOffset = offset
    return true
  }

  /** The last offset of the key in [start, end), -1 when the map has not seen it. */
  get(bytes: Buffer, start: number, end: number): number {
    this.find(bytes, start, end)
    return this.page.offsets[this.index]! - 1
  }

  /** Everything up to `offset` has been looked at, with or without keys. */
  reach(offset: number): void {
    if (offset > this.latestOffset) this.latestOffset = offset
  }

  /** Goes to the key's slot, or to the empty one where it belongs. */
  private find(bytes: Buffer, start: number, end: number): void {
    this.hash.hash(bytes, start, end)
    const { words } = this.hash
    const h0 = words[0]!
    const h1 = words[1]!
    const h2 = words[2]!
    const h3 = words[3]!
    let slot = h0 % this.slots
    for (;;) {
      const { hashes, offsets } = this.pageOf(slot)
      const last = Math.min(PAGE_SLOTS, this.slots - (slot - (slot % PAGE_SLOTS)))
      for (let index = slot % PAGE_SLOTS; index < last; index++, slot++) {
        const at = index * 4
        if (
          offsets[index] === 0 ||
          (hashes[at] === h0 && hashes[at + 1] === h1 && hashes[at + 2] === h2 && hashes[at + 3] === h3)
        ) {
          this.index = index
          return
        }
      }
      if (slot === this.slots) slot = 0
    }
  }

  private pageOf(slot: number): Page {
    const number = Math.floor(slot / PAGE_SLOTS)
    this.page = this.pages[number] ??= new Page(Math.min(PAGE_SLOTS, this.slots - number * PAGE_SLOTS))
    return this.page
  }
}
