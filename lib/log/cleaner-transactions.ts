/**
 * Transactions as the cleaner passes them (Kafka's CleanedTransactionMetadata): whose batches were aborted, and which markers still
 * have something to end.
 */
import type { AbortedTransaction } from './txn-index.js'

export class CleanerTransactions {
  /** By first offset. */
  private readonly upcoming: AbortedTransaction[]
  private next = 0
  private readonly aborted = new Map<number, { transaction: AbortedTransaction; seenBatch: boolean }>()
  /** Producers with a transaction that will commit, of which a batch was seen. */
  private readonly committed = new Set<number>()

  /** @param aborted what the transaction indexes say of the segments to come, in any order */
  constructor(aborted: Iterable<AbortedTransaction>) {
    this.upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** A data batch is passed. True when it belongs to an aborted transaction. */
  onBatch(producerId: number, lastOffset: number, transactional: boolean): boolean {
    this.advance(lastOffset)
    if (!transactional) return false
    const aborted = this.aborted.get(producerId)
    if (aborted === undefined) {
      this.committed.add(producerId)
      return false
    }
    aborted.seenBatch = true
    return true
  }

  /**
   * A marker is passed. 'needed': batches of its transaction are still there (or were until this cleaning); for an abort the entry
   * that the new segment's transaction index gets. 'spent': nothing is left that it could end.
   */
  onMarker(
    producerId: number,
    lastOffset: number,
    abort: boolean,
  ): { spent: boolean; entry: AbortedTransaction | null } {
    this.advance(lastOffset)
    if (!abort) return { spent: !this.committed.delete(producerId), entry: null }
    const aborted = this.aborted.get(producerId)
    this.aborted.delete(producerId)
    if (aborted === undefined || !aborted.seenBatch) return { spent: true, entry: null }
    return { spent: false, entry: aborted.transaction }
  }

  private advance(offset: number): void {
    for (; this.next < this.upcoming.length && this.upcoming[this.next]!.firstOffset <= offset; this.next++) {
      const transaction = this.upcoming[this.next]!
      if (!this.aborted.has(transaction.producerId)) {
        this.aborted.set(transaction.producerId, { transaction, seenBatch: false })
      }
    }
  }
}
