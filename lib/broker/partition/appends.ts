import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { AppendInfo } from '../../log/contract.js'
import type { TransactionMarker } from '../coordinator/contract.js'
import { DelayedProduce, finishAppend, type PendingAppend } from '../purgatory/delayed-produce.js'
import { type HangUp, parkFor } from '../purgatory/hang-up.js'
import type { Purgatory } from '../purgatory/purgatory.js'
import { appendMarker } from './append-marker.js'
import { type AppendAnswer, failedAppend } from './append-types.js'
import type { Partition } from './partition.js'
import type { WakeQueue } from './wake-queue.js'

/** One partition's share of a Produce request. */
export interface AppendEntry {
  readonly partition: Partition
  /** One record batch. A view is fine: it is copied before this turn ends. */
  readonly records: Buffer
  /** The batch begins a transaction of this version (see AppendOptions). */
  readonly transactionVersion?: number
}

/** The answers once this turn's appends have been written; a promise (null: the connection went away first) when that was not all. */
export type AfterWriting = () => readonly AppendAnswer[] | Promise<readonly AppendAnswer[] | null>

export interface AppendsPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly purgatory: Purgatory
  readonly wakes: WakeQueue
}

/** Appends what a Produce request brought and waits for its acknowledgement, if there is anything to wait for. */
export class Appends {
  readonly #ports: AppendsPorts

  constructor(ports: AppendsPorts) {
    this.#ports = ports
  }

  /**
   * Answers in the order of the entries. A function when an acknowledgement is out: it is asked in the same turn, after the logs have been
   * flushed, which in most cases is all there is to wait for. So a disk costs no promise, and one write serves many requests.
   * acks 0: accepted is enough. 1: written by this broker. -1: on all in-sync replicas, or REQUEST_TIMED_OUT after `timeoutMs`.
   * Any other number of acks: INVALID_REQUIRED_ACKS for each, nothing is written.
   */
  append(
    entries: readonly AppendEntry[],
    acks: number,
    timeoutMs: number,
    hangUp: HangUp | null,
  ): readonly AppendAnswer[] | AfterWriting {
    if (acks < -1 || acks > 1) return entries.map(() => failedAppend(ErrorCode.INVALID_REQUIRED_ACKS))
    const { clock, wakes } = this.#ports
    const now = clock.now()
    wakes.hold()
    try {
      const pending = entries.map((entry) => this.#appendOne(entry, acks, now))
      const answers = this.#acknowledged(pending, acks)
      return answers ?? (() => this.#acknowledged(pending, acks) ?? this.#park(pending, acks, timeoutMs, hangUp))
    } finally {
      wakes.release()
    }
  }

  /** Appends a marker to each of these partitions and waits as for acks=-1. The codes come in their order. */
  appendMarkers(
    partitions: readonly Partition[],
    marker: TransactionMarker,
    timeoutMs: number,
  ): readonly ErrorCode[] | Promise<readonly ErrorCode[]> {
    const { clock, wakes } = this.#ports
    const now = clock.now()
    wakes.hold()
    try {
      const pending = partitions.map((partition) =>
        this.#pending(partition, () => appendMarker(partition, marker, partition.leaderEpoch, now)),
      )
      const answers = this.#acknowledged(pending, -1)
      if (answers !== null) return answers.map(({ errorCode }) => errorCode)
      // Nobody who could hang up waits here: null is this broker closing.
      const closing = ErrorCode.NOT_LEADER_OR_FOLLOWER
      const parked = this.#park(pending, -1, timeoutMs, null)
      return parked.then((late) => partitions.map((_, i) => late?.[i]?.errorCode ?? closing))
    } finally {
      wakes.release()
    }
  }

  /** The answers, or null when an acknowledgement is out. */
  #acknowledged(pending: readonly PendingAppend[], acks: number): readonly AppendAnswer[] | null {
    let waits = false
    for (const one of pending) {
      if (one.requiredOffset < 0) continue
      const errorCode = acks === 0 ? ErrorCode.NONE : one.partition.acknowledgement(one.requiredOffset, acks)
      if (errorCode === null) waits = true
      else finishAppend(one, errorCode)
    }
    return waits ? null : pending.map((one) => one.answer)
  }

  #park(pending: readonly PendingAppend[], acks: number, timeoutMs: number, hangUp: HangUp | null) {
    const keys = pending.filter((one) => one.requiredOffset >= 0).map((one) => one.partition)
    // acks=1 waits for our own write alone, which ends by itself, in success or in failure.
    return parkFor(
      this.#ports.purgatory,
      new DelayedProduce(pending, acks),
      keys,
      acks === -1 ? timeoutMs : null,
      hangUp,
    )
  }

  #appendOne({ partition, records, transactionVersion }: AppendEntry, acks: number, now: number): PendingAppend {
    return this.#pending(partition, () => partition.append(records, acks, now, transactionVersion))
  }

  #pending(partition: Partition, append: () => AppendInfo | ErrorCode): PendingAppend {
    const { logger } = this.#ports
    try {
      const info = append()
      if (typeof info === 'number') {
        const logStartOffset = info === ErrorCode.NOT_ENOUGH_REPLICAS ? partition.log.logStartOffset : -1
        return { partition, answer: failedAppend(info, logStartOffset), requiredOffset: -1 }
      }
      return { partition, answer: info, requiredOffset: info.errorCode === ErrorCode.NONE ? info.lastOffset + 1 : -1 }
    } catch (error) {
      logger.error(`Appending to ${partition.topic}-${partition.partition} failed inside the broker.`, { error })
      return { partition, answer: failedAppend(ErrorCode.UNKNOWN_SERVER_ERROR), requiredOffset: -1 }
    }
  }
}
