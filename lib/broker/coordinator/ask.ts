import type { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from './contract.js'

/**
 * Turns a slot into a value or a promise: a value when the answer came in the same turn (a commit, a heartbeat), so that the
 * caller need not be asynchronous; a promise only when there is something to wait for.
 */
export function ask<T>(submit: (slot: Slot<T>) => void, onFail: (errorCode: ErrorCode) => T): T | Promise<T> {
  let done = false
  let value: T | undefined
  let resolve: ((value: T) => void) | null = null
  const finish = (answer: T): void => {
    if (done) throw new Error('A coordinator answered the same request twice.')
    done = true
    value = answer
    resolve?.(answer)
  }
  submit({
    send: finish,
    fail: (errorCode) => {
      // A shard that breaks fails everything it can reach, and may reach a slot by two ways.
      if (!done) finish(onFail(errorCode))
    },
  })
  if (done) return value as T
  return new Promise<T>((settle) => {
    resolve = settle
  })
}
