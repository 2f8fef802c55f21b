/**
 * A binary heap of things that are due at a time, earliest first; among equal times the one pushed first comes first.
 * Every entry knows its own place, so that taking out any of them is O(log n) and leaves no garbage behind: a session
 * that is renewed ten times a second must not leave ten dead entries a second.
 */
export interface Due {
  deadlineMs: number
  /** Breaks ties and makes the order of equal deadlines the order of their arming. */
  sequence: number
  /** Place in the heap; -1 when it is not in one. */
  place: number
}

export class DeadlineHeap<T extends Due> {
  readonly #entries: T[] = []

  get size(): number {
    return this.#entries.length
  }

  /** The entry that is due first. */
  peek(): T | undefined {
    return this.#entries[0]
  }

  push(entry: T): void {
    entry.place = this.#entries.length
    this.#entries.push(entry)
    this.#rise(entry)
  }

  /** Takes the entry out; false when it was not in the heap. */
  remove(entry: T): boolean {
    const place = entry.place
    if (place < 0) return false
    entry.place = -1
    const last = this.#entries.pop()!
    if (last !== entry) {
      last.place = place
      this.#entries[place] = last
      this.#rise(last)
      this.#sink(last)
    }
    return true
  }

  clear(): void {
    for (const entry of this.#entries) entry.place = -1
    this.#entries.length = 0
  }

  #rise(entry: T): void {
    const entries = this.#entries
    let place = entry.place
    while (place > 0) {
      const parentPlace = (place - 1) >> 1
      const parent = entries[parentPlace]!
      if (!before(entry, parent)) break
      entries[place] = parent
      parent.place = place
      place = parentPlace
    }
    entries[place] = entry
    entry.place = place
  }

  #sink(entry: T): void {
    const entries = this.#entries
    const size = entries.length
    let place = entry.place
    for (;;) {
      let childPlace = 2 * place + 1
      if (childPlace >= size) break
      if (childPlace + 1 < size && before(entries[childPlace + 1]!, entries[childPlace]!)) childPlace += 1
      const child = entries[childPlace]!
      if (!before(child, entry)) break
      entries[place] = child
      child.place = place
      place = childPlace
    }
    entries[place] = entry
    entry.place = place
  }
}

function before(left: Due, right: Due): boolean {
  return left.deadlineMs < right.deadlineMs || (left.deadlineMs === right.deadlineMs && left.sequence < right.sequence)
}
