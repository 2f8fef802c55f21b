import type { Tail } from './tail.js'

const RESOLVED = Promise.resolve()

/**
 * The logs of one store that accepted something in this turn of the event loop. The server flushes once per socket read, so that the
 * batches of one read leave in one write per partition; whoever forgets is flushed by a microtask.
 */
export class WriteTurn {
  private tails: Tail[] = []
  private scheduled = false

  add(tail: Tail): void {
    tail.queued = true
    this.tails.push(tail)
    if (this.scheduled) return
    this.scheduled = true
    // A promise and not queueMicrotask: users' fake timers replace the latter.
    void RESOLVED.then(this.flush)
  }

  readonly flush = (): void => {
    this.scheduled = this.tails.length > 0 && this.scheduled
    while (this.tails.length > 0) {
      const tails = this.tails
      this.tails = []
      for (const tail of tails) tail.flushPending()
    }
    this.scheduled = false
  }
}
