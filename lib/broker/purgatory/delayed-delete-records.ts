import { ErrorCode } from '../../../protocol/errors.js'
import type { Partition } from '../partition/partition.js'
import type { Answering } from './hang-up.js'

export interface DeleteRecordsAnswer {
  errorCode: ErrorCode
  /** The smallest log start offset of all live replicas; -1 on an error. */
  lowWatermark: number
}

export interface PendingDeletion {
  readonly partition: Partition
  /** Every replica has to start here or later; -1: nothing to wait for. */
  requiredOffset: number
  answer: DeleteRecordsAnswer
}

/**
 * A DeleteRecords request that waits until every live replica has deleted. Complete when every partition is in one of these cases:
 *
 * - A: this broker is no longer its leader -> the error that says so
 * - B: the low watermark has reached the offset -> NONE
 * - C: the deletion itself had failed
 *
 * When the time is up the others answer REQUEST_TIMED_OUT with the low watermark reached.
 */
export class DelayedDeleteRecords implements Answering<readonly DeleteRecordsAnswer[]> {
  settle: (answer: readonly DeleteRecordsAnswer[] | null) => void = () => {}
  reject: (error: unknown) => void = () => {}
  readonly #pending: readonly PendingDeletion[]

  constructor(pending: readonly PendingDeletion[]) {
    this.#pending = pending
  }

  ready(): boolean {
    let open = false
    for (const one of this.#pending) {
      if (one.requiredOffset < 0) continue // C
      const errorCode = one.partition.check(-1, true)
      const { lowWatermark } = one.partition
      if (errorCode === ErrorCode.NONE && lowWatermark < one.requiredOffset) {
        one.answer = { errorCode: ErrorCode.REQUEST_TIMED_OUT, lowWatermark }
        open = true
        continue
      }
      one.requiredOffset = -1
      one.answer = errorCode === ErrorCode.NONE ? { errorCode, lowWatermark } : { errorCode, lowWatermark: -1 } // B, A
    }
    return !open
  }

  complete(expired: boolean): void {
    if (expired) this.ready()
    this.settle(this.#pending.map((one) => one.answer))
  }

  abandon(): void {
    this.settle(null)
  }

  fail(error: unknown): void {
    this.reject(error)
  }
}
