import type { Logger } from '../../host/logger.js'

/** Who wants to hear of a partition's changes. One that fails does not keep the others from hearing. */
export class ChangeListeners {
  readonly #listeners = new Set<() => void>()

  get size(): number {
    return this.#listeners.size
  }

  /** Returns what undoes it. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  notify(name: string, logger: Logger): void {
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        logger.error(`A listener of ${name} failed.`, { error })
      }
    }
  }
}
