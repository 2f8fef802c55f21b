import type { Timer } from '../../host/clock.js'
import type { TimerWheel } from '../../host/timer-wheel.js'
import { DelayedFetch } from '../purgatory/delayed-fetch.js'
import { type HangUp, parkFor } from '../purgatory/hang-up.js'
import type { Parked, Purgatory } from '../purgatory/purgatory.js'
import { type FetchParams, FetchPass, type PartitionFinder } from './fetch-pass.js'
import type { FetchAnswer } from './fetch-types.js'

export interface FetchesPorts {
  readonly purgatory: Purgatory
  readonly timers: TimerWheel
  readonly find: PartitionFinder
}

/**
 * A follower whose high watermark is behind waits no longer than so: consumers may read from it (KIP-392), and it may have to lead in a moment. Not
 * at once: while records flow the next ones carry the news, and an answer of its own would double the requests.
 */
const BEHIND_MS = 5

/** Reads for a Fetch, and waits while there is not enough. */
export class Fetches {
  readonly #ports: FetchesPorts
  /** What a follower has waiting here, by its broker id. */
  readonly #ofFollowers = new Map<number, Parked>()

  constructor(ports: FetchesPorts) {
    this.#ports = ports
  }

  /**
   * Answers in the order of the targets. A promise when there are not enough bytes yet and the request may wait, or when a slow
   * medium is read; null: the connection went away first. Whoever sends the pieces calls each answer's `release` afterwards.
   *
   * A follower that asks for nothing has something else to ask for: what it has waiting here is answered.
   */
  fetch(params: FetchParams, hangUp: HangUp | null): readonly FetchAnswer[] | Promise<readonly FetchAnswer[] | null> {
    const { replicaId } = params
    if (params.targets.length === 0) {
      if (replicaId >= 0) this.#ofFollowers.get(replicaId)?.expire()
      return []
    }
    const pass = new FetchPass(params, this.#ports.find)
    const answers = pass.read()
    if (answers instanceof Promise || params.maxWaitMs <= 0 || pass.isEnough(answers)) return answers
    for (const answer of answers) answer.release?.()
    // With a few records in it, it is made anew: they were released just now.
    const before = answers.every(({ sizeInBytes }) => sizeInBytes === 0) ? answers : null
    if (replicaId >= 0) return this.#parkFollower(pass, before, hangUp)
    const delayed = new DelayedFetch(pass, before)
    return parkFor(this.#ports.purgatory, delayed, pass.partitions, params.maxWaitMs, hangUp)
  }

  /** What keeps followers waiting may be over: they ask again. */
  answerFollowers(): void {
    for (const parked of [...this.#ofFollowers.values()]) parked.expire()
  }

  #parkFollower(
    pass: FetchPass,
    before: readonly FetchAnswer[] | null,
    hangUp: HangUp | null,
  ): Promise<readonly FetchAnswer[] | null> {
    const { purgatory, timers } = this.#ports
    const { replicaId, maxWaitMs } = pass.params
    let parked: Parked | null = null
    let soon: Timer | null = null
    const hurry = (): void => {
      soon ??= timers.schedule(undefined, Math.min(BEHIND_MS, maxWaitMs), () => parked?.expire())
    }
    const answered = parkFor(
      purgatory,
      new DelayedFetch(pass, before, hurry),
      pass.partitions,
      maxWaitMs,
      hangUp,
      (waiting) => {
        parked = waiting
        this.#ofFollowers.set(replicaId, waiting)
        if (pass.isBehind()) hurry()
      },
    )
    return answered.finally(() => {
      soon?.cancel()
      if (this.#ofFollowers.get(replicaId) === parked) this.#ofFollowers.delete(replicaId)
    })
  }
}
