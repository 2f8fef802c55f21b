import type { Clock, Timer } from './clock.js'
import { DeadlineHeap, type Due } from './deadline-heap.js'

export interface TimerWheelPorts {
  clock: Clock
  /** An error thrown by a callback. The other timers are not touched by it. */
  onError(error: unknown, key: string | undefined): void
}

/**
 * Very many timers (sessions, delayed operations) over one timer of the clock. A timer costs one small object; setting,
 * renewing and cancelling are O(log n); an idle wheel with 100,000 sessions costs nothing until the first is due.
 * Timers with a key replace each other: arming `heartbeat-m1` again moves it.
 */
export class TimerWheel {
  readonly #ports: TimerWheelPorts
  readonly #heap = new DeadlineHeap<WheelTimer>()
  readonly #keyed = new Map<string, WheelTimer>()
  #sequence = 0
  #alarm: Timer | null = null
  #alarmAtMs = Number.POSITIVE_INFINITY
  #turning = false
  #closed = false

  constructor(ports: TimerWheelPorts) {
    this.#ports = ports
  }

  /** Timers that have not fired. */
  get size(): number {
    return this.#heap.size
  }

  /** Calls `fire` once after `delayMs`. With a key: cancels the timer that had it. After `close` nothing fires any more. */
  schedule(key: string | undefined, delayMs: number, fire: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a delay in milliseconds, got NaN')
    if (key !== undefined) this.#keyed.get(key)?.cancel()
    const deadlineMs = this.#ports.clock.monotonic() + Math.max(0, delayMs)
    const timer = new WheelTimer(this, key, deadlineMs, this.#sequence++, fire)
    if (this.#closed) return timer
    this.#heap.push(timer)
    if (key !== undefined) this.#keyed.set(key, timer)
    if (!this.#turning && deadlineMs < this.#alarmAtMs) this.#arm()
    return timer
  }

  has(key: string): boolean {
    return this.#keyed.has(key)
  }

  /** Milliseconds until the timer of this key is due (0 = overdue); null when there is none. */
  remainingMs(key: string): number | null {
    const timer = this.#keyed.get(key)
    return timer === undefined ? null : Math.max(0, timer.deadlineMs - this.#ports.clock.monotonic())
  }

  /** True when there was one. */
  cancel(key: string): boolean {
    const timer = this.#keyed.get(key)
    if (timer === undefined) return false
    timer.cancel()
    return true
  }

  /** Cancels everything, for good. */
  close(): void {
    this.#closed = true
    this.#heap.clear()
    this.#keyed.clear()
    this.#alarm?.cancel()
    this.#alarm = null
  }

  /** Called by the timer's own `cancel`. */
  drop(timer: WheelTimer): void {
    if (!this.#heap.remove(timer)) return
    this.#forget(timer)
    if (this.#heap.size === 0 && !this.#turning) this.#arm()
  }

  #forget(timer: WheelTimer): void {
    if (timer.key !== undefined && this.#keyed.get(timer.key) === timer) this.#keyed.delete(timer.key)
  }

  #arm(): void {
    this.#alarm?.cancel()
    this.#alarm = null
    this.#alarmAtMs = Number.POSITIVE_INFINITY
    const first = this.#heap.peek()
    if (first === undefined || this.#closed) return
    this.#alarmAtMs = first.deadlineMs
    this.#alarm = this.#ports.clock.setTimer(first.deadlineMs - this.#ports.clock.monotonic(), () => this.#turn())
  }

  #turn(): void {
    this.#alarm = null
    this.#turning = true
    const nowMs = this.#ports.clock.monotonic()
    // What the callbacks schedule waits for the next turn: a callback that re-arms itself with 0 must not hang us here.
    const mark = this.#sequence
    for (;;) {
      const first = this.#heap.peek()
      if (first === undefined || first.deadlineMs > nowMs || first.sequence >= mark) break
      this.#heap.remove(first)
      this.#forget(first)
      try {
        first.fire()
      } catch (error) {
        this.#ports.onError(error, first.key)
      }
    }
    this.#turning = false
    this.#arm()
  }
}

class WheelTimer implements Timer, Due {
  place = -1
  constructor(
    readonly wheel: TimerWheel,
    readonly key: string | undefined,
    readonly deadlineMs: number,
    readonly sequence: number,
    readonly fire: () => void,
  ) {}

  cancel(): void {
    this.wheel.drop(this)
  }
}
