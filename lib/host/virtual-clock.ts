import type { Clock, Timer } from './clock.js'
import { DeadlineHeap, type Due } from './deadline-heap.js'

export interface VirtualClockOptions {
  /** Wall time at the start, in milliseconds since the epoch. Any fixed value makes runs repeatable. */
  startMs?: number
}

/** More than any honest test sets for one instant; a callback that re-arms itself with 0 would spin for ever. */
const FIRINGS_PER_INSTANT_MAX = 1_000_000

/**
 * Time that passes only when told to: for tests and the simulator. Timers fire in the order of their deadlines, equal
 * deadlines in the order in which they were set, and `now()` inside a callback is exactly the deadline.
 */
export class VirtualClock implements Clock {
  readonly #heap = new DeadlineHeap<VirtualTimer>()
  #sequence = 0
  #elapsedMs = 0
  #firedAtThisInstant = 0
  #wallMs: number

  constructor(options: VirtualClockOptions = {}) {
    this.#wallMs = options.startMs ?? Date.UTC(2026, 0, 1)
  }

  now(): number {
    return Math.floor(this.#wallMs + this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a delay in milliseconds, got NaN')
    const timer = new VirtualTimer(this.#heap, this.#elapsedMs + Math.max(0, delayMs), this.#sequence++, fire)
    this.#heap.push(timer)
    return timer
  }

  get pendingTimers(): number {
    return this.#heap.size
  }

  /** Milliseconds until the next timer; null when none is set. */
  untilNextMs(): number | null {
    const first = this.#heap.peek()
    return first === undefined ? null : first.deadlineMs - this.#elapsedMs
  }

  /**
   * Lets `ms` pass and fires what comes due, also what those callbacks set inside the span. An error in a callback
   * comes out of here, with the clock at that callback's deadline.
   */
  advance(ms: number): void {
    const targetMs = this.#elapsedMs + ms
    while (this.#fireNext(targetMs)) {}
    this.#elapsedMs = targetMs
  }

  /** The same, but lets the promises settle before the first and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms
    await settle()
    while (this.#fireNext(targetMs)) await settle()
    this.#elapsedMs = targetMs
  }

  /** Goes to the next timer and fires it; false when there is none. */
  step(): boolean {
    return this.#fireNext(Number.POSITIVE_INFINITY)
  }

  /** Moves wall time without letting any time pass: somebody set the computer's clock. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  #fireNext(untilMs: number): boolean {
    const first = this.#heap.peek()
    if (first === undefined || first.deadlineMs > untilMs) return false
    this.#heap.remove(first)
    if (first.deadlineMs > this.#elapsedMs) {
      this.#elapsedMs = first.deadlineMs
      this.#firedAtThisInstant = 0
    }
    this.#firedAtThisInstant += 1
    if (this.#firedAtThisInstant > FIRINGS_PER_INSTANT_MAX) {
      throw new Error(
        `${FIRINGS_PER_INSTANT_MAX} timers fired while no time passed: some callback re-arms itself with 0`,
      )
    }
    first.fire()
    return true
  }
}

class VirtualTimer implements Timer, Due {
  place = -1
  constructor(
    readonly heap: DeadlineHeap<VirtualTimer>,
    readonly deadlineMs: number,
    readonly sequence: number,
    readonly fire: () => void,
  ) {}

  cancel(): void {
    this.heap.remove(this)
  }
}

/** Promise chains in the product are a few links long; this lets all of them run without leaving the microtask queue. */
async function settle(): Promise<void> {
  for (let link = 0; link < 32; link += 1) await null
}
