/** How much memory something takes: a few bytes from a stranger must not cost us gigabytes. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of objects and buffers of this process, garbage included. */
export function memoryInUse(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** More than this by one small case is an allocation that believed a length. */
export const CASE_BYTES_MAX = 192 * 1024 * 1024

/** @throws Error when memory grew by more than a case can need */
export function checkMemory(before: number, what: string): void {
  const grown = memoryInUse() - before
  if (grown > CASE_BYTES_MAX) throw new Error(`${what} took ${Math.round(grown / 1e6)} MB`)
}

let collect: (() => void) | null = null

/** Collects garbage until the size no longer falls; returns what is in use then. */
export async function settledMemory(): Promise<number> {
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  let smallest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 8; round++) {
    collect()
    // Finalizers of sockets and buffers run in later turns.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = memoryInUse()
    if (now > smallest * 0.99 && round > 2) break
    smallest = Math.min(smallest, now)
  }
  return smallest
}
