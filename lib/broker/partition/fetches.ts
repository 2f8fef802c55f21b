import { DelayedFetch } from '../purgatory/delayed-fetch.js'
import { type HangUp, parkFor } from '../purgatory/hang-up.js'
import type { Purgatory } from '../purgatory/purgatory.js'
import { type FetchParams, FetchPass, type PartitionFinder } from './fetch-pass.js'
import type { FetchAnswer } from './fetch-types.js'

export interface FetchesPorts {
  readonly purgatory: Purgatory
  readonly find: PartitionFinder
}

/** Reads for a Fetch, and waits while there is not enough. */
export class Fetches {
  readonly #ports: FetchesPorts

  constructor(ports: FetchesPorts) {
    this.#ports = ports
  }

  /**
   * Answers in the order of the targets. A promise when there are not enough bytes yet and the request may wait, or when a slow
   * medium is read; null: the connection went away first. Whoever sends the pieces calls each answer's `release` afterwards.
   */
  fetch(params: FetchParams, hangUp: HangUp | null): readonly FetchAnswer[] | Promise<readonly FetchAnswer[] | null> {
    if (params.targets.length === 0) return []
    const pass = new FetchPass(params, this.#ports.find)
    const answers = pass.read()
    if (answers instanceof Promise || params.maxWaitMs <= 0 || pass.isEnough(answers)) return answers
    for (const answer of answers) answer.release?.()
    return parkFor(this.#ports.purgatory, new DelayedFetch(pass), pass.partitions, params.maxWaitMs, hangUp)
  }
}
