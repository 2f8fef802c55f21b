/**
 * `<base offset>.index`: 8-byte entries, int32 offset relative to the base, int32 position of the batch in the `.log` file.
 * The offset is the *last* offset of the batch that begins at the position (Kafka's OffsetIndex and LogSegment.append).
 */
import { peekInt32, pokeInt32 } from '../../protocol/batch/header.js'
import { IndexFile } from './index-file.js'

export const OFFSET_ENTRY_BYTES = 8

export class OffsetIndex extends IndexFile {
  constructor(baseOffset: number, maxIndexBytes: number) {
    super(baseOffset, OFFSET_ENTRY_BYTES, maxIndexBytes)
  }

  get isFull(): boolean {
    return this.entries >= this.maxEntries
  }

  append(offset: number, position: number): void {
    const at = this.nextEntry()
    pokeInt32(this.bytes, at, offset - this.baseOffset)
    pokeInt32(this.bytes, at + 4, position)
  }

  private offsetAt(slot: number): number {
    return this.baseOffset + peekInt32(this.bytes, slot * OFFSET_ENTRY_BYTES)
  }

  private positionAt(slot: number): number {
    return peekInt32(this.bytes, slot * OFFSET_ENTRY_BYTES + 4)
  }

  protected keyAt(slot: number, column: 0 | 1): number {
    return column === 0 ? this.offsetAt(slot) : this.positionAt(slot)
  }

  /** A position at or before the batch that contains `offset`; 0 when the index knows nothing that low. */
  floorPosition(offset: number): number {
    const slot = this.floorSlot(offset, 0)
    return slot < 0 ? 0 : this.positionAt(slot)
  }

  /** The last indexed batch start at or before `position`; 0 when there is none. */
  floorBatchStart(position: number): number {
    const slot = this.floorSlot(position, 1)
    return slot < 0 ? 0 : this.positionAt(slot)
  }

  /** Drops entries of batches that begin at `position` or later, where the one with `offset` is. */
  truncateTo(position: number, offset: number): void {
    this.entries = this.slotsBelow(position, offset)
  }

  /** The position that the last entry will have after `truncateTo`; 0 when there will be none. */
  lastPositionBelow(position: number, offset: number): number {
    const slots = this.slotsBelow(position, offset)
    return slots === 0 ? 0 : this.positionAt(slots - 1)
  }

  private slotsBelow(position: number, offset: number): number {
    return Math.min(this.floorSlot(position - 1, 1), this.floorSlot(offset - 1, 0)) + 1
  }

  /** True when the entries rise and point into a file of `logBytes`. A false answer means: rebuild from the log. */
  isSane(logBytes: number): boolean {
    let offset = this.baseOffset - 1
    let position = -1
    for (let slot = 0; slot < this.entries; slot++) {
      if (this.offsetAt(slot) <= offset || this.positionAt(slot) <= position) return false
      offset = this.offsetAt(slot)
      position = this.positionAt(slot)
    }
    return position < logBytes
  }
}
