import type { Random } from '../host/random.js'
import { seededRandom } from '../host/random-sources.js'

/** Seeded decisions of a fault injector: the same seed and the same calls give the same faults. */
export class Dice {
  readonly #random: Random

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** True with this chance (0 = never, and then no number is drawn: switching one fault on does not move the others much). */
  happens(chance: number): boolean {
    if (chance <= 0) return false
    return this.#random.integer(2 ** 30) < chance * 2 ** 30
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low >= high ? low : low + this.#random.integer(high - low + 1)
  }

  bytes(length: number): Buffer {
    return this.#random.bytes(length)
  }
}
