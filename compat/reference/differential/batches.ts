import { type BatchOptions, buildBatch } from '../../../protocol/batch/index.js'

/** A fixed time, so that batches are the same bytes on both brokers. */
export const baseTimestamp = 1_700_000_000_000

/** A batch of records with the given values; keys are `k0`, `k1` ... and timestamps rise by one millisecond. */
export function batch(values: readonly string[], options: BatchOptions = {}): Buffer {
  const records = values.map((value, i) => ({
    key: `k${i}`,
    value,
    timestamp: (options.baseTimestamp ?? baseTimestamp) + i,
  }))
  return buildBatch(records, options)
}
