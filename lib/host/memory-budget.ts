/** How much memory the files of memory disks may hold, and what happens when they hold more. */

/** A disk that can move bytes out of memory. */
export interface MemoryUser {
  /** Memory held by its files. */
  readonly heldBytes: number
  /** False: it has nothing to move, or cannot for the time being. */
  readonly canSpill: boolean
  /** Moves its oldest bytes, a few MB of them. Never rejects: a failure shows in `canSpill`. */
  spillSome(): Promise<void>
}

/** What the parts that take records ask of the memory. */
export interface MemoryPressure {
  /** Null, or a sentence: no more records can be taken now. */
  readonly refusal: string | null
  /** Null, or what to wait for before more is read from a producer. */
  relief(): Promise<void> | null
}

/** Where records are not kept in memory. */
export const NO_PRESSURE: MemoryPressure = { refusal: null, relief: () => null }

/** Spilling goes on until so much below the limit, so that it comes in bouts and not with every batch. */
const TARGET = 7 / 8
/** Above it, producers wait: the disk is slower than they are. */
const SLOW = 5 / 4
/** Above it, records are refused: spilling has failed, or hangs. */
const HARD = 2

/**
 * One budget for one disk, or for all those that have no limit of their own. Over the limit the disk that holds most moves its oldest
 * bytes, one write after the other, each awaited: the event loop is never held up.
 */
export class MemoryBudget implements MemoryPressure {
  readonly limitBytes: number
  #usedBytes = 0
  readonly #users = new Set<MemoryUser>()
  #spilling = false
  #waiting: { promise: Promise<void>; resolve: () => void } | null = null

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  join(user: MemoryUser): void {
    this.#users.add(user)
  }

  leave(user: MemoryUser): void {
    this.#users.delete(user)
    this.change(-user.heldBytes)
  }

  change(bytes: number): void {
    this.#usedBytes += bytes
    if (bytes > 0) this.balance()
    else this.#relieve()
  }

  /** Starts moving when there is too much; also to be called when a user can spill again. */
  balance(): void {
    if (this.#usedBytes > this.limitBytes && !this.#spilling) void this.#spill()
  }

  get refusal(): string | null {
    if (this.#usedBytes <= this.limitBytes * HARD) return null
    return `The broker's records hold ${megabytes(this.#usedBytes)} of memory, its limit is ${megabytes(this.limitBytes)}, and they cannot be moved to disk fast enough.`
  }

  /** Waiting for a disk that fails would help nobody: then producers go on, up to the hard bound. */
  relief(): Promise<void> | null {
    if (this.#usedBytes <= this.limitBytes * SLOW || !this.#spilling) return null
    if (this.#waiting === null) {
      let resolve = (): void => {}
      const promise = new Promise<void>((done) => {
        resolve = done
      })
      this.#waiting = { promise, resolve }
    }
    return this.#waiting.promise
  }

  async #spill(): Promise<void> {
    this.#spilling = true
    while (this.#usedBytes > this.limitBytes * TARGET) {
      const user = this.#largest()
      if (user === null) break
      await user.spillSome()
    }
    this.#spilling = false
    this.#relieve()
  }

  #largest(): MemoryUser | null {
    let largest: MemoryUser | null = null
    for (const user of this.#users) {
      if (user.canSpill && (largest === null || user.heldBytes > largest.heldBytes)) largest = user
    }
    return largest
  }

  #relieve(): void {
    if (this.#waiting === null || (this.#spilling && this.#usedBytes > this.limitBytes * SLOW)) return
    const { resolve } = this.#waiting
    this.#waiting = null
    resolve()
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MB`
}
