import type { Clock, Timer } from '../../host/clock.js'

interface Entry<C> {
  deadline: number
  command: C
  timer: Timer
  /** When the host timer will fire: at or before the deadline. */
  firesAt: number
}

/**
 * Timers by key, on the host's monotonic clock. Moving a deadline later (every heartbeat does) only writes a number: the host timer
 * fires at the old time, sees the new deadline and sleeps again.
 */
export class KeyedTimers<C> {
  readonly #entries = new Map<string, Entry<C>>()
  readonly #clock: Clock
  readonly #fire: (command: C) => void

  constructor(clock: Clock, fire: (command: C) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  get size(): number {
    return this.#entries.size
  }

  schedule(key: string, delayMs: number, command: C): void {
    const now = this.#clock.monotonic()
    const deadline = now + delayMs
    const entry = this.#entries.get(key)
    if (entry !== undefined && deadline >= entry.firesAt) {
      entry.deadline = deadline
      entry.command = command
      return
    }
    entry?.timer.cancel()
    const timer = this.#clock.setTimer(delayMs, () => this.#wake(key))
    this.#entries.set(key, { deadline, command, timer, firesAt: deadline })
  }

  cancel(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.timer.cancel()
    this.#entries.delete(key)
  }

  cancelAll(): void {
    for (const entry of this.#entries.values()) entry.timer.cancel()
    this.#entries.clear()
  }

  #wake(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    // Host timers have whole milliseconds: a fraction left is not worth another sleep.
    const remainingMs = entry.deadline - this.#clock.monotonic()
    if (remainingMs >= 1) {
      entry.firesAt = entry.deadline
      entry.timer = this.#clock.setTimer(Math.ceil(remainingMs), () => this.#wake(key))
      return
    }
    this.#entries.delete(key)
    this.#fire(entry.command)
  }
}
