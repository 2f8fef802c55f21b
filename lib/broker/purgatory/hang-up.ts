import type { Delayed, Parked, Purgatory } from './purgatory.js'

/** The connection that waits: calls the listener once when it is gone; returns how to unsubscribe. */
export type HangUp = (listener: () => void) => () => void

/** An operation that ends by settling a promise: with its answer, or with null when the connection was gone first. */
export interface Answering<T> extends Delayed {
  /** Set before it is parked. */
  settle: (answer: T | null) => void
  reject: (error: unknown) => void
}

/** Parks the operation until it is ready, its time is up, or the connection is gone. Leaves no listener behind. */
export function parkFor<T>(
  purgatory: Purgatory,
  operation: Answering<T>,
  keys: readonly object[],
  timeoutMs: number | null,
  hangUp: HangUp | null,
  onParked: (parked: Parked) => void = () => {},
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    let unsubscribe: (() => void) | null = null
    let done = false
    const finish = (): void => {
      done = true
      unsubscribe?.()
    }
    operation.settle = (answer) => {
      finish()
      resolve(answer)
    }
    operation.reject = (error) => {
      finish()
      reject(error)
    }
    const parked: Parked = purgatory.park(operation, keys, timeoutMs)
    if (done) return
    if (hangUp !== null) unsubscribe = hangUp(() => parked.cancel())
    onParked(parked)
  })
}
