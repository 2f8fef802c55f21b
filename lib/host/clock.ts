/**
 * Time as the broker sees it. The only source of "now" and of timers: state machines get `now` as an argument,
 * everything else asks a Clock, so that tests and the simulator can run on virtual time.
 */
export interface Clock {
  /** Wall time in whole milliseconds since the epoch. May jump. Used for record timestamps and retention. */
  now(): number
  /** Milliseconds (with fraction) since an arbitrary start. Never goes back. Used for timeouts and sessions. */
  monotonic(): number
  /** Calls `fire` once after `delayMs` (0 = the next turn of the event loop). Never keeps a process alive by itself. */
  setTimer(delayMs: number, fire: () => void): Timer
}

export interface Timer {
  /** Idempotent; after it the callback never runs. */
  cancel(): void
}
