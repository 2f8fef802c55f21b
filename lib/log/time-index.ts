/**
 * `<base offset>.timeindex`: 12-byte entries, int64 timestamp, int32 offset relative to the base. An entry (t, o) says: t is the
 * largest timestamp in the segment up to and including the batch whose last offset is o (Kafka's TimeIndex).
 */
import { peekInt32, peekInt64, pokeInt32, pokeInt64 } from '../../protocol/batch/header.js'
import { IndexFile } from './index-file.js'

export const TIME_ENTRY_BYTES = 12

export class TimeIndex extends IndexFile {
  constructor(baseOffset: number, maxIndexBytes: number) {
    super(baseOffset, TIME_ENTRY_BYTES, maxIndexBytes)
  }

  /** One entry is kept free for the one written when the segment is sealed. */
  get isFull(): boolean {
    return this.entries >= this.maxEntries - 1
  }

  /** Of the last entry, -1 when there is none. */
  get lastTimestamp(): number {
    return this.entries === 0 ? -1 : this.timestampAt(this.entries - 1)
  }

  /** Of the last entry, -1 when there is none. */
  get lastOffset(): number {
    return this.entries === 0 ? -1 : this.offsetAt(this.entries - 1)
  }

  private timestampAt(slot: number): number {
    return peekInt64(this.bytes, slot * TIME_ENTRY_BYTES)
  }

  private offsetAt(slot: number): number {
    return this.baseOffset + peekInt32(this.bytes, slot * TIME_ENTRY_BYTES + 8)
  }

  protected keyAt(slot: number, column: 0 | 1): number {
    return column === 0 ? this.timestampAt(slot) : this.offsetAt(slot)
  }

  /** Adds an entry unless the timestamp is no larger than the last one: timestamps in the index only rise. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp < 0 || (this.entries > 0 && timestamp <= this.timestampAt(this.entries - 1))) return
    const at = this.nextEntry()
    pokeInt64(this.bytes, at, timestamp)
    pokeInt32(this.bytes, at + 8, offset - this.baseOffset)
  }

  /** The last entry at or below `timestamp`: nothing above that lies below its offset. Null when there is none. */
  floorEntry(timestamp: number): { timestamp: number; offset: number } | null {
    const slot = this.floorSlot(timestamp, 0)
    return slot < 0 ? null : { timestamp: this.timestampAt(slot), offset: this.offsetAt(slot) }
  }

  /** Drops entries for `offset` and above. */
  truncateToOffset(offset: number): void {
    this.entries = this.floorSlot(offset - 1, 1) + 1
  }

  /** True when the entries rise and stay below `nextOffset`. A false answer means: rebuild from the log. */
  isSane(nextOffset: number): boolean {
    let timestamp = -1
    let offset = this.baseOffset - 1
    for (let slot = 0; slot < this.entries; slot++) {
      if (this.timestampAt(slot) <= timestamp || this.offsetAt(slot) <= offset) return false
      timestamp = this.timestampAt(slot)
      offset = this.offsetAt(slot)
    }
    return offset < nextOffset
  }
}
