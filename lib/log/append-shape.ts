/**
 * The outline of a Produce's bytes: is there exactly one batch of magic 2? Answered from sizes and magic bytes alone, as Kafka's
 * ProduceRequest.validateRecords does before anything else looks at them.
 */
import { LOG_OVERHEAD, MAGIC, sizeInBytes } from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { RefusedBatch } from './append-validator.js'

/** The smallest body any format ever had (magic 0). A smaller size means that these bytes are no record set. */
const SMALLEST_BODY_BYTES = 14

type Found = { kind: 'batch'; size: number; magic: number } | { kind: 'none' } | { kind: 'corrupt'; why: string }

const NONE: Found = { kind: 'none' }

/** What lies at `at`: a whole batch, nothing that could be one (too few bytes), or garbage. */
function batchAt(records: Buffer, at: number): Found {
  const left = records.length - at
  if (left < LOG_OVERHEAD) return NONE
  const body = sizeInBytes(records, at) - LOG_OVERHEAD
  if (body < SMALLEST_BODY_BYTES) return { kind: 'corrupt', why: `a batch declares a length of ${body} bytes` }
  if (left <= MAGIC) return NONE
  const magic = records[at + MAGIC]!
  if (magic > 2) return { kind: 'corrupt', why: `a batch has the unknown magic ${(magic << 24) >> 24}` }
  return left < body + LOG_OVERHEAD ? NONE : { kind: 'batch', size: body + LOG_OVERHEAD, magic }
}

export const refusal = (errorCode: RefusedBatch['errorCode'], message: string): RefusedBatch => ({
  errorCode,
  message,
  recordErrors: [],
})

/**
 * The size of the only batch, or why the bytes are refused:
 * A nothing, or less than a batch: INVALID_RECORD. B size or magic that no format has: CORRUPT_MESSAGE.
 * C magic 0 or 1: INVALID_RECORD. D a second whole batch: INVALID_RECORD; a few stray bytes are ignored.
 */
export function onlyBatchSize(records: Buffer | null): number | RefusedBatch {
  if (records === null || records.length === 0) return refusal(ErrorCode.INVALID_RECORD, 'The records are empty.') // A
  const first = batchAt(records, 0)
  if (first.kind === 'none') {
    return refusal(ErrorCode.INVALID_RECORD, 'The records hold no whole batch.') // A
  }
  if (first.kind === 'corrupt') return refusal(ErrorCode.CORRUPT_MESSAGE, `The records are corrupt: ${first.why}.`) // B
  if (first.magic < 2) {
    return refusal(ErrorCode.INVALID_RECORD, `Produce takes record batches of magic 2, this is magic ${first.magic}.`) // C
  }
  // Nearly always the batch fills the bytes, and there is nothing to look at behind it.
  if (first.size === records.length) return first.size
  const second = batchAt(records, first.size)
  if (second.kind === 'corrupt') return refusal(ErrorCode.CORRUPT_MESSAGE, `The records are corrupt: ${second.why}.`) // B
  if (second.kind === 'batch') {
    return refusal(ErrorCode.INVALID_RECORD, 'Produce takes exactly one record batch per partition.') // D
  }
  return first.size
}
