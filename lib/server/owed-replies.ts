import { type FrameOutcome, PendingReply, type ReplyAfterWrite } from './reply.js'

/** A reply's place in the order; `outcome` is undefined until it is known. */
export interface Place {
  outcome: FrameOutcome | undefined
  readonly pipelinedKey: number
}

/** The replies that a connection owes and can't give yet, in the order of their requests. */
export class OwedReplies {
  readonly #places: Place[] = []
  /** Those of `#places` that wait for no more than the write of what this read has appended. */
  #unwritten: { place: Place; reply: ReplyAfterWrite }[] = []

  get isEmpty(): boolean {
    return this.#places.length === 0
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.length > 0
  }

  /** One of them lets no other request start. */
  get lockOut(): boolean {
    return this.#places.some((place) => place.pipelinedKey < 0)
  }

  /** Only a frame of the same pipelined API may start while others wait. */
  letStart(apiKey: number): boolean {
    return this.#places.every((place) => place.pipelinedKey === apiKey)
  }

  reserve(pipelinedKey: number): Place {
    const place: Place = { outcome: undefined, pipelinedKey }
    this.#places.push(place)
    return place
  }

  /** An outcome that is known takes its turn behind those that are not. */
  put(outcome: FrameOutcome): void {
    this.#places.push({ outcome, pipelinedKey: -1 })
  }

  putAfterWrite(reply: ReplyAfterWrite): void {
    this.#unwritten.push({ place: this.reserve(reply.pipelinedKey), reply })
  }

  /** To be called after the write. What has to wait for more goes to `onPending`. */
  askWritten(onPending: (place: Place, reply: PendingReply) => void): void {
    const unwritten = this.#unwritten
    this.#unwritten = []
    for (const { place, reply } of unwritten) {
      const answer = reply.ask()
      if (answer instanceof PendingReply) onPending(place, answer)
      else place.outcome = answer
    }
  }

  /** The next outcome in the order, when it is known; it is owed no longer then. */
  take(): FrameOutcome | undefined {
    const outcome = this.#places[0]?.outcome
    if (outcome !== undefined) this.#places.shift()
    return outcome
  }
}
