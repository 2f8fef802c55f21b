import type { Timer } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { TimerWheel } from '../../host/timer-wheel.js'

/** A request that waits for something. It ends in exactly one of `complete`, `abandon` and `fail`, once. */
export interface Delayed {
  /**
   * True when what it waits for has come, or can no longer come. Asked at every wake of a watched key, which is named so that
   * an operation over many keys need not look at all of them. Answers nothing itself.
   */
  ready(key: object): boolean
  /** Answers the client. `expired`: the time was up first. */
  complete(expired: boolean): void
  /** Nobody waits for the answer any more (the connection is gone): gives back what it holds. */
  abandon(): void
  /** `ready` or `complete` threw, which is a bug: ends this request alone and leaves the others be. */
  fail(error: unknown): void
}

/** A parked request, as its owner sees it. */
export interface Parked {
  /** The connection is gone. Idempotent; does nothing once answered. */
  cancel(): void
  /** Its time is up now: it is answered with what there is. Does nothing once answered. */
  expire(): void
}

export interface PurgatoryOptions {
  /** 'Produce', 'Fetch', ... : for messages and metrics. */
  name: string
  /**
   * Most (operation, key) pairs held. A fetch over 1,000 partitions is 1,000 pairs of about 100 bytes, so the default of
   * 1,000,000 bounds the memory that waiting clients can take at roughly 100 MB. Beyond it a request is answered at once
   * with what there is, as if its time were up.
   */
  watchesMax?: number
}

export interface PurgatoryPorts {
  timers: TimerWheel
  logger: Logger
}

/**
 * Requests that wait, by what they wait for. A key is the object whose change wakes them (a Partition): compared by identity,
 * so a deleted and re-created topic never wakes the old one's waiters. `wake` runs in the turn of the change.
 */
export class Purgatory {
  readonly name: string
  readonly logger: Logger
  readonly #watchesMax: number
  readonly #timers: TimerWheel
  readonly #watched = new Map<object, Set<Waiting>>()
  #watches = 0
  #operations = 0

  constructor(options: PurgatoryOptions, ports: PurgatoryPorts) {
    this.name = options.name
    this.#watchesMax = options.watchesMax ?? 1_000_000
    this.#timers = ports.timers
    this.logger = ports.logger
  }

  /** Operations that wait now. */
  get size(): number {
    return this.#operations
  }

  /** Pairs of (operation, key) held now. */
  get watches(): number {
    return this.#watches
  }

  /**
   * Parks an operation that has just been found not ready. `timeoutMs` null: waits without a limit.
   * The operation may be answered before this returns (no room, or no time).
   */
  park(operation: Delayed, keys: readonly object[], timeoutMs: number | null): Parked {
    if (keys.length === 0) throw new Error(`a ${this.name} request waits for nothing and would never be woken`)
    const waiting = new Waiting(operation, keys, this)
    if (this.#watches + keys.length > this.#watchesMax) {
      this.logger.warn(`${this.name} purgatory is full: answering at once. Fewer waiting partitions would help.`, {
        watches: this.#watches,
        watchesMax: this.#watchesMax,
      })
      waiting.expire()
      return waiting
    }
    this.#operations++
    for (const key of keys) this.#watch(key, waiting)
    if (timeoutMs !== null) waiting.timer = this.#timers.schedule(undefined, timeoutMs, () => waiting.expire())
    return waiting
  }

  /** Gives everything that watches the key a chance to finish. Cheap when nothing does. */
  wake(key: object): void {
    const watching = this.#watched.get(key)
    if (watching === undefined) return
    // A Set may shrink and grow while it is walked; what parks itself anew here has just been told no and is told so again.
    for (const waiting of watching) waiting.wake(key)
  }

  /** Ends everything with what there is: the broker is closing. */
  close(): void {
    for (const watching of [...this.#watched.values()]) for (const waiting of [...watching]) waiting.expire()
  }

  #watch(key: object, waiting: Waiting): void {
    let watching = this.#watched.get(key)
    if (watching === undefined) this.#watched.set(key, (watching = new Set()))
    if (watching.has(waiting)) return
    watching.add(waiting)
    this.#watches++
  }

  /** For `Waiting` only. */
  forget(waiting: Waiting, keys: readonly object[]): void {
    let found = false
    for (const key of keys) {
      const watching = this.#watched.get(key)
      if (watching === undefined || !watching.delete(waiting)) continue
      found = true
      this.#watches--
      if (watching.size === 0) this.#watched.delete(key)
    }
    if (found) this.#operations--
  }
}

class Waiting implements Parked {
  timer: Timer | null = null
  #operation: Delayed | null
  readonly #keys: readonly object[]
  readonly #purgatory: Purgatory

  constructor(operation: Delayed, keys: readonly object[], purgatory: Purgatory) {
    this.#operation = operation
    this.#keys = keys
    this.#purgatory = purgatory
  }

  wake(key: object): void {
    const operation = this.#operation
    if (operation === null) return
    try {
      if (!operation.ready(key)) return
    } catch (error) {
      this.#failed(operation, error)
      return
    }
    this.#finish(false)
  }

  expire(): void {
    this.#finish(true)
  }

  cancel(): void {
    this.#leave()?.abandon()
  }

  #finish(expired: boolean): void {
    const operation = this.#leave()
    if (operation === null) return
    try {
      operation.complete(expired)
    } catch (error) {
      this.#failed(operation, error)
    }
  }

  #failed(operation: Delayed, error: unknown): void {
    this.#leave()
    this.#purgatory.logger.error(`A waiting ${this.#purgatory.name} request failed; its connection is closed.`, {
      error,
    })
    operation.fail(error)
  }

  /** Takes the operation out of the lists before it answers, so that an answer that re-enters finds it gone. */
  #leave(): Delayed | null {
    const operation = this.#operation
    if (operation === null) return null
    this.#operation = null
    this.timer?.cancel()
    this.#purgatory.forget(this, this.#keys)
    return operation
  }
}
