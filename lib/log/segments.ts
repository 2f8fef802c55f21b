import type { Segment } from './segment.js'

/** The segments of one log by rising base offset. The last one is active. Never empty once a log is open. */
export class Segments {
  private readonly list: Segment[] = []

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
    this.list.push(segment)
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
  removeFirst(count: number): Segment[] {
    return this.list.splice(0, count)
  }

  /** Takes out those from `index` on. */
  removeFrom(index: number): Segment[] {
    return this.list.splice(index)
  }
}
