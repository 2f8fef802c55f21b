import type { FetchPass } from '../partition/fetch-pass.js'
import type { FetchAnswer } from '../partition/fetch-types.js'
import type { Answering } from './hang-up.js'

/**
 * A Fetch that waits for `minBytes`. It is complete as soon as one of its partitions is in one of these cases:
 *
 * - A: this broker no longer leads it (or may not serve it)
 * - B: this broker no longer has a replica of it
 * - C: this broker does not know it (any more)
 * - D: its disk has failed
 * - E: the leader epoch that the client believes in is no longer the current one
 * - F: it has records on a medium that makes one wait: far behind the end, so there is plenty
 * - G: together with the others it has at least `minBytes`
 * - H: the fetcher's log has diverged: it has to truncate
 *
 * Completing reads again what has changed, so the answer is as new as it can be: whatever has come meanwhile goes along.
 * The wake runs in the turn of the append that satisfies it, and so does the answer.
 */
export class DelayedFetch implements Answering<readonly FetchAnswer[]> {
  settle: (answer: readonly FetchAnswer[] | null) => void = () => {}
  reject: (error: unknown) => void = () => {}
  readonly #pass: FetchPass
  /** Called at a wake that finds a follower behind. */
  readonly #onBehind: () => void
  /** Read while looking whether there is enough; used by `complete` in the same turn. */
  #answers: readonly FetchAnswer[] | Promise<readonly FetchAnswer[]> | null = null

  /** What was read before it waited, when that held no records: true of every partition that has not changed since. */
  readonly #before: readonly FetchAnswer[] | null
  readonly #changed = new Set<object>()

  constructor(pass: FetchPass, before: readonly FetchAnswer[] | null, onBehind: () => void = () => {}) {
    this.#pass = pass
    this.#before = before
    this.#onBehind = onBehind
  }

  ready(key: object): boolean {
    this.#changed.add(key)
    const glance = this.#pass.glance(key)
    if (glance === 'nothing') {
      if (this.#pass.isBehind(key)) this.#onBehind()
      return false
    }
    if (glance === 'urgent') return true // A to E, H
    if (this.#pass.params.minBytes <= 1) return true // G
    const answers = this.#read()
    if (!(answers instanceof Promise) && !this.#pass.isEnough(answers)) {
      for (const answer of answers) answer.release?.()
      return false
    }
    this.#answers = answers // F, G
    return true
  }

  #read(): readonly FetchAnswer[] | Promise<readonly FetchAnswer[]> {
    return this.#before === null ? this.#pass.read() : this.#pass.readAgain(this.#before, this.#changed)
  }

  complete(): void {
    const answers = this.#answers ?? this.#read()
    if (answers instanceof Promise) answers.then(this.settle, this.reject)
    else this.settle(answers)
  }

  abandon(): void {
    this.settle(null)
  }

  fail(error: unknown): void {
    this.reject(error)
  }
}
