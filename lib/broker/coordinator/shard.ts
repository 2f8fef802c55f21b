/**
 * One loaded shard: decide, append, apply, park, run effects. See README.md.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type {
  Decision,
  KeyValueRecord,
  RecordCodec,
  ShardLog,
  ShardMachine,
  Slot,
  TransactionMarker,
} from './contract.js'
import { KeyedTimers } from './timers.js'

/** 61 bytes of batch header, and per record the varints, attributes and header count at their largest. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 26

/**
 * `next` chains are one step long by design (create a group, then join it). More is a machine that argues with itself.
 */
const DECISIONS_IN_A_ROW_MAX = 8

interface Batch<R> {
  readonly records: R[]
  readonly encoded: KeyValueRecord[]
}

const NO_BATCHES: readonly never[] = []

interface Parked {
  /** The reply may leave when the high watermark is above this offset. */
  readonly offset: number
  readonly slot: Slot<unknown>
  readonly reply: unknown
}

export interface ShardOptions {
  /** Replies that may wait for the high watermark at once. Bounds memory when followers stop: clients then get an error and retry. */
  parkedRepliesMax: number
}

export interface ShardPorts<C, R> {
  clock: Clock
  codec: RecordCodec<R>
  log: ShardLog
  machine: ShardMachine<C, R>
  /** The shard cannot go on with what it has in memory: unload it and load it again. Called at most once. */
  onBroken(reason: ShardFailure): void
  /** Null when nobody is interested. */
  onChanged: ((key: string) => void) | null
}

export interface ShardFailure {
  readonly errorCode: ErrorCode
  /** Set when a programmer error (a throw) broke the shard. */
  readonly error: Error | null
}

export class Shard<C, R> {
  readonly log: ShardLog
  readonly #machine: ShardMachine<C, R>
  readonly #codec: RecordCodec<R>
  readonly #clock: Clock
  readonly #ports: ShardPorts<C, R>
  readonly #options: ShardOptions
  readonly #timers: KeyedTimers<C>
  readonly #stopListening: () => void
  /** Changes queue with the replies, so that observers see only what is committed. */
  readonly #observer: Slot<unknown> | null
  /** FIFO: offsets never fall, so that the head decides. */
  #parked: Parked[] = []
  #parkedHead = 0
  /** Offset of the last record that the machine has seen; -1 in an empty log. */
  #lastApplied: number
  #running = false
  #draining = false
  #closed = false
  /** What the command's slot is told when the log refused its records and nothing else is the matter. */
  #refused: ErrorCode = ErrorCode.NONE

  constructor(options: ShardOptions, ports: ShardPorts<C, R>) {
    this.#options = options
    this.#ports = ports
    this.log = ports.log
    this.#machine = ports.machine
    this.#codec = ports.codec
    this.#clock = ports.clock
    this.#lastApplied = ports.log.endOffset - 1
    this.#timers = new KeyedTimers(ports.clock, (command) => this.submit(command, null))
    const { onChanged } = ports
    this.#observer = onChanged === null ? null : { send: (key) => onChanged(key as string), fail: () => {} }
    this.#stopListening = ports.log.onHighWatermark(() => this.#drain())
  }

  get parkedReplies(): number {
    return this.#parked.length - this.#parkedHead
  }

  get timers(): number {
    return this.#timers.size
  }

  start(): void {
    this.#guard(null, () => this.#execute(this.#machine.onLoaded(this.#clock.now())))
  }

  /** `slot`: the command's own, to be failed when the shard breaks before the machine could answer it. Timers have none. */
  submit(command: C, slot: Slot<never> | null): void {
    if (this.#closed) {
      slot?.fail(ErrorCode.NOT_COORDINATOR)
      return
    }
    if (slot !== null && this.parkedReplies >= this.#options.parkedRepliesMax) {
      slot.fail(ErrorCode.COORDINATOR_NOT_AVAILABLE)
      return
    }
    this.#guard(slot, () => this.#execute(this.#machine.decide(command, this.#clock.now())))
  }

  /**
   * Ends a producer's transaction here. The slot hears NONE when the marker is committed, else the log's own error, which leaves
   * everything as it was: the transaction coordinator tries again, or knows that it is not in charge any more.
   */
  complete(marker: TransactionMarker, slot: Slot<ErrorCode>): void {
    if (this.parkedReplies >= this.#options.parkedRepliesMax) {
      slot.fail(ErrorCode.COORDINATOR_NOT_AVAILABLE)
      return
    }
    this.#guard(slot, () => {
      const { errorCode, lastOffset } = this.log.appendMarker(marker, this.#clock.now())
      if (errorCode === ErrorCode.NONE) {
        this.#lastApplied = lastOffset
        this.#machine.applyMarker?.(marker.producerId, marker.producerEpoch, marker.commit)
      }
      this.#parked.push({ offset: this.#lastApplied, slot: slot as Slot<unknown>, reply: errorCode })
      return ErrorCode.NONE
    })
  }

  /** Ends the shard. Everything that waits is failed; nothing fires afterwards. */
  close(errorCode: ErrorCode): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    this.#timers.cancelAll()
    this.#machine.onUnloaded(errorCode)
    const parked = this.#parked
    const head = this.#parkedHead
    this.#parked = []
    this.#parkedHead = 0
    for (let i = head; i < parked.length; i++) parked[i]!.slot.fail(errorCode)
  }

  #guard(slot: Slot<never> | null, run: () => ErrorCode): void {
    const nested = this.#running
    this.#running = true
    let failure: ShardFailure | null = null
    try {
      const errorCode = run()
      if (errorCode !== ErrorCode.NONE) failure = { errorCode, error: null }
    } catch (error) {
      // A programmer error: what is in memory cannot be trusted any more. It takes down this shard, not the process.
      failure = { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, error: asError(error) }
    }
    this.#running = nested
    const refused = this.#refused
    this.#refused = ErrorCode.NONE
    if (failure !== null) {
      this.#ports.onBroken(failure)
      // Nothing of this decision was executed, so its command has had no answer unless the machine already held its slot.
      slot?.fail(failure.errorCode)
      return
    }
    if (refused !== ErrorCode.NONE) slot?.fail(refused)
    if (!nested) this.#drain()
  }

  /** Executes a decision and those that follow from it. Anything but NONE means: nothing of the last decision took effect. */
  #execute(first: Decision<C, R>): ErrorCode {
    let decision = first
    for (let i = 0; i < DECISIONS_IN_A_ROW_MAX; i++) {
      let batches = this.#encode(decision)
      if (batches === null && decision.ifTooLarge !== null) {
        decision = decision.ifTooLarge()
        batches = this.#encode(decision)
      }
      if (batches === null) return ErrorCode.UNKNOWN_SERVER_ERROR
      const errorCode = this.#append(batches, decision.producer)
      if (errorCode !== ErrorCode.NONE) {
        const told = responseErrorOfAppend(errorCode)
        // After a failed write nobody knows what the log has: memory must not go on with its own idea of it.
        if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR) return told
        if (decision.ifRefused === null) {
          if (!decision.standsAlone) return told
          this.#refused = told
          return ErrorCode.NONE
        }
        decision = decision.ifRefused(told)
        if (decision.records.length > 0) return told
      }
      this.#runEffects(decision)
      if (decision.next === null) return ErrorCode.NONE
      decision = this.#machine.decide(decision.next, this.#clock.now())
    }
    throw new Error(`A coordinator decided ${DECISIONS_IN_A_ROW_MAX} times in a row without an end.`)
  }

  /** The decision's batches, most often one or none; null when they would be larger than the log takes. */
  #encode(decision: Decision<C, R>): readonly Batch<R>[] | null {
    if (decision.records.length === 0) return NO_BATCHES
    const batches: Batch<R>[] = []
    let batch: Batch<R> = { records: [], encoded: [] }
    const maxBytes = this.log.maxBatchBytes - decision.reservedBytes
    let sizeInBytes = BATCH_OVERHEAD_BYTES
    for (const record of decision.records) {
      const encoded = this.#codec.encode(record)
      const recordBytes = RECORD_OVERHEAD_BYTES + encoded.key.length + (encoded.value?.length ?? 0)
      if (sizeInBytes + recordBytes > maxBytes) {
        if (!decision.divisible || batch.records.length === 0) return null
        batches.push(batch)
        batch = { records: [], encoded: [] }
        sizeInBytes = BATCH_OVERHEAD_BYTES
      }
      batch.records.push(record)
      batch.encoded.push(encoded)
      sizeInBytes += recordBytes
    }
    batches.push(batch)
    return batches
  }

  #append(batches: readonly Batch<R>[], producer: Decision<C, R>['producer']): ErrorCode {
    for (const { records, encoded } of batches) {
      const { errorCode, lastOffset } = this.log.append(encoded, this.#clock.now(), producer)
      if (errorCode !== ErrorCode.NONE) return errorCode
      this.#lastApplied = lastOffset
      let offset = lastOffset - records.length + 1
      for (const record of records) this.#machine.apply(record, producer, offset++)
    }
    return ErrorCode.NONE
  }

  #runEffects(decision: Decision<C, R>): void {
    for (const effect of decision.effects) {
      switch (effect.kind) {
        case 'answer':
          this.#parked.push({ offset: this.#lastApplied, slot: effect.slot, reply: effect.reply })
          break
        case 'schedule':
          this.#timers.schedule(effect.key, effect.delayMs, effect.command)
          break
        case 'cancel':
          this.#timers.cancel(effect.key)
          break
        case 'changed':
          if (this.#observer !== null) {
            this.#parked.push({ offset: this.#lastApplied, slot: this.#observer, reply: effect.key })
          }
          break
      }
    }
  }

  /**
   * Lets every reply go that is covered by the high watermark, in the turn in which it is. Never in the middle of a decision (the log
   * may move the high watermark inside `append`, before the records are applied), and never recursively.
   */
  #drain(): void {
    if (this.#running || this.#draining) return
    this.#draining = true
    try {
      while (this.#parkedHead < this.#parked.length) {
        const parked = this.#parked[this.#parkedHead]!
        if (parked.offset >= this.log.highWatermark) break
        this.#parkedHead++
        parked.slot.send(parked.reply)
      }
    } finally {
      this.#draining = false
    }
    if (this.#parkedHead === this.#parked.length) {
      if (this.#parkedHead > 0) this.#parked = []
      this.#parkedHead = 0
    } else if (this.#parkedHead > 1024 && this.#parkedHead * 2 > this.#parked.length) {
      this.#parked = this.#parked.slice(this.#parkedHead)
      this.#parkedHead = 0
    }
  }
}

/** What a client is told when the shard's log refused an append (GroupMetadataManager.appendGroupMetadataErrorToResponseError). */
export function responseErrorOfAppend(errorCode: ErrorCode): ErrorCode {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return errorCode
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
