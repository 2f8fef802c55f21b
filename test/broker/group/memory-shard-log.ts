import type { KeyValueRecord, ShardLog, StoredRecord } from '../../../lib/broker/coordinator/contract.js'
import { ErrorCode } from '../../../protocol/errors.js'

/**
 * A shard's log in memory. Fault model: an append may fail with any error (`failNext`), the high watermark may stay behind (`hold`),
 * reading may fail or be asynchronous; what was appended is never lost or changed.
 */
export class MemoryShardLog implements ShardLog {
  readonly records: StoredRecord[] = []
  highWatermark = 0
  maxBatchBytes = 1_048_588
  /** Error codes of the next appends, first in first out. */
  readonly failNext: ErrorCode[] = []
  /** While true the high watermark stays where it is. */
  held = false
  failReads = false
  asyncReads = false
  batches = 0
  readonly #listeners = new Set<() => void>()

  constructor(readonly leaderEpoch = 0) {}

  get endOffset(): number {
    return this.records.length
  }

  get listeners(): number {
    return this.#listeners.size
  }

  append(records: readonly KeyValueRecord[]): { errorCode: ErrorCode; lastOffset: number } {
    const failure = this.failNext.shift()
    if (failure !== undefined) return { errorCode: failure, lastOffset: -1 }
    for (const { key, value } of records) this.records.push({ offset: this.records.length, key, value })
    this.batches++
    if (!this.held) this.commit()
    return { errorCode: ErrorCode.NONE, lastOffset: this.endOffset - 1 }
  }

  /** Moves the high watermark, by default to the end. */
  commit(to = this.endOffset): void {
    this.highWatermark = to
    for (const listener of [...this.#listeners]) listener()
  }

  onHighWatermark(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  read(visit: (record: StoredRecord) => void): void | Promise<void> {
    if (this.failReads) throw new Error('the disk is gone')
    const run = (): void => {
      for (const record of this.records) visit(record)
    }
    return this.asyncReads ? Promise.resolve().then(run) : run()
  }
}
