/**
 * A change is answered when every live broker has applied it: a client that creates a topic through one broker and uses it through another a
 * millisecond later must find it there. The controller keeps how far each broker is; the brokers tell it with their heartbeats.
 */
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import type { Image } from '../metadata/image.js'

export interface VisibilityPorts {
  readonly clock: Clock
  readonly logger: Logger
  image(): Image
}

/** How long a change waits for a broker that lags. Then it is answered all the same, and said: the broker will be fenced if it stays away. */
const PATIENCE_MS = 2000

interface Waiting {
  readonly offset: number
  readonly timer: Timer
  resolve(): void
}

export class Visibility {
  readonly #brokerId: number
  readonly #ports: VisibilityPorts
  readonly #applied = new Map<number, { epoch: number; offset: number }>()
  #waiting: Waiting[] = []

  constructor(options: { readonly brokerId: number }, ports: VisibilityPorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
  }

  /** A broker has applied everything up to `offset`. */
  note(brokerId: number, epoch: number, offset: number): void {
    const known = this.#applied.get(brokerId)
    if (known !== undefined && (known.epoch > epoch || (known.epoch === epoch && known.offset >= offset))) return
    this.#applied.set(brokerId, { epoch, offset })
    if (this.#waiting.length > 0) this.#settle()
  }

  /** Resolves when every live broker has the record at `offset`, or when waiting any longer helps nobody. */
  reached(offset: number): Promise<void> {
    if (this.#lagging(offset).length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const waiting: Waiting = {
        offset,
        resolve,
        timer: this.#ports.clock.setTimer(PATIENCE_MS, () => this.#giveUp(waiting)),
      }
      this.#waiting.push(waiting)
    })
  }

  /** Brokers have come, gone or been fenced. */
  brokersChanged(): void {
    for (const brokerId of this.#applied.keys()) {
      if (!this.#ports.image().brokers.has(brokerId)) this.#applied.delete(brokerId)
    }
    if (this.#waiting.length > 0) this.#settle()
  }

  close(): void {
    for (const { timer, resolve } of this.#waiting.splice(0)) {
      timer.cancel()
      resolve()
    }
  }

  #settle(): void {
    const left: Waiting[] = []
    for (const waiting of this.#waiting) {
      if (this.#lagging(waiting.offset).length > 0) {
        left.push(waiting)
        continue
      }
      waiting.timer.cancel()
      waiting.resolve()
    }
    this.#waiting = left
  }

  #giveUp(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((one) => one !== waiting)
    const late = this.#lagging(waiting.offset)
    this.#ports.logger.warn(
      `A change of the metadata (offset ${waiting.offset}) is answered although broker ${late.join(', ')} has not applied it after ${PATIENCE_MS} ms.`,
    )
    waiting.resolve()
  }

  #lagging(offset: number): number[] {
    const late: number[] = []
    for (const broker of this.#ports.image().brokers.values()) {
      if (broker.fenced || broker.brokerId === this.#brokerId) continue
      const known = this.#applied.get(broker.brokerId)
      if (known === undefined || known.epoch !== broker.epoch || known.offset < offset) late.push(broker.brokerId)
    }
    return late
  }
}
