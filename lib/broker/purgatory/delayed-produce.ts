import { ErrorCode } from '../../../protocol/errors.js'
import type { AppendAnswer } from '../partition/append-types.js'
import type { Partition } from '../partition/partition.js'
import type { Answering } from './hang-up.js'

/** One partition of the request: appended, and perhaps not yet acknowledged. */
export interface PendingAppend {
  readonly partition: Partition
  /** Answers NONE until it is known better. */
  answer: AppendAnswer
  /** To be acknowledged when everything below is safe; -1: nothing to wait for (it failed, or is acknowledged). */
  requiredOffset: number
}

/**
 * A Produce request that waits for its acknowledgement: acks=1 for the write, acks=-1 for the high watermark.
 * It is complete when every partition is in one of these cases:
 *
 * - A: this broker is no longer a replica, or the topic is gone -> UNKNOWN_TOPIC_OR_PARTITION
 * - B: this broker no longer leads -> NOT_LEADER_OR_FOLLOWER (the records may survive or not: the client asks the new leader)
 * - C: this broker leads and the records are safe
 *   - C.1: with fewer in-sync replicas than promised -> NOT_ENOUGH_REPLICAS_AFTER_APPEND
 *   - C.2: otherwise -> NONE
 * - D: the disk has failed -> KAFKA_STORAGE_ERROR
 * - E: the append itself had failed
 *
 * When the time is up the others answer REQUEST_TIMED_OUT; their records stay in the log.
 */
export class DelayedProduce implements Answering<readonly AppendAnswer[]> {
  settle: (answer: readonly AppendAnswer[] | null) => void = () => {}
  reject: (error: unknown) => void = () => {}
  readonly #pending: readonly PendingAppend[]
  readonly #acks: number

  constructor(pending: readonly PendingAppend[], acks: number) {
    this.#pending = pending
    this.#acks = acks
  }

  ready(): boolean {
    let open = false
    for (const one of this.#pending) {
      if (one.requiredOffset < 0) continue // E
      const errorCode = one.partition.acknowledgement(one.requiredOffset, this.#acks) // A to D
      if (errorCode === null) open = true
      else finishAppend(one, errorCode)
    }
    return !open
  }

  complete(expired: boolean): void {
    if (expired) {
      this.ready()
      for (const one of this.#pending) if (one.requiredOffset >= 0) finishAppend(one, ErrorCode.REQUEST_TIMED_OUT)
    }
    this.settle(this.#pending.map((one) => one.answer))
  }

  abandon(): void {
    this.settle(null)
  }

  fail(error: unknown): void {
    this.reject(error)
  }
}

/** What was appended keeps its offsets in the answer, also when its acknowledgement failed. */
export function finishAppend(pending: PendingAppend, errorCode: ErrorCode): void {
  pending.requiredOffset = -1
  if (errorCode !== ErrorCode.NONE) pending.answer = { ...pending.answer, errorCode }
}
