import type { Partition } from './partition.js'

/**
 * Partitions of which something has changed, whose waiters are to be woken: in the same turn, but after the request that changed
 * them has appended to all of its partitions, and never inside another wake. So a fetch over ten partitions is answered once
 * with all that a produce request brought, and an append made by a woken coordinator cannot nest.
 */
export class WakeQueue {
  readonly #wake: (partition: Partition) => void
  readonly #changed = new Set<Partition>()
  #holds = 0
  #draining = false

  constructor(wake: (partition: Partition) => void) {
    this.#wake = wake
  }

  add(partition: Partition): void {
    this.#changed.add(partition)
    if (this.#holds === 0) this.#drain()
  }

  /** No wakes until `release`. */
  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    if (this.#holds === 0 && this.#changed.size > 0) this.#drain()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    try {
      // What a wake changes is added to the set while it is walked, and so gets its turn too.
      for (const partition of this.#changed) {
        this.#changed.delete(partition)
        this.#wake(partition)
      }
    } finally {
      this.#draining = false
    }
  }
}
