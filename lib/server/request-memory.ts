/**
 * Bytes of requests that all connections together keep in memory: half-received frames and frames that wait behind another.
 * Above the limit (`queued.max.request.bytes`) no connection starts a new frame; those in the middle of one may finish it,
 * else nobody would ever free anything.
 */
export interface MemoryUser {
  /** The budget may have room again. */
  reconsider(): void
}

export class RequestMemory {
  readonly #limitBytes: number
  readonly #waiting = new Set<MemoryUser>()
  #usedBytes = 0

  /** @param limitBytes -1 for no limit */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes < 0 ? Number.POSITIVE_INFINITY : limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get full(): boolean {
    return this.#usedBytes >= this.#limitBytes
  }

  /** A user's share went from `before` to `after` bytes. */
  change(before: number, after: number): void {
    const wasFull = this.full
    this.#usedBytes += after - before
    if (wasFull && !this.full && this.#waiting.size > 0) {
      const users = [...this.#waiting]
      this.#waiting.clear()
      for (const user of users) user.reconsider()
    }
  }

  /** Remembers who to call when there is room. */
  wait(user: MemoryUser): void {
    this.#waiting.add(user)
  }

  forget(user: MemoryUser): void {
    this.#waiting.delete(user)
  }
}
