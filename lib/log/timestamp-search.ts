/** ListOffsets by time: walks over the segments that may hold the answer. */

import * as header from '../../protocol/batch/header.js'
import { type Decompress, forEachRecord } from '../../protocol/batch/records.js'
import { type Walk, walkBatches } from './batch-walk.js'
import { CompressionCode, CompressionError, prepareCodec } from './compression/index.js'
import type { TimestampOffset } from './contract.js'
import { DamagedLog, damagedAt } from './damage.js'
import { isGoodBatch } from './good-batch.js'
import { startOf, startOfTime } from './index-trust.js'
import type { Segment } from './segment.js'

export type Lookup = TimestampOffset | null | Promise<TimestampOffset | null>

/** The first record at or above `startOffset` whose timestamp is at least `timestamp`, in offset order; null when there is none. */
export function* firstRecordSince(
  segments: readonly Segment[],
  timestamp: number,
  startOffset: number,
  decompress: Decompress,
): Walk<TimestampOffset | null> {
  for (const segment of segments) {
    if (segment.maxTimestamp < timestamp || segment.nextOffset <= startOffset) continue
    const start = yield* startOfTime(segment, timestamp, startOffset)
    let found: TimestampOffset | null = null
    yield* walkBatches(segment, start, segment.sizeInBytes, true, (buffer, at, position) => {
      if (!segment.isVerified(position, position + header.sizeInBytes(buffer, at)))
        checkBatch(segment, buffer, at, position)
      if (header.maxTimestamp(buffer, at) < timestamp || header.lastOffset(buffer, at) < startOffset) return true
      found = recordSince(buffer, at, timestamp, startOffset, decompress)
      return found === null
    })
    if (found !== null) return found
  }
  return null
}

/** The first record with the largest timestamp of all (KIP-734), which is the first of all when none carries one; null without records. */
export function* recordWithMaxTimestamp(
  segments: readonly Segment[],
  startOffset: number,
  decompress: Decompress,
): Walk<TimestampOffset | null> {
  const best = youngest(segments)
  if (best === null) return yield* firstRecordSince(segments, -1, startOffset, decompress)
  const found = yield* firstRecordSince([best], best.maxTimestamp, startOffset, decompress)
  const [first, ...others] = segments
  if (found !== null || best !== first || first.baseOffset >= startOffset) return found
  // The record that had it was deleted, and its segment is still there: Kafka names it all the same.
  const left = yield* maxTimestampFrom(first, startOffset, decompress)
  const largest = Math.max(left, youngest(others)?.maxTimestamp ?? -1)
  return yield* firstRecordSince(segments, largest, startOffset, decompress)
}

function youngest(segments: readonly Segment[]): Segment | null {
  let best: Segment | null = null
  for (const segment of segments) {
    if (segment.maxTimestamp > (best?.maxTimestamp ?? -1)) best = segment
  }
  return best
}

/** The largest timestamp of the records in a segment from `startOffset` on, -1 without any. */
function* maxTimestampFrom(segment: Segment, startOffset: number, decompress: Decompress): Walk<number> {
  let largest = -1
  const start = yield* startOf(segment, startOffset)
  yield* walkBatches(segment, start, segment.sizeInBytes, true, (buffer, at, position) => {
    if (!segment.isVerified(position, position + header.sizeInBytes(buffer, at)))
      checkBatch(segment, buffer, at, position)
    const max = header.maxTimestamp(buffer, at)
    if (max <= largest || header.lastOffset(buffer, at) < startOffset || header.recordCount(buffer, at) === 0)
      return true
    if (header.baseOffset(buffer, at) >= startOffset) largest = max
    else largest = Math.max(largest, maxOfRecords(buffer, at, startOffset, decompress))
    return true
  })
  return largest
}

/** @throws DamagedLog */
function checkBatch(segment: Segment, buffer: Buffer, at: number, position: number): void {
  if (!isGoodBatch(buffer, at, segment.baseOffset, segment.nextOffset)) throw damagedAt(segment, position)
}

function maxOfRecords(batch: Buffer, at: number, startOffset: number, decompress: Decompress): number {
  if (header.timestampType(batch, at) === 1) return header.maxTimestamp(batch, at)
  const firstDelta = startOffset - header.baseOffset(batch, at)
  const baseTimestamp = header.baseTimestamp(batch, at)
  let largest = -1
  forEachRecord(batch, at, decompress, ({ offsetDelta, timestampDelta }) => {
    if (offsetDelta >= firstDelta) largest = Math.max(largest, baseTimestamp + Number(timestampDelta))
  })
  return largest
}

function recordSince(
  batch: Buffer,
  at: number,
  timestamp: number,
  startOffset: number,
  decompress: Decompress,
): TimestampOffset | null {
  const baseOffset = header.baseOffset(batch, at)
  const leaderEpoch = header.leaderEpoch(batch, at)
  // KIP-32: under LogAppendTime every record carries the batch's maximum timestamp.
  const appendTime = header.timestampType(batch, at) === 1 ? header.maxTimestamp(batch, at) : null
  const baseTimestamp = header.baseTimestamp(batch, at)
  let found: TimestampOffset | null = null
  forEachRecord(batch, at, decompress, (record) => {
    if (found !== null) return
    const offset = baseOffset + record.offsetDelta
    const recordTimestamp = appendTime ?? baseTimestamp + Number(record.timestampDelta)
    if (recordTimestamp >= timestamp && offset >= startOffset)
      found = { timestamp: recordTimestamp, offset, leaderEpoch }
  })
  return found
}

/**
 * Runs a search again when it needed zstd, which takes a moment to load the first time. `onDamage` is told of a log that cannot be read.
 */
export function withCodecs(search: () => Lookup, onDamage: (error: DamagedLog) => void): Lookup {
  const retry = (error: unknown): Lookup => {
    if (error instanceof DamagedLog) onDamage(error)
    const preparing =
      error instanceof CompressionError && error.code === 'NOT_READY' ? prepareCodec(CompressionCode.zstd) : null
    if (preparing === null) throw error
    return preparing.then(search)
  }
  try {
    const found = search()
    return found instanceof Promise ? found.catch(retry) : found
  } catch (error) {
    return retry(error)
  }
}
