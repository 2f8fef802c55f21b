/**
 * `<base offset>.txnindex`: 34-byte entries, one per aborted transaction whose marker lies in the segment: int16 version (0),
 * int64 producer id, int64 first offset, int64 last offset (the marker's), int64 last stable offset after it (Kafka's
 * TransactionIndex and AbortedTxn). The file exists only when there is an entry.
 */
import { peekInt32, peekInt64, pokeInt64 } from '../../protocol/batch/header.js'

export const TXN_ENTRY_BYTES = 34

export interface AbortedTransaction {
  producerId: number
  firstOffset: number
  /** Offset of the abort marker. */
  lastOffset: number
  /** The last stable offset right after the marker: no entry behind this one concerns offsets below it. */
  lastStableOffset: number
}

export class TxnIndex {
  private readonly aborted: AbortedTransaction[] = []

  get isEmpty(): boolean {
    return this.aborted.length === 0
  }

  get entries(): readonly AbortedTransaction[] {
    return this.aborted
  }

  append(transaction: AbortedTransaction): void {
    const last = this.aborted.at(-1)
    if (last !== undefined && last.lastOffset >= transaction.lastOffset) throw new Error('abort markers must rise')
    this.aborted.push(transaction)
  }

  /**
   * Adds to `found` what overlaps [fetchOffset, upperBound). True when no later segment can know more: an entry's last stable
   * offset has reached the bound.
   */
  collect(fetchOffset: number, upperBound: number, found: { producerId: number; firstOffset: number }[]): boolean {
    for (const { producerId, firstOffset, lastOffset, lastStableOffset } of this.aborted) {
      if (lastOffset >= fetchOffset && firstOffset < upperBound) found.push({ producerId, firstOffset })
      if (lastStableOffset >= upperBound) return true
    }
    return false
  }

  /** Drops transactions whose marker is at `offset` or above. */
  truncateTo(offset: number): void {
    const keep = this.aborted.findIndex((transaction) => transaction.lastOffset >= offset)
    if (keep >= 0) this.aborted.length = keep
  }

  clear(): void {
    this.aborted.length = 0
  }

  content(): Buffer {
    const bytes = Buffer.alloc(this.aborted.length * TXN_ENTRY_BYTES)
    this.aborted.forEach((transaction, index) => {
      const at = index * TXN_ENTRY_BYTES
      pokeInt64(bytes, at + 2, transaction.producerId)
      pokeInt64(bytes, at + 10, transaction.firstOffset)
      pokeInt64(bytes, at + 18, transaction.lastOffset)
      pokeInt64(bytes, at + 26, transaction.lastStableOffset)
    })
    return bytes
  }

  /** Replaces the entries by a file's content. False (and empty) when the content makes no sense: rebuild from the log. */
  load(content: Buffer, baseOffset: number): boolean {
    this.clear()
    if (content.length % TXN_ENTRY_BYTES !== 0) return false
    for (let at = 0; at < content.length; at += TXN_ENTRY_BYTES) {
      const transaction = {
        producerId: peekInt64(content, at + 2),
        firstOffset: peekInt64(content, at + 10),
        lastOffset: peekInt64(content, at + 18),
        lastStableOffset: peekInt64(content, at + 26),
      }
      const version = peekInt32(content, at) >> 16
      const previous = this.aborted.at(-1)?.lastOffset ?? baseOffset - 1
      if (version !== 0 || transaction.lastOffset <= previous || transaction.firstOffset > transaction.lastOffset) {
        this.clear()
        return false
      }
      this.aborted.push(transaction)
    }
    return true
  }
}
