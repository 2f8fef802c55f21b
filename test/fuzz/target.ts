/** What a fuzz target is, and the small helpers that all of them use. */
import type { Random } from '../../lib/host/random.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import type { Rng } from '../../protocol/index.js'

/** Told by main.ts: when to stop. A target that runs case after case never looks at it. */
export interface FuzzTime {
  /** Milliseconds left of the target's share. */
  left(): number
}

/** What a target with a running broker tells about itself as it goes. */
export interface Progress {
  /** One more case is done: the watchdog sees it. */
  tick(): void
}

/** Small independent cases, each from a seed of its own: main.ts runs as many as fit in the time. */
export interface CaseTarget {
  readonly name: string
  /** Parts of the whole time. */
  readonly weight: number
  /** Once, before the first case: codecs that start asynchronously, recorded vectors. */
  prepare?(): Promise<void>
  /** One case. Throws when something does not hold. The same seed does the same again. */
  runCase(seed: number): void | Promise<void>
}

/** Something that lives longer than a case: a broker under fire. */
export interface SessionTarget {
  readonly name: string
  readonly weight: number
  /** Runs until the time is over and checks what is left behind. Throws when something does not hold. Returns the count of its runs. */
  runSession(seed: number, time: FuzzTime, progress: Progress): Promise<number>
}

export type FuzzTarget = CaseTarget | SessionTarget

/** Random choices of a case. */
export class Dice {
  readonly random: Random

  constructor(readonly seed: number) {
    this.random = seededRandom(seed)
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return this.random.integer(bound)
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + this.random.integer(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.random.integer(1 << 20) < probability * (1 << 20)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)]!
  }

  bytes(length: number): Buffer {
    return this.random.bytes(length)
  }

  /** As `sample` of the protocol layer takes it. */
  readonly rng: Rng = () => this.random.integer(2 ** 32) / 2 ** 32
}

/** Says what was being done when something did not hold. */
export function failure(what: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new Error(`${what}: ${message}`, { cause })
}

export function check(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Error(what())
}
