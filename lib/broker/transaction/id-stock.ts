import { ErrorCode } from '../../../protocol/errors.js'
import type { Answer } from '../group/answer.js'
import type { ProducerIdSource } from './turn.js'

/** Where new producer ids come from: at once, or after the controller was asked. */
export interface NewProducerIds {
  next(): Answer<{ readonly errorCode: ErrorCode; readonly producerId: number }>
}

/** Ids fetched before they are needed, for a machine that cannot wait. Never more than there are requests in flight. */
export class IdStock implements ProducerIdSource {
  readonly #source: NewProducerIds
  readonly #ids: number[] = []

  constructor(source: NewProducerIds) {
    this.#source = source
  }

  take(): number | null {
    // A timer prepares nothing: what it finds missing is there when it comes again.
    if (this.#ids.length === 0) void this.prepare()
    return this.#ids.pop() ?? null
  }

  /** Done when one more request may `take`, or there is none to be had. */
  prepare(): void | Promise<void> {
    if (this.#ids.length > 0) return
    const next = this.#source.next()
    if (!(next instanceof Promise)) return this.#put(next)
    return next.then((id) => this.#put(id))
  }

  #put({ errorCode, producerId }: { errorCode: ErrorCode; producerId: number }): void {
    if (errorCode === ErrorCode.NONE) this.#ids.push(producerId)
  }
}
