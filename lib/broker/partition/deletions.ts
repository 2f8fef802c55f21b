import { ErrorCode } from '../../../protocol/errors.js'
import {
  DelayedDeleteRecords,
  type DeleteRecordsAnswer,
  type PendingDeletion,
} from '../purgatory/delayed-delete-records.js'
import { type HangUp, parkFor } from '../purgatory/hang-up.js'
import type { Purgatory } from '../purgatory/purgatory.js'
import type { Partition } from './partition.js'

/** Deletes records up to an offset on every replica. */
export class Deletions {
  readonly #purgatory: Purgatory

  constructor(ports: { purgatory: Purgatory }) {
    this.#purgatory = ports.purgatory
  }

  /** Offset -1: everything committed. A promise only while other replicas have not followed (null: the connection went away first). */
  deleteRecords(
    entries: readonly { partition: Partition; offset: number }[],
    timeoutMs: number,
    hangUp: HangUp | null,
  ): readonly DeleteRecordsAnswer[] | Promise<readonly DeleteRecordsAnswer[] | null> {
    const pending = entries.map(({ partition, offset }): PendingDeletion => {
      const errorCode = partition.deleteRecords(offset)
      const requiredOffset = errorCode === ErrorCode.NONE ? partition.log.logStartOffset : -1
      return { partition, requiredOffset, answer: { errorCode, lowWatermark: -1 } }
    })
    const operation = new DelayedDeleteRecords(pending)
    if (operation.ready()) return pending.map((one) => one.answer)
    const keys = pending.filter((one) => one.requiredOffset >= 0).map((one) => one.partition)
    return parkFor(this.#purgatory, operation, keys, timeoutMs, hangUp)
  }
}
