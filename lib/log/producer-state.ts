/**
 * What a partition remembers of idempotent and transactional producers (KIP-98, KIP-360; Kafka's ProducerStateManager and
 * ProducerAppendInfo): the epoch, the last five batches of each, the open transaction. Decisions are made in `check*` before an
 * append, changes in `record*` after it, so that a refused batch leaves no trace.
 */
import { ErrorCode } from '../../protocol/errors.js'
import { OpenTransactions } from './open-transactions.js'

/** A client may have five requests in flight, so that many batches may come again. */
const BATCHES_KEPT = 5
const SEQUENCE_MAX = 0x7fffffff
const NO_EPOCH = -1
const NO_SEQUENCE = -1

export interface ProducerBatch {
  baseSequence: number
  lastSequence: number
  baseOffset: number
  lastOffset: number
  timestamp: number
}

export interface ProducerEntry {
  readonly producerId: number
  /** -1 when only forgotten batches are known. */
  producerEpoch: number
  /** Epoch of the transaction coordinator that wrote the last marker, -1 before the first. */
  coordinatorEpoch: number
  /** Largest timestamp of the last batch or marker: what expiry counts from. */
  lastTimestamp: number
  /** Oldest first, all of `producerEpoch`. */
  readonly batches: ProducerBatch[]
}

export interface ProducerStateOptions {
  /** `producer.id.expiration.ms`. */
  expirationMs: number
  /** Producers kept per partition: a client that takes a new id for every record would otherwise grow the map without end. */
  maxProducers: number
}

/** A control record's meaning for the producer that it ends. */
export interface EndTransaction {
  producerId: number
  producerEpoch: number
  coordinatorEpoch: number
  abort: boolean
}

/** A batch that waits for the transaction coordinator before it may begin a transaction (Kafka's VerificationGuard). */
export interface TransactionStart {
  readonly producerId: number
  readonly endEpoch: number
  /** A marker came first: what the coordinator allowed is over. */
  ended: boolean
}

/** A batch that had to wait for the coordinator, and may have been refused (Kafka's VerificationStateEntry). */
interface Withheld {
  epoch: number
  lowestSequence: number
  readonly since: number
}

/** A producer as a snapshot has it: with its last batch only (-1: none), and the first offset of its open transaction (-1: none). */
export interface RestoredProducer {
  producerId: number
  epoch: number
  lastSequence: number
  lastOffset: number
  offsetDelta: number
  timestamp: number
  coordinatorEpoch: number
  currentTxnFirstOffset: number
}

/** `base + delta`, wrapping from int32's largest value to 0. */
export function addSequence(base: number, delta: number): number {
  return base > SEQUENCE_MAX - delta ? delta - (SEQUENCE_MAX - base) - 1 : base + delta
}

/** The inverse of `addSequence`. */
const subtractSequence = (last: number, delta: number): number =>
  last < delta ? SEQUENCE_MAX - (delta - last) + 1 : last - delta

export class ProducerStates {
  readonly transactions = new OpenTransactions()
  private readonly producers = new Map<number, ProducerEntry>()
  private options: ProducerStateOptions
  private readonly starts = new Set<TransactionStart>()
  private readonly withheld = new Map<number, Withheld>()
  /** Set by `check` when it answers DUPLICATE_SEQUENCE_NUMBER: the batch that was appended before. */
  duplicate: Readonly<ProducerBatch> | null = null

  constructor(options: ProducerStateOptions) {
    this.options = options
  }

  get size(): number {
    return this.producers.size
  }

  get(producerId: number): Readonly<ProducerEntry> | undefined {
    return this.producers.get(producerId)
  }

  /** For DescribeProducers and snapshots. */
  entries(): IterableIterator<Readonly<ProducerEntry>> {
    return this.producers.values()
  }

  updateExpiration(expirationMs: number): void {
    this.options = { ...this.options, expirationMs }
  }

  /**
   * May a data batch be appended? Cases:
   * A no state: any sequence is accepted. B the epoch went back: INVALID_PRODUCER_EPOCH. C one of the last five batches again:
   * DUPLICATE_SEQUENCE_NUMBER here, and `duplicate` says which (the client is told NONE with the old offset). D a new epoch
   * starts at sequence 0. E the same epoch goes on where it stopped, or OUT_OF_ORDER_SEQUENCE_NUMBER: gaps, older duplicates and
   * partial overlaps alike. F a transaction is open and the batch is not part of it: INVALID_TXN_STATE. G one before it was
   * withheld and comes again: OUT_OF_ORDER_SEQUENCE_NUMBER. With `client` false (a coordinator's own batches have no sequences) C, D, E and G
   * don't apply.
   */
  check(
    producerId: number,
    producerEpoch: number,
    baseSequence: number,
    lastOffsetDelta: number,
    transactional: boolean,
    client: boolean,
  ): ErrorCode {
    const entry = this.producers.get(producerId)
    if (entry === undefined) return client ? this.checkWithheld(producerId, baseSequence) : ErrorCode.NONE // A, G
    if (producerEpoch < entry.producerEpoch) return ErrorCode.INVALID_PRODUCER_EPOCH // B
    if (client) {
      const refused = this.checkSequence(entry, producerEpoch, baseSequence, lastOffsetDelta)
      if (refused !== ErrorCode.NONE) return refused
    }
    if (!transactional && this.transactions.isOpen(producerId)) return ErrorCode.INVALID_TXN_STATE // F
    return ErrorCode.NONE
  }

  private checkSequence(entry: ProducerEntry, epoch: number, baseSequence: number, lastOffsetDelta: number): ErrorCode {
    const { batches } = entry
    const goesOn = epoch === entry.producerEpoch
    if (goesOn) {
      const lastSequence = addSequence(baseSequence, lastOffsetDelta)
      for (const batch of batches) {
        if (batch.baseSequence === baseSequence && batch.lastSequence === lastSequence) {
          this.duplicate = batch
          return ErrorCode.DUPLICATE_SEQUENCE_NUMBER // C
        }
      }
    }
    const overtakes = this.checkWithheld(entry.producerId, baseSequence)
    if (overtakes !== ErrorCode.NONE) return overtakes // G
    if (!goesOn) {
      if (baseSequence === 0 || entry.producerEpoch === NO_EPOCH) return ErrorCode.NONE
      return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER // D
    }
    const previous = batches.length > 0 ? batches[batches.length - 1]!.lastSequence : NO_SEQUENCE
    if (baseSequence === (previous === SEQUENCE_MAX ? 0 : previous + 1)) return ErrorCode.NONE
    return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER // E
  }

  /** Where nothing of the producer is known any sequence would do, also that of a batch which overtakes a withheld one. */
  private checkWithheld(producerId: number, baseSequence: number): ErrorCode {
    const withheld = this.withheld.size === 0 ? undefined : this.withheld.get(producerId)
    return withheld !== undefined && baseSequence > withheld.lowestSequence
      ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
      : ErrorCode.NONE
  }

  /**
   * A batch that begins a transaction waits for the coordinator's word: until something of the transaction is appended, or its marker, none
   * with a higher sequence is. `since`: wall clock, for its expiry.
   */
  withhold(producerId: number, epoch: number, baseSequence: number, since: number): void {
    const known = this.withheld.get(producerId)
    if (known === undefined) {
      if (this.withheld.size >= this.options.maxProducers) this.withheld.delete(this.withheld.keys().next().value!)
      this.withheld.set(producerId, { epoch, lowestSequence: baseSequence, since })
    } else if (epoch > known.epoch || (epoch === known.epoch && baseSequence < known.lowestSequence)) {
      known.epoch = epoch
      known.lowestSequence = baseSequence
    }
  }

  /**
   * May a marker be appended? An older producer epoch is INVALID_PRODUCER_EPOCH; an older coordinator epoch is a coordinator that
   * has lost its partition: TRANSACTION_COORDINATOR_FENCED. From transaction.version 2 on every transaction ends with a new epoch, so
   * a marker of the epoch in which a transaction is open belongs to an earlier one (KIP-1228); without an open one it came twice.
   */
  checkMarker(marker: EndTransaction, transactionVersion = 0): ErrorCode {
    const entry = this.producers.get(marker.producerId)
    if (entry === undefined) return ErrorCode.NONE
    const late =
      transactionVersion >= 2 &&
      marker.producerEpoch === entry.producerEpoch &&
      this.transactions.isOpen(marker.producerId)
    if (marker.producerEpoch < entry.producerEpoch || late) return ErrorCode.INVALID_PRODUCER_EPOCH
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) return ErrorCode.TRANSACTION_COORDINATOR_FENCED
    return ErrorCode.NONE
  }

  /** Remembers an appended data batch (also one found by replication or recovery, which is never refused). */
  record(
    producerId: number,
    producerEpoch: number,
    baseSequence: number,
    baseOffset: number,
    lastOffset: number,
    timestamp: number,
    transactional: boolean,
  ): void {
    const entry = this.entryFor(producerId)
    if (entry.producerEpoch !== producerEpoch) {
      entry.producerEpoch = producerEpoch
      entry.batches.length = 0
    }
    // The oldest slot is used again: a busy producer makes no garbage.
    const slot: ProducerBatch =
      entry.batches.length < BATCHES_KEPT
        ? { baseSequence: 0, lastSequence: 0, baseOffset: 0, lastOffset: 0, timestamp: 0 }
        : entry.batches.shift()!
    slot.baseSequence = baseSequence
    // A coordinator's batches have no sequences.
    slot.lastSequence = baseSequence < 0 ? NO_SEQUENCE : addSequence(baseSequence, lastOffset - baseOffset)
    slot.baseOffset = baseOffset
    slot.lastOffset = lastOffset
    slot.timestamp = timestamp
    entry.batches.push(slot)
    entry.lastTimestamp = timestamp
    if (!transactional) return
    this.transactions.open(producerId, baseOffset)
    this.withheld.delete(producerId)
  }

  /**
   * Until `forgetStart`, which must follow: tells whether a marker of this producer comes in between that ends what is about to begin: one of
   * `endEpoch` or later. Where each transaction has its own epoch (KIP-890), the marker of the one before may still be on its way.
   */
  expectStart(producerId: number, endEpoch: number): TransactionStart {
    const start = { producerId, endEpoch, ended: false }
    this.starts.add(start)
    return start
  }

  forgetStart(start: TransactionStart): void {
    this.starts.delete(start)
  }

  /** Remembers an appended marker; returns the transaction it ended, null when none was open. */
  recordMarker(marker: EndTransaction, offset: number, timestamp: number) {
    const entry = this.entryFor(marker.producerId)
    if (entry.producerEpoch !== marker.producerEpoch) {
      entry.producerEpoch = marker.producerEpoch
      entry.batches.length = 0
    }
    entry.coordinatorEpoch = marker.coordinatorEpoch
    this.withheld.delete(marker.producerId)
    for (const start of this.starts) {
      if (start.producerId === marker.producerId && marker.producerEpoch >= start.endEpoch) start.ended = true
    }
    entry.lastTimestamp = timestamp
    return this.transactions.end(marker.producerId, offset)
  }

  /** What a snapshot says, into empty states. */
  restore(restored: readonly RestoredProducer[]): void {
    for (const one of restored) this.adopt(one)
    const open = restored.filter((one) => one.currentTxnFirstOffset >= 0)
    open.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset)
    for (const one of open) this.transactions.open(one.producerId, one.currentTxnFirstOffset)
  }

  /**
   * Takes out of a snapshot what it knows better than the log: compaction drops a producer's last batch, or marker, when it has a newer one,
   * and that may be lost with the power. Open transactions are in the log: compaction ends below them.
   */
  supplement(restored: readonly RestoredProducer[]): void {
    for (const one of restored) {
      const entry = this.producers.get(one.producerId)
      const isNewer =
        entry === undefined ||
        one.epoch > entry.producerEpoch ||
        (one.epoch === entry.producerEpoch && one.lastOffset > (entry.batches.at(-1)?.lastOffset ?? -1))
      if (isNewer) this.adopt(one)
    }
  }

  private adopt({ producerId, epoch, coordinatorEpoch, lastSequence, lastOffset, ...one }: RestoredProducer): void {
    const entry = this.entryFor(producerId)
    const { offsetDelta, timestamp } = one
    if (entry.producerEpoch !== epoch) entry.batches.length = 0
    entry.producerEpoch = epoch
    entry.coordinatorEpoch = Math.max(entry.coordinatorEpoch, coordinatorEpoch)
    entry.lastTimestamp = Math.max(entry.lastTimestamp, timestamp)
    if (lastOffset < 0) return
    const baseSequence = subtractSequence(lastSequence, offsetDelta)
    entry.batches.push({ baseSequence, lastSequence, baseOffset: lastOffset - offsetDelta, lastOffset, timestamp })
    if (entry.batches.length > BATCHES_KEPT) entry.batches.shift()
  }

  /**
   * Takes in batches that the log has and a snapshot does not tell of: those that lead up to the ones that are known, without a gap. A client sends
   * all that it has on the way again when the leader changes; a duplicate that is not known would be a gap in its sequence, after which
   * Java's idempotent producer begins a new epoch, and all of them would be there twice.
   */
  recall(earlier: Iterable<Readonly<ProducerEntry>>): void {
    for (const { producerId, producerEpoch, batches } of earlier) {
      const known = this.producers.get(producerId)
      if (known?.producerEpoch !== producerEpoch) continue
      for (const batch of batches.toReversed()) {
        const [first] = known.batches
        if (first === undefined || known.batches.length === BATCHES_KEPT) break
        if (batch.lastOffset >= first.baseOffset) continue
        if (batch.lastSequence < 0 || addSequence(batch.lastSequence, 1) !== first.baseSequence) break
        known.batches.unshift({ ...batch })
      }
    }
  }

  /** Forgets producers that were silent for `producer.id.expiration.ms`, unless they have a transaction open. */
  expire(now: number): void {
    for (const entry of this.producers.values()) {
      if (now - entry.lastTimestamp >= this.options.expirationMs && !this.transactions.isOpen(entry.producerId)) {
        this.producers.delete(entry.producerId)
      }
    }
    for (const [producerId, { since }] of this.withheld) {
      if (now - since >= this.options.expirationMs) this.withheld.delete(producerId)
    }
  }

  clear(): void {
    this.producers.clear()
    this.transactions.clear()
    this.withheld.clear()
    this.duplicate = null
  }

  private entryFor(producerId: number): ProducerEntry {
    let entry = this.producers.get(producerId)
    if (entry === undefined) {
      if (this.producers.size >= this.options.maxProducers) this.makeRoom()
      entry = { producerId, producerEpoch: NO_EPOCH, coordinatorEpoch: -1, lastTimestamp: -1, batches: [] }
      this.producers.set(producerId, entry)
    }
    return entry
  }

  /** Drops the tenth of the producers that appended longest ago: many at once, so that the cost per new producer stays small. */
  private makeRoom(): void {
    const idle = [...this.producers.values()]
      .filter((entry) => !this.transactions.isOpen(entry.producerId))
      .sort((a, b) => (a.batches.at(-1)?.lastOffset ?? -1) - (b.batches.at(-1)?.lastOffset ?? -1))
    const count = Math.max(1, Math.floor(this.options.maxProducers / 10))
    for (const entry of idle.slice(0, count)) this.producers.delete(entry.producerId)
  }
}
