/**
 * A file of record batches read from its beginning, with every batch's CRC: the metadata log and its snapshots. Both are small (a
 * snapshot bounds them), so they are read whole.
 */
import { isValidBatch } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'

export interface BatchScan {
  readonly batches: readonly Buffer[]
  /** Where the good batches end. */
  readonly end: number
  /** What follows is no batch, but further on there is a good one: not a torn write, somebody or something damaged the file. */
  readonly damaged: boolean
}

export function scanBatches(bytes: Buffer): BatchScan {
  const batches: Buffer[] = []
  let at = 0
  while (at < bytes.length && isBatch(bytes, at)) {
    const next = at + header.sizeInBytes(bytes, at)
    batches.push(bytes.subarray(at, next))
    at = next
  }
  return { batches, end: at, damaged: at < bytes.length && hasBatchAfter(bytes, at) }
}

function isBatch(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= header.HEADER_BYTES && header.magic(bytes, at) === 2 && isValidBatch(bytes, at)
}

/** Bytes of garbage may look like a header once in a while; only a right CRC convinces. */
function hasBatchAfter(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(2, from + 1 + header.MAGIC); at >= 0; at = bytes.indexOf(2, at + 1)) {
    if (isBatch(bytes, at - header.MAGIC)) return true
  }
  return false
}
