import type { Clock, Timer } from './clock.js'
import { DeadlineHeap, type Due } from './deadline-heap.js'
import { createAlarm, monotonicMs, wallTimeMs } from './real-time.js'

/**
 * The real clock. All its timers share one alarm of the process, so that a timer costs one small object, and it goes
 * on in real time when the program around it runs on fake timers (see real-time.ts).
 */
export class SystemClock implements Clock {
  readonly #heap = new DeadlineHeap<SystemTimer>()
  readonly #alarm = createAlarm(() => this.#ring())
  #sequence = 0
  /** The deadline for which the alarm is set. */
  #alarmAtMs = Number.POSITIVE_INFINITY
  #ringing = false

  now(): number {
    return wallTimeMs()
  }

  monotonic(): number {
    return monotonicMs()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a delay in milliseconds, got NaN')
    const deadlineMs = monotonicMs() + Math.max(0, delayMs)
    const timer = new SystemTimer(this, deadlineMs, this.#sequence++, fire)
    this.#heap.push(timer)
    if (!this.#ringing && deadlineMs < this.#alarmAtMs) this.#arm()
    return timer
  }

  /** Timers that have not fired. */
  get pendingTimers(): number {
    return this.#heap.size
  }

  /** Called by the timer's own `cancel`. */
  cancel(timer: SystemTimer): void {
    // The alarm stays as it is: ringing once for nothing is cheaper than moving it at every renewal of a session.
    if (this.#heap.remove(timer) && this.#heap.size === 0 && !this.#ringing) this.#arm()
  }

  #arm(): void {
    const first = this.#heap.peek()
    if (first === undefined) {
      this.#alarmAtMs = Number.POSITIVE_INFINITY
      this.#alarm.clear()
      return
    }
    this.#alarmAtMs = first.deadlineMs
    this.#alarm.set(first.deadlineMs - monotonicMs())
  }

  #ring(): void {
    this.#ringing = true
    const nowMs = monotonicMs()
    // Timers set by the callbacks below wait for the next turn, else a timer that re-arms itself with 0 never yields.
    const mark = this.#sequence
    try {
      for (;;) {
        const first = this.#heap.peek()
        if (first === undefined || first.deadlineMs > nowMs || first.sequence >= mark) break
        this.#heap.remove(first)
        first.fire()
      }
    } finally {
      // An error in a callback leaves as an uncaught exception, as with setTimeout, and the others still get their turn.
      this.#ringing = false
      this.#arm()
    }
  }
}

class SystemTimer implements Timer, Due {
  place = -1
  constructor(
    readonly clock: SystemClock,
    readonly deadlineMs: number,
    readonly sequence: number,
    readonly fire: () => void,
  ) {}

  cancel(): void {
    this.clock.cancel(this)
  }
}
