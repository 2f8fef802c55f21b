import { buildBatch } from '../../protocol/batch/index.js'

/** Who writes, and where its sequence stands. */
export interface Writer {
  readonly producerId: number
  readonly producerEpoch?: number
  readonly baseSequence: number
  readonly transactional?: boolean
}

/** One batch of an idempotent producer, a record per value. */
export function idempotentBatch({ producerEpoch = 0, ...writer }: Writer, values: readonly string[]): Buffer {
  return buildBatch(
    values.map((value) => ({ value, timestamp: 1000 })),
    { ...writer, producerEpoch },
  )
}
