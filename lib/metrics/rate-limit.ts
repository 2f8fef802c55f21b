/**
 * Bytes per second over the last windows, held against a limit. Rates are counted as Kafka's SimpleRate does: what the samples hold over the time
 * since the oldest of them began, one window at least.
 */
import type { Clock } from '../host/clock.js'

export interface RateLimitOptions {
  /** How many windows are remembered, and how long one is. */
  readonly windows: number
  readonly windowMs: number
}

interface Sample {
  readonly startMs: number
  lastMs: number
  sum: number
}

export class RateLimit {
  /** Per second; infinite: nobody is held back. */
  limit = Number.POSITIVE_INFINITY
  readonly #options: RateLimitOptions
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #samples: Sample[] = []

  constructor(options: RateLimitOptions, clock: Pick<Clock, 'monotonic'>) {
    this.#options = options
    this.#clock = clock
  }

  record(amount: number): void {
    if (amount === 0) return
    const nowMs = this.#clock.monotonic()
    this.#forget(nowMs)
    let last = this.#samples.at(-1)
    if (last === undefined || nowMs - last.startMs >= this.#options.windowMs) {
      last = { startMs: nowMs, lastMs: nowMs, sum: 0 }
      this.#samples.push(last)
    }
    last.lastMs = nowMs
    last.sum += amount
  }

  get isExceeded(): boolean {
    return this.limit !== Number.POSITIVE_INFINITY && this.perSecond > this.limit
  }

  get perSecond(): number {
    const nowMs = this.#clock.monotonic()
    this.#forget(nowMs)
    return (this.#sum / this.#elapsedMs(nowMs)) * 1000
  }

  /** In how many milliseconds the rate is within the limit again, if nothing more is recorded. */
  get waitMs(): number {
    if (!this.isExceeded) return 0
    const { windows, windowMs } = this.#options
    const nowMs = this.#clock.monotonic()
    const thinnedMs = (this.#sum / this.limit) * 1000 - this.#elapsedMs(nowMs)
    // The sample that ends last is forgotten then, whatever it holds.
    const forgottenMs = this.#samples.at(-1)!.lastMs + windows * windowMs - nowMs
    return Math.max(1, Math.ceil(Math.min(thinnedMs, forgottenMs)))
  }

  get #sum(): number {
    return this.#samples.reduce((sum, sample) => sum + sample.sum, 0)
  }

  #elapsedMs(nowMs: number): number {
    return Math.max(nowMs - (this.#samples[0]?.startMs ?? nowMs), this.#options.windowMs)
  }

  #forget(nowMs: number): void {
    const { windows, windowMs } = this.#options
    while (this.#samples.length > 0 && nowMs - this.#samples[0]!.lastMs >= windows * windowMs) this.#samples.shift()
  }
}
