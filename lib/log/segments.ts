import type { Segment } from './segment.js'

/**
 * The segments of one log by rising base offset. The last one is active. Never empty once a log is open. Every change makes a new list:
 * who walks over the old one is not led astray.
 */
export class Segments {
  private list: readonly Segment[] = []

  get all(): readonly Segment[] {
    return this.list
  }

  get active(): Segment {
    return this.list[this.list.length - 1]!
  }

  get first(): Segment {
    return this.list[0]!
  }

  add(segment: Segment): void {
    if (this.list.length > 0 && segment.baseOffset <= this.active.baseOffset) throw new Error('segments must rise')
    this.list = [...this.list, segment]
  }

  /** Index of the segment that `offset` belongs to: the last one whose base is at most `offset`; -1 below the first. */
  floorIndex(offset: number): number {
    let high = this.list.length - 1
    // Most readers are at the end.
    if (high >= 0 && this.list[high]!.baseOffset <= offset) return high
    let low = -1
    while (low < high - 1) {
      const middle = (low + high) >> 1
      if (this.list[middle]!.baseOffset <= offset) low = middle
      else high = middle
    }
    return low
  }

  get sizeInBytes(): number {
    let size = 0
    for (const segment of this.list) size += segment.sizeInBytes
    return size
  }

  /** Takes the oldest `count` out. */
  removeFirst(count: number): readonly Segment[] {
    const removed = this.list.slice(0, count)
    this.list = this.list.slice(count)
    return removed
  }

  /** Takes out those from `index` on. */
  removeFrom(index: number): readonly Segment[] {
    const removed = this.list.slice(index)
    this.list = this.list.slice(0, index)
    return removed
  }

  /** Puts `segment` in the place of `old`, which are neighbours here. */
  replace(old: readonly Segment[], segment: Segment): void {
    const at = this.list.indexOf(old[0]!)
    if (at < 0 || old.some((one, index) => this.list[at + index] !== one)) throw new Error('not segments of this log')
    this.list = this.list.toSpliced(at, old.length, segment)
  }
}
