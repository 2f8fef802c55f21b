import type {
  Appended,
  KeyValueRecord,
  ProducerStamp,
  ShardLog,
  ShardVisitor,
  StoredRecord,
  TransactionMarker,
} from '../../../lib/broker/coordinator/contract.js'
import { ErrorCode } from '../../../protocol/errors.js'

/**
 * A shard's log in memory. Fault model: an append may fail with any error (`failNext`), the high watermark may stay behind (`hold`),
 * reading may fail or be asynchronous; what was appended is never lost or changed.
 */
export class MemoryShardLog implements ShardLog {
  /** What was appended, markers in their places. An entry's offset is its index. */
  readonly entries: (StoredRecord | { readonly marker: TransactionMarker })[] = []
  highWatermark = 0
  maxBatchBytes = 1_048_588
  /** Error codes of the next appends, first in first out; NONE lets one pass. */
  readonly failNext: ErrorCode[] = []
  /** While true the high watermark stays where it is. */
  held = false
  failReads = false
  asyncReads = false
  batches = 0
  /** Fences like a partition's log: the newest epochs per producer id. */
  readonly #epochs = new Map<number, { producerEpoch: number; coordinatorEpoch: number }>()
  readonly #listeners = new Set<() => void>()

  constructor(readonly leaderEpoch = 0) {}

  get endOffset(): number {
    return this.entries.length
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** The data records, without markers. */
  get records(): StoredRecord[] {
    return this.entries.flatMap((entry) => ('marker' in entry ? [] : [entry]))
  }

  append(records: readonly KeyValueRecord[], _now: number, producer: ProducerStamp | null = null): Appended {
    const failure = this.#nextFailure() ?? (producer === null ? undefined : this.#fence(producer, -1))
    if (failure !== undefined) return { errorCode: failure, lastOffset: -1 }
    for (const { key, value } of records) this.entries.push({ offset: this.entries.length, key, value, producer })
    return this.#appended()
  }

  appendMarker(marker: TransactionMarker): Appended {
    const failure = this.#nextFailure() ?? this.#fence(marker, marker.coordinatorEpoch)
    if (failure !== undefined) return { errorCode: failure, lastOffset: -1 }
    this.entries.push({ marker })
    return this.#appended()
  }

  #nextFailure(): ErrorCode | undefined {
    const next = this.failNext.shift()
    return next === ErrorCode.NONE ? undefined : next
  }

  #fence({ producerId, producerEpoch }: ProducerStamp, coordinatorEpoch: number): ErrorCode | undefined {
    const known = this.#epochs.get(producerId)
    if (known !== undefined && producerEpoch < known.producerEpoch) return ErrorCode.INVALID_PRODUCER_EPOCH
    const newest = Math.max(known?.coordinatorEpoch ?? -1, coordinatorEpoch)
    if (coordinatorEpoch >= 0 && coordinatorEpoch < newest) return ErrorCode.TRANSACTION_COORDINATOR_FENCED
    this.#epochs.set(producerId, { producerEpoch, coordinatorEpoch: newest })
    return undefined
  }

  #appended(): Appended {
    this.batches++
    if (!this.held) this.commit()
    return { errorCode: ErrorCode.NONE, lastOffset: this.endOffset - 1 }
  }

  /** Lets `count` appends pass and refuses the one after them. */
  refuseAfter(count: number, errorCode: ErrorCode): void {
    for (let i = 0; i < count; i++) this.failNext.push(ErrorCode.NONE)
    this.failNext.push(errorCode)
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

  /** `when`: tests look on whatever the faults are. */
  read(visitor: ShardVisitor, when?: 'at once'): void | Promise<void> {
    if (this.failReads && when === undefined) throw new Error('the disk is gone')
    const run = (): void => {
      for (const entry of this.entries) {
        if ('marker' in entry) visitor.marker(entry.marker)
        else visitor.record(entry)
      }
    }
    return this.asyncReads && when === undefined ? Promise.resolve().then(run) : run()
  }
}
