/**
 * The real time sources of the process, out of reach of fake timers.
 *
 * A broker often lives inside somebody's test, and that test may replace `setTimeout`, `setImmediate`, `Date` and
 * `performance` (Jest, Vitest, sinon), sometimes before this module is loaded (Jest's `enableGlobally`). Session
 * timeouts must pass in real time all the same, else groups hang. So everything here is either taken before anyone can
 * replace it and checked to be the real thing, or comes from a place that no fake touches:
 *
 * - `process.uptime()`, a binding, for monotonic time;
 * - the inactivity timer of a `net.Socket` that is never connected: it runs on Node's internal timers;
 * - `Date.now` of this realm if it is native code, else that of a fresh realm;
 * - a resolved promise for microtasks (`queueMicrotask` and `process.nextTick` get replaced, promise jobs cannot).
 */
import { Socket } from 'node:net'
import * as timers from 'node:timers'
import { runInNewContext } from 'node:vm'

const sourceOf = (fn: unknown): string => (typeof fn === 'function' ? Function.prototype.toString.call(fn) : '')

/** Bound functions and proxies print as native code too, but without the name. */
function isNative(fn: unknown, name: string): boolean {
  return new RegExp(`^function ${name}\\(\\)\\s*\\{\\s*\\[native code\\]\\s*\\}$`).test(sourceOf(fn))
}

/** Real wall time in whole milliseconds, whatever has been done to `Date`. */
export const wallTimeMs: () => number = isNative(Date.now, 'now')
  ? Date.now
  : (runInNewContext('Date.now') as () => number)

const uptime = process.uptime.bind(process)

/** Milliseconds with fraction since the process began. Never goes back. */
export function monotonicMs(): number {
  return uptime() * 1000
}

const settled = Promise.resolve()

/**
 * Calls `task` as a microtask: after the current callback, before any I/O. Cannot be faked. An error in it surfaces as
 * an unhandled rejection.
 */
export function enqueue(task: () => void): void {
  settled.then(task)
}

const onNode = process.versions.bun === undefined && process.versions.deno === undefined

/** Node's own setImmediate makes an Immediate; other runtimes have it in native code. A fake does neither. */
function genuine(fn: unknown, maker: string): boolean {
  const source = sourceOf(fn)
  return source.includes(`new ${maker}(`) || (!onNode && source.includes('[native code]'))
}

const realSetImmediate = genuine(timers.setImmediate, 'Immediate') ? timers.setImmediate : null
const realClearImmediate = timers.clearImmediate
const realSetTimeout = timers.setTimeout
const realClearTimeout = timers.clearTimeout

/** Longest delay that Node's timers take; a longer wait is cut into pieces by the owner of the alarm. */
export const ALARM_MAX_MS = 2 ** 31 - 1

/** One wake-up call that can be moved. Does not keep the process alive. */
export interface Alarm {
  /** Replaces the previous setting. A delay of 0 means the next turn of the event loop. */
  set(delayMs: number): void
  clear(): void
}

/** `ring` is called once per setting; it may ring a fraction of a millisecond early, so look at the clock. */
export function createAlarm(ring: () => void): Alarm {
  return onNode ? new SocketAlarm(ring) : new TimeoutAlarm(ring)
}

class SocketAlarm implements Alarm {
  readonly #ring: () => void
  readonly #socket = new Socket()
  #immediate: NodeJS.Immediate | null = null

  constructor(ring: () => void) {
    this.#ring = ring
    this.#socket.on('timeout', () => {
      this.#socket.setTimeout(0)
      ring()
    })
  }

  set(delayMs: number): void {
    this.clear()
    if (delayMs <= 0 && realSetImmediate !== null) {
      // A referenced immediate: an unreferenced one does not stop the loop from sleeping. It lasts for one turn only.
      this.#immediate = realSetImmediate(() => {
        this.#immediate = null
        this.#ring()
      })
      return
    }
    this.#socket.setTimeout(Math.min(Math.max(1, Math.ceil(delayMs)), ALARM_MAX_MS))
  }

  clear(): void {
    if (this.#immediate !== null) {
      realClearImmediate(this.#immediate)
      this.#immediate = null
    }
    if (this.#socket.timeout) this.#socket.setTimeout(0)
  }
}

/** For runtimes whose sockets have no timer before they are connected. */
class TimeoutAlarm implements Alarm {
  readonly #ring: () => void
  #timeout: NodeJS.Timeout | null = null

  constructor(ring: () => void) {
    this.#ring = ring
  }

  set(delayMs: number): void {
    this.clear()
    this.#timeout = realSetTimeout(
      () => {
        this.#timeout = null
        this.#ring()
      },
      Math.min(Math.max(0, Math.ceil(delayMs)), ALARM_MAX_MS),
    )
    this.#timeout.unref?.()
  }

  clear(): void {
    if (this.#timeout === null) return
    realClearTimeout(this.#timeout)
    this.#timeout = null
  }
}
