import { LentReply } from './reply.js'

/** What leaves a connection with its next write, and whose memory that is. */
export class Outbox {
  bytes = 0
  #pieces: Buffer[] = []
  #lenders: (() => void)[] = []

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  add(reply: readonly Buffer[] | LentReply): void {
    if (reply instanceof LentReply) this.#lenders.push(reply.release)
    for (const piece of reply instanceof LentReply ? reply.pieces : reply) {
      this.#pieces.push(piece)
      this.bytes += piece.length
    }
  }

  /** Everything, in order; `onSent` gives lent memory back. */
  take(): { pieces: Buffer[]; onSent: (() => void) | undefined } {
    const pieces = this.#pieces
    const lenders = this.#lenders
    this.clear()
    if (lenders.length === 0) return { pieces, onSent: undefined }
    return {
      pieces,
      onSent: () => {
        for (const release of lenders) release()
      },
    }
  }

  /** Drops it: the connection is gone. */
  clear(): void {
    this.#pieces = []
    this.bytes = 0
    if (this.#lenders.length > 0) this.#lenders = []
  }
}
