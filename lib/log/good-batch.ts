/** Whether bytes are a batch that can be served. */
import { isValidBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import { endOfTransaction } from './batch-effects.js'

/** Whether the whole batch at `at` is undamaged and lies in [next, endsBefore). */
export function isGoodBatch(buffer: Buffer, at: number, next: number, endsBefore: number): boolean {
  return liesBetween(buffer, at, next, endsBefore) && isValidBatch(buffer, at) && isReadableMarker(buffer, at)
}

/** What the header alone tells of that. */
export function liesBetween(buffer: Buffer, at: number, next: number, endsBefore: number): boolean {
  const baseOffset = header.baseOffset(buffer, at)
  const lastOffset = header.lastOffset(buffer, at)
  return header.magic(buffer, at) === 2 && baseOffset >= next && lastOffset >= baseOffset && lastOffset < endsBefore
}

/** A good checksum does not make a marker of what claims to be one. */
function isReadableMarker(buffer: Buffer, at: number): boolean {
  if (!header.isControl(buffer, at)) return true
  try {
    endOfTransaction(buffer, at)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
