/**
 * Index files are caches under no checksum. Where one leads is looked at before it is believed: to a whole batch, and to none above what
 * is sought. Else the indexes are made again from the log.
 */
import * as header from '../../protocol/batch/header.js'
import { type Walk, walkBatches } from './batch-walk.js'
import { batchAt, damagedAt } from './damage.js'
import { isGoodBatch } from './good-batch.js'
import type { Segment } from './segment.js'

/** Where a walk to `offset` begins: no batch before that position reaches it. @throws DamagedLog, DiskError */
export function* startOf(segment: Segment, offset: number): Walk<number> {
  const position = segment.offsetIndex.floorPosition(offset)
  if (position === 0 || (yield* isBatch(segment, position, offset))) return position
  yield* repairIndexes(segment)
  return segment.offsetIndex.floorPosition(offset)
}

/** The same for the first record at or above `startOffset` whose timestamp is at least `timestamp`. */
export function* startOfTime(segment: Segment, timestamp: number, startOffset: number): Walk<number> {
  const entry = segment.timeIndex.floorEntry(timestamp)
  if (entry === null || entry.offset <= startOffset) return yield* startOf(segment, startOffset)
  const from = yield* startOf(segment, entry.offset)
  // Both indexes may have been made again.
  const { offset, timestamp: time } = segment.timeIndex.floorEntry(timestamp) ?? {}
  if (offset !== entry.offset || time !== entry.timestamp) return yield* startOfTime(segment, timestamp, startOffset)
  let isTrue = false
  const position = yield* walkBatches(segment, from, segment.sizeInBytes, false, (buffer, at) => {
    if (header.lastOffset(buffer, at) < entry.offset) return true
    isTrue = header.baseOffset(buffer, at) <= entry.offset && header.maxTimestamp(buffer, at) === entry.timestamp
    return false
  })
  if (isTrue) return position
  yield* repairIndexes(segment)
  return yield* startOf(segment, Math.max(startOffset, segment.timeIndex.floorEntry(timestamp)?.offset ?? 0))
}

/** Whether an undamaged batch begins at `position` whose first offset is at most `offset`. */
export function* isBatch(segment: Segment, position: number, offset: number): Walk<boolean> {
  const batch = yield* batchAt(segment, position, segment.sizeInBytes)
  if (batch === null || header.baseOffset(batch) > offset) return false
  return isGoodBatch(batch, 0, segment.baseOffset, segment.nextOffset)
}

/**
 * Makes the indexes of a segment in use again. Void when the segment is cut meanwhile: whoever does that has made its own of them.
 * @throws DamagedLog when it is a batch that is bad; DiskError
 */
export function* repairIndexes(segment: Segment): Walk<void> {
  const { generation } = segment
  const fresh = segment.freshIndexes()
  let next = segment.baseOffset
  let max = -1
  let offsetOfMax = -1
  let end = 0
  let from: number
  // Appends go on meanwhile: until nothing is left.
  do {
    from = end
    end = yield* walkBatches(segment, from, segment.sizeInBytes, true, (buffer, at, position) => {
      if (!isGoodBatch(buffer, at, next, segment.nextOffset)) return false
      next = header.lastOffset(buffer, at) + 1
      if (header.maxTimestamp(buffer, at) > max) {
        max = header.maxTimestamp(buffer, at)
        offsetOfMax = next - 1
      }
      fresh.book(position, header.sizeInBytes(buffer, at), next - 1, max, offsetOfMax)
      return true
    })
  } while (end > from && end < segment.sizeInBytes)
  if (segment.generation !== generation) return
  if (end < segment.writtenBytes) throw damagedAt(segment, end)
  segment.replaceIndexes(fresh, max, offsetOfMax)
}
