/**
 * The shapes between a coordinator's runtime, its state machine and its log. One shard = one partition of an internal topic
 * (`__consumer_offsets`, later `__transaction_state`) = one state machine.
 *
 * The pattern (Kafka's CoordinatorResult/replay): `decide` looks at the state and answers with records, replies and effects;
 * the runtime appends the records, applies them at once and lets a reply go when the high watermark covers everything it saw.
 */
import type { ErrorCode } from '../../../protocol/errors.js'

/** A record of the shard's log as bytes. A null value is a tombstone. */
export interface KeyValueRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Who writes a transactional record: it counts when this producer's transaction commits. */
export interface ProducerStamp {
  readonly producerId: number
  readonly producerEpoch: number
}

/** The end of a producer's transaction in one partition (KIP-98). */
export interface TransactionMarker extends ProducerStamp {
  /** Epoch of the transaction coordinator that decided: older ones are fenced by the log. */
  readonly coordinatorEpoch: number
  readonly commit: boolean
  /** transaction.version under which it ends, 0 when absent: from 2 on the marker's epoch lies above that of the records (KIP-890). */
  readonly transactionVersion?: number
}

/** Outcome of an append. On error nothing was appended and `lastOffset` is -1. */
export interface Appended {
  readonly errorCode: ErrorCode
  readonly lastOffset: number
}

/**
 * The log of one shard. Implemented over a partition that this broker leads; the runtime never writes anywhere else.
 */
export interface ShardLog {
  /** The leader epoch for which this log was opened. A later `load` with a lower epoch is ignored. */
  readonly leaderEpoch: number
  /** LEO: the offset the next record gets. */
  readonly endOffset: number
  /** Everything below is committed. Never goes back. */
  readonly highWatermark: number
  /** Largest batch the partition accepts (max.message.bytes), header included. */
  readonly maxBatchBytes: number
  /**
   * Appends the records as ONE batch (all or nothing), in this turn; with a producer the batch is part of its transaction.
   * The high watermark may move, and listeners may be called, before this returns. Besides the errors of every append:
   * INVALID_PRODUCER_EPOCH when a later epoch of the producer has written here.
   */
  append(records: readonly KeyValueRecord[], now: number, producer?: ProducerStamp | null): Appended
  /**
   * Appends the marker that ends a producer's transaction. INVALID_PRODUCER_EPOCH: a later epoch of the producer has written here;
   * TRANSACTION_COORDINATOR_FENCED: a later transaction coordinator has.
   */
  appendMarker(marker: TransactionMarker, now: number): Appended
  /** Calls the listener after each move of the high watermark. Returns what undoes it. */
  onHighWatermark(listener: () => void): () => void
  /**
   * Visits every data record and every transaction marker in [log start, endOffset) in order. May finish in this turn
   * (nothing to await) or later. Throws or rejects when the log cannot be read: the shard then stays unloaded.
   */
  read(visitor: ShardVisitor): void | Promise<void>
}

export interface ShardVisitor {
  record(record: StoredRecord): void
  marker(marker: TransactionMarker): void
}

export interface StoredRecord {
  readonly offset: number
  /** Null only in a foreign log: our records always have a key. */
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Null when the record is part of no transaction. */
  readonly producer: ProducerStamp | null
}

/** Turns a machine's typed records into bytes and back. */
export interface RecordCodec<R> {
  encode(record: R): KeyValueRecord
  /** Null for a record type this machine does not know: it is skipped. Throws on bytes that cannot be what they claim to be. */
  decode(key: Buffer, value: Buffer | null): R | null
}

/**
 * Where a reply goes. Answered exactly once, possibly in the same turn as the command.
 * A machine may keep a slot (a JoinGroup that waits for the others); it must answer it in the end.
 */
export interface Slot<T> {
  send(reply: T): void
  /** The coordinator could not say anything: not loaded, moved away, or its log failed. Does nothing after an answer. */
  fail(errorCode: ErrorCode): void
}

export type Effect<C> =
  /** Let `slot` have `reply` once everything decided so far is committed. */
  | { readonly kind: 'answer'; readonly slot: Slot<unknown>; readonly reply: unknown }
  /** (Re)start the timer of this key: `command` is decided after `delayMs` unless it is cancelled or replaced. */
  | { readonly kind: 'schedule'; readonly key: string; readonly delayMs: number; readonly command: C }
  | { readonly kind: 'cancel'; readonly key: string }
  /** Tell observers (the embed API) that something about this key may have changed. They hear of it when it is committed. */
  | { readonly kind: 'changed'; readonly key: string }

/** What a machine decided. Filled by the machine, executed by the runtime: first the records, then the effects in order. */
export class Decision<C, R> {
  readonly records: R[] = []
  readonly effects: Effect<C>[] = []
  /** The records are part of this producer's transaction. */
  producer: ProducerStamp | null = null
  /** Decide this command next, in the same turn, after the records have been applied. */
  next: C | null = null
  /** The records stand alone (tombstones): they may go as several batches when one would be too large. */
  divisible = false
  /** Room that has to be left in the batch, for what these records grow by later. */
  reservedBytes = 0
  /** What to do instead when the records make a batch that the log will not take. Without it the shard reloads. */
  ifTooLarge: (() => Decision<C, R>) | null = null
  /**
   * Deciding has changed nothing besides what is written here. When the log refuses the records, the command's slot is failed and
   * that is all.
   */
  standsAlone = false
  /** What to do instead when the log refuses the records for now, with what a client is told then. Otherwise the shard reloads. */
  ifRefused: ((errorCode: ErrorCode) => Decision<C, R>) | null = null

  append(record: R): void {
    this.records.push(record)
  }

  answer<T>(slot: Slot<T>, reply: T): void {
    this.effects.push({ kind: 'answer', slot: slot as Slot<unknown>, reply })
  }

  schedule(key: string, delayMs: number, command: C): void {
    this.effects.push({ kind: 'schedule', key, delayMs, command })
  }

  cancel(key: string): void {
    this.effects.push({ kind: 'cancel', key })
  }

  changed(key: string): void {
    this.effects.push({ kind: 'changed', key })
  }
}

/**
 * A shard's state machine. Synchronous throughout. Durable state changes in `apply` alone; what `decide` changes directly
 * is volatile (who waits, who is pending) and is thrown away with the machine when an append fails.
 */
export interface ShardMachine<C, R> {
  /** `now`: wall time in ms, for what is stored. Timeouts are delays in effects. */
  decide(command: C, now: number): Decision<C, R>
  /**
   * Total and silent. Called for every record while loading and right after each append. `producer`: whose transaction it is part of,
   * null without one; `offset`: the record's place in the log.
   */
  apply(record: R, producer: ProducerStamp | null, offset: number): void
  /** A producer's transaction has ended. As total and silent as `apply`; a machine without transactional records has none. */
  applyMarker?(producerId: number, producerEpoch: number, commit: boolean): void
  /** The log has been read: start timers. */
  onLoaded(now: number): Decision<C, R>
  /** The shard goes away: fail every slot that is still held. Timers are cancelled and parked replies failed by the runtime. */
  onUnloaded(errorCode: ErrorCode): void
}
