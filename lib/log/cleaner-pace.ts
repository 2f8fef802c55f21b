import type { Clock, Timer } from '../host/clock.js'

/** The cleaner works this long and lets others in: far below what anyone would notice. */
const SLICE_MS = 5
/** Shorter waits for the throttle are saved up. */
const SHORTEST_WAIT_MS = 20

/** Says when the cleaner has to rest: after every slice of time, and for `log.cleaner.io.max.bytes.per.second`. */
export class CleanerPace {
  /** Set by `stop`: whoever works gives up. */
  stopped = false
  private sliceEndsMs = 0
  /** When the bytes so far would have been through at the allowed speed. */
  private paidUntilMs = 0
  private resting: { timer: Timer; resolve: () => void } | null = null

  constructor(
    private readonly clock: Clock,
    private readonly bytesPerSecond: () => number,
  ) {}

  /** Bytes were read or written. */
  spend(bytes: number): void {
    this.paidUntilMs = Math.max(this.paidUntilMs, this.clock.monotonic()) + (bytes / this.bytesPerSecond()) * 1000
  }

  /** Null when work may go on at once. */
  rest(): Promise<void> | null {
    const now = this.clock.monotonic()
    const debtMs = this.paidUntilMs - now
    if (debtMs >= SHORTEST_WAIT_MS) return this.wait(debtMs)
    if (now < this.sliceEndsMs) return null
    return this.sliceEndsMs === 0 ? this.begin(now) : this.wait(0)
  }

  /** Waits until `ms` have passed, or `stop`. */
  async wait(ms: number): Promise<void> {
    if (this.stopped) return
    await new Promise<void>((resolve) => {
      this.resting = { timer: this.clock.setTimer(ms, resolve), resolve }
    })
    this.resting = null
    this.begin(this.clock.monotonic())
  }

  stop(): void {
    this.stopped = true
    this.resting?.timer.cancel()
    this.resting?.resolve()
  }

  private begin(now: number): null {
    this.sliceEndsMs = now + SLICE_MS
    return null
  }
}
