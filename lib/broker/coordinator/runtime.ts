import { ErrorCode, errorName } from '../../../protocol/errors.js'
import type { Clock, Timer } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import { ask } from './ask.js'
import type { RecordCodec, ShardLog, ShardMachine, ShardVisitor, Slot, TransactionMarker } from './contract.js'
import { Shard, type ShardFailure } from './shard.js'

export interface RuntimeOptions {
  /** The internal topic, for log lines. */
  topic: string
  /** See ShardOptions. */
  parkedRepliesMax?: number
  /** How long a shard that broke stays away before it is read again: a full disk must not become a busy loop. */
  reloadBackoffMs?: number
}

export interface RuntimePorts<C, R> {
  clock: Clock
  logger: Logger
  codec: RecordCodec<R>
  /** A fresh, empty state machine for a partition that is led in this epoch. */
  createMachine(partition: number, leaderEpoch: number): ShardMachine<C, R>
  /** Something about `key` may have changed in this shard (Effect 'changed') and is committed. */
  onChanged?: (partition: number, key: string) => void
}

/**
 * loading: the log is being read. active: serves. failed: could not be read or broke; waits for the reload timer. away: this broker is not in the
 * cluster at present, somebody else may coordinate.
 */
type Slotted<C, R> =
  | { state: 'loading'; log: ShardLog; attempt: number }
  | { state: 'active'; log: ShardLog; shard: Shard<C, R>; machine: ShardMachine<C, R> }
  | { state: 'failed'; log: ShardLog; timer: Timer }
  | { state: 'away'; log: ShardLog }

/** 100,000 waiting replies are some 20 MB: enough for a burst of commits while a follower restarts, not enough to die of it. */
const PARKED_REPLIES_MAX = 100_000
const RELOAD_BACKOFF_MS = 100
/** Bytes that cannot be read stay so until somebody looks: reading a large log again and again would leave no time for anything else. */
const RELOAD_BACKOFF_MAX_MS = 10_000
/** Commands that may wait for one shard: what a log that never can be read must not let grow. */
const AWAITED_MAX = 10_000
const SAY_AGAIN_MS = 10_000

/** The shards of one internal topic that this broker leads. */
export class CoordinatorRuntime<C, R> {
  readonly #options: Required<RuntimeOptions>
  readonly #ports: RuntimePorts<C, R>
  readonly #shards = new Map<number, Slotted<C, R>>()
  readonly #quietUntilMs = new Map<number, number>()
  /** By partition: what is to be decided as soon as it serves. */
  readonly #awaited = new Map<number, C[]>()
  /** By partition: how often its log could not be read in a row. */
  readonly #failedReads = new Map<number, number>()
  #attempts = 0
  #inCluster = true

  constructor(options: RuntimeOptions, ports: RuntimePorts<C, R>) {
    this.#options = { parkedRepliesMax: PARKED_REPLIES_MAX, reloadBackoffMs: RELOAD_BACKOFF_MS, ...options }
    this.#ports = ports
  }

  /**
   * This broker leads the partition from now on: read its log and serve. Done when it returns if the log can be read in one turn.
   * Loading again with the same or a lower leader epoch does nothing.
   */
  load(partition: number, log: ShardLog): void {
    const current = this.#shards.get(partition)
    if (current !== undefined && current.log.leaderEpoch >= log.leaderEpoch) return
    if (current !== undefined) this.#drop(partition, ErrorCode.NOT_COORDINATOR)
    if (this.#inCluster) this.#read(partition, log)
    else this.#shards.set(partition, { state: 'away', log })
  }

  /**
   * False: the cluster may have given everything here to others. What waits fails with NOT_COORDINATOR, and nothing is answered from memory. True:
   * what has not been taken away is read again.
   */
  setStanding(inCluster: boolean): void {
    if (this.#inCluster === inCluster) return
    this.#inCluster = inCluster
    for (const [partition, { log, state }] of [...this.#shards]) {
      if (inCluster && state === 'away') this.#read(partition, log)
      if (inCluster || state === 'away') continue
      this.#drop(partition, ErrorCode.NOT_COORDINATOR)
      this.#shards.set(partition, { state: 'away', log })
    }
  }

  /** This broker does not lead the partition any more. Everything that waits there fails with NOT_COORDINATOR. */
  unload(partition: number): void {
    this.#awaited.delete(partition)
    this.#drop(partition, ErrorCode.NOT_COORDINATOR)
  }

  close(): void {
    for (const partition of [...this.#shards.keys()]) this.unload(partition)
  }

  /** NONE: serves. COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR: what a client is told. */
  status(partition: number): ErrorCode {
    const current = this.#shards.get(partition)
    if (current === undefined || current.state === 'away') return ErrorCode.NOT_COORDINATOR
    return current.state === 'active' ? ErrorCode.NONE : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
  }

  /** Partitions that are led here, loaded or not, in ascending order. */
  partitions(): number[] {
    return [...this.#shards.keys()].sort((a, b) => a - b)
  }

  /** The machine of an active shard, to look at (embed, metrics, tests); null otherwise. */
  machine(partition: number): ShardMachine<C, R> | null {
    const current = this.#shards.get(partition)
    return current?.state === 'active' ? current.machine : null
  }

  /** Decides a command. `slot` hears about it in this turn whenever everything is committed in this turn. */
  submit(partition: number, command: C, slot: Slot<never> | null): void {
    const current = this.#shards.get(partition)
    if (current?.state === 'active') current.shard.submit(command, slot)
    else slot?.fail(this.status(partition))
  }

  /** Decides a command that nobody waits for: now, or when the shard that is led here serves. */
  submitInTheEnd(partition: number, command: C): void {
    const current = this.#shards.get(partition)
    if (current === undefined) return
    if (current.state === 'active') {
      current.shard.submit(command, null)
      return
    }
    const awaited = this.#awaited.get(partition)
    if (awaited === undefined) this.#awaited.set(partition, [command])
    else if (awaited.length < AWAITED_MAX) awaited.push(command)
  }

  /**
   * Writes the marker that ends a producer's transaction in this partition, and applies it. NONE once it is committed; what a shard
   * that does not serve says otherwise; the log's error when it refused the marker.
   */
  completeTransaction(partition: number, marker: TransactionMarker): ErrorCode | Promise<ErrorCode> {
    return ask<ErrorCode>(
      (slot) => {
        const current = this.#shards.get(partition)
        if (current?.state === 'active') current.shard.complete(marker, slot)
        else slot.fail(this.status(partition))
      },
      (errorCode) => errorCode,
    )
  }

  /** Timers and waiting replies of all shards: must be 0 after `close`. */
  get pending(): number {
    let count = 0
    for (const current of this.#shards.values()) {
      if (current.state === 'active') count += current.shard.timers + current.shard.parkedReplies
    }
    return count
  }

  #read(partition: number, log: ShardLog): void {
    const attempt = ++this.#attempts
    const machine = this.#ports.createMachine(partition, log.leaderEpoch)
    this.#shards.set(partition, { state: 'loading', log, attempt })
    const visitor: ShardVisitor = {
      record: ({ key, value, producer, offset }) => {
        if (key === null) return
        const decoded = this.#ports.codec.decode(key, value)
        if (decoded !== null) machine.apply(decoded, producer, offset)
      },
      marker: ({ producerId, producerEpoch, commit }) => machine.applyMarker?.(producerId, producerEpoch, commit),
    }
    try {
      const reading = log.read(visitor)
      if (reading === undefined) {
        this.#activate(partition, log, machine)
        return
      }
      reading.then(
        () => {
          if (this.#isCurrent(partition, attempt)) this.#activate(partition, log, machine)
        },
        (error: unknown) => {
          if (this.#isCurrent(partition, attempt)) this.#failed(partition, log, error)
        },
      )
    } catch (error) {
      this.#failed(partition, log, error)
    }
  }

  #isCurrent(partition: number, attempt: number): boolean {
    const current = this.#shards.get(partition)
    return current?.state === 'loading' && current.attempt === attempt
  }

  #activate(partition: number, log: ShardLog, machine: ShardMachine<C, R>): void {
    const { clock, codec, onChanged } = this.#ports
    const shard = new Shard<C, R>(this.#options, {
      clock,
      codec,
      log,
      machine,
      onBroken: (failure) => this.#broken(partition, log, failure),
      onChanged: onChanged === undefined ? null : (key) => onChanged(partition, key),
    })
    this.#failedReads.delete(partition)
    this.#shards.set(partition, { state: 'active', log, shard, machine })
    shard.start()
    const awaited = this.#awaited.get(partition)
    this.#awaited.delete(partition)
    for (const command of awaited ?? []) this.submitInTheEnd(partition, command)
  }

  #broken(partition: number, log: ShardLog, failure: ShardFailure): void {
    this.#sayBroken(partition, failure)
    this.#drop(partition, ErrorCode.NOT_COORDINATOR)
    this.#retryLater(partition, log, this.#options.reloadBackoffMs)
  }

  /** Too few in-sync replicas, say, break a shard again and again until there are enough: once in a while is enough. */
  #sayBroken(partition: number, { errorCode, error }: ShardFailure): void {
    const { clock, logger } = this.#ports
    const message = `The coordinator of ${this.#options.topic}-${partition} could not go on and is loaded again; its clients retry.`
    if (error !== null) {
      logger.error(message, { errorCode, error: error.stack })
      return
    }
    const now = clock.monotonic()
    if (now < (this.#quietUntilMs.get(partition) ?? 0)) return
    this.#quietUntilMs.set(partition, now + SAY_AGAIN_MS)
    logger.warn(message, { error: errorName(errorCode) })
  }

  #failed(partition: number, log: ShardLog, error: unknown): void {
    this.#ports.logger.error(
      `The log of ${this.#options.topic}-${partition} could not be read; nothing of it is served until it can.`,
      { error: error instanceof Error ? error.stack : String(error) },
    )
    const failedReads = this.#failedReads.get(partition) ?? 0
    this.#failedReads.set(partition, failedReads + 1)
    const delayMs = Math.min(this.#options.reloadBackoffMs * 2 ** failedReads, RELOAD_BACKOFF_MAX_MS)
    this.#retryLater(partition, log, delayMs)
  }

  #retryLater(partition: number, log: ShardLog, delayMs: number): void {
    const timer = this.#ports.clock.setTimer(delayMs, () => this.#read(partition, log))
    this.#shards.set(partition, { state: 'failed', log, timer })
  }

  #drop(partition: number, errorCode: ErrorCode): void {
    const current = this.#shards.get(partition)
    if (current === undefined) return
    this.#shards.delete(partition)
    this.#failedReads.delete(partition)
    if (current.state === 'active') current.shard.close(errorCode)
    if (current.state === 'failed') current.timer.cancel()
  }
}
