/**
 * Virtual time, chance and the network of one run. Everything that happens is a timer of the one clock; between two timers all
 * promises settle, so that the seed alone decides the order.
 */
import { Dice } from '../../lib/faults/dice.js'
import { MemoryNetwork } from '../../lib/host/memory-network.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { Trace } from './trace.js'

/** The product broke a promise; the message is a whole sentence. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** A part of the run stopped because all has been decided. */
class Over extends Error {}

/** Chance with what a simulation asks most. */
export class Chance extends Dice {
  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)]!
  }
}

export class World {
  readonly clock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly trace: Trace
  readonly seed: number
  /** Looks on after everything that happens; throws at what must not be. */
  onStep: (() => void) | null = null
  #failure: unknown = null
  #over = false
  #running = 0

  constructor(seed: number, sink: ((line: string) => void) | null = null) {
    this.seed = seed
    this.trace = new Trace(sink)
    const dice = this.chance('latency')
    this.network = new MemoryNetwork({ latencyMs: () => dice.between(0, 3) }, { clock: this.clock })
  }

  /** A source of chance of its own for each part, so that one part's draws do not move another's. */
  chance(name: string): Chance {
    return new Chance(this.seedOf(name))
  }

  seedOf(name: string): number {
    let hash = 0x811c9dc5 ^ Math.imul(this.seed, 0x9e3779b1)
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
    return hash | 0
  }

  get nowMs(): number {
    return this.clock.monotonic()
  }

  get over(): boolean {
    return this.#over
  }

  say(who: string, what: string): void {
    this.trace.add(this.nowMs, who, what)
  }

  sleep(ms: number): Promise<void> {
    if (this.#over) return Promise.reject(new Over())
    return new Promise((resolve) => this.clock.setTimer(ms, resolve))
  }

  /** Runs a part beside the others; its first failure ends the run. */
  spawn(part: () => Promise<void>): Promise<void> {
    this.#running++
    return part()
      .catch((error: unknown) => this.fail(error))
      .finally(() => this.#running--)
  }

  fail(error: unknown): void {
    if (error instanceof Over) return
    this.#failure ??= error
    this.#over = true
  }

  /**
   * Lets time pass until `story` and everything it waits for is through.
   * @throws what a part failed with; a Violation when nothing more happens or the time limit passes
   */
  async run(story: () => Promise<void>, limitMs: number): Promise<void> {
    let done = false
    void this.spawn(story).then(() => (done = true))
    await settle()
    while (!done && !this.#over) {
      if (!this.clock.step()) throw new Violation('The run stands still: nothing is left that could happen.')
      await settle()
      this.onStep?.()
      if (this.nowMs > limitMs && !done && !this.#over) {
        throw new Violation(
          `After ${limitMs} ms of virtual time the run has not come to its end: something waits for ever.`,
        )
      }
    }
    this.#over = true
    if (this.#failure !== null) throw this.#failure
  }
}

/** All promises settle before the next turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
