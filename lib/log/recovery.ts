/** Reading a segment's files back: which are there, and what the batches in one say. */

import { isValidBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import type { Disk } from '../host/disk.js'
import { applyBatch, endOfTransaction } from './batch-effects.js'
import { type Walk, walkBatches } from './batch-walk.js'
import { damagedAt } from './damage.js'
import type { LeaderEpochs } from './leader-epochs.js'
import type { ProducerStates } from './producer-state.js'
import type { Segment } from './segment.js'
import type { SegmentIndexes } from './segment-indexes.js'
import { settleSwaps } from './swap-recovery.js'

const LOG_FILE = /^(\d{20})\.log$/
const INDEX_FILE = /^(\d{20})\.(?:index|timeindex|txnindex)$/
/** Offsets within a segment are int32 in its indexes. */
const SEGMENT_OFFSETS_MAX = 2 ** 31
/** Left behind by a crash in the middle of something that will be done again. */
const LEFTOVER = /\.tmp$/

/** Base offsets of the segments in a folder, rising; finishes swaps, sweeps away leftovers and indexes without a log. @throws DiskError */
export function findSegments(disk: Disk, folder: string): number[] {
  const names = settleSwaps(disk, folder)
  const logs = new Set<string>()
  for (const name of names) {
    const match = LOG_FILE.exec(name)
    if (match !== null) logs.add(match[1]!)
  }
  for (const name of names) {
    const index = INDEX_FILE.exec(name)
    if (LEFTOVER.test(name) || (index !== null && !logs.has(index[1]!))) disk.remove(`${folder}/${name}`)
  }
  return [...logs].map(Number).sort((a, b) => a - b)
}

export interface Learner {
  producers: ProducerStates
  epochs: LeaderEpochs
  /** Where what was learnt before ends. */
  endOffset: number
}

/**
 * Books a segment from its file, whose first `fileBytes` bytes are looked at; with `checked` every batch's CRC too. A batch that reaches
 * into the next segment (`endsBefore`), or further than a segment can, has a damaged base offset, which no CRC covers: believing it would
 * send readers past everything behind it. Returns where the good batches end. `into` null: only the segment is booked, its transaction
 * index stays as it is.
 */
export function* rebuild(
  segment: Segment,
  fileBytes: number,
  into: Learner | null,
  endsBefore = segment.baseOffset + SEGMENT_OFFSETS_MAX,
): Walk<number> {
  segment.resetFacts()
  if (into !== null) segment.txnIndex.clear()
  const now = segment.options.createdMs
  return yield* walkBatches(segment, 0, fileBytes, true, (buffer, at) => {
    if (!isGoodBatch(buffer, at, segment.nextOffset, endsBefore)) return false
    segment.bookHeader(buffer, at, now)
    if (into !== null) {
      applyBatch(buffer, at, segment, into.producers, into)
      into.endOffset = segment.nextOffset
    }
    return true
  })
}

/** Whether the whole batch at `at` is undamaged and lies in [next, endsBefore). */
export function isGoodBatch(buffer: Buffer, at: number, next: number, endsBefore: number): boolean {
  const baseOffset = header.baseOffset(buffer, at)
  const lastOffset = header.lastOffset(buffer, at)
  if (header.magic(buffer, at) !== 2 || baseOffset < next || lastOffset < baseOffset || lastOffset >= endsBefore)
    return false
  return isValidBatch(buffer, at) && isReadableMarker(buffer, at)
}

/** What the end of a segment was found to be. */
export interface SegmentEnd {
  /** Where the good batches end. */
  position: number
  /** Of the last batch, -1 when there is none. */
  leaderEpoch: number
}

/**
 * Learns a segment's last offset, and times that its time index does not have yet, from the batches behind the last index entry. All
 * of what is read is checked.
 */
export function* learnEnd(segment: Segment, endsBefore = segment.baseOffset + SEGMENT_OFFSETS_MAX): Walk<SegmentEnd> {
  const from = segment.lastIndexed
  let next = segment.baseOffset
  let leaderEpoch = -1
  if (segment.firstTimestamp < 0 && from.position > 0) {
    segment.firstTimestamp = header.maxTimestamp(yield { segment, position: 0, length: header.HEADER_BYTES })
  }
  const position = yield* walkBatches(segment, from.position, segment.sizeInBytes, true, (buffer, at, position) => {
    if (!isGoodBatch(buffer, at, next, endsBefore)) return false
    if (position === from.position && header.baseOffset(buffer, at) > from.offset) return false
    next = header.lastOffset(buffer, at) + 1
    leaderEpoch = header.leaderEpoch(buffer, at)
    segment.noteEnd(next, header.maxTimestamp(buffer, at), position)
    return true
  })
  return { position, leaderEpoch }
}

/** Fills fresh indexes from a segment that is in use. Returns where the good batches end: its end, when only the indexes were wrong. */
function* reindex(segment: Segment, indexes: SegmentIndexes): Walk<number> {
  const { sizeInBytes } = segment
  let next = segment.baseOffset
  let max = -1
  let offsetOfMax = -1
  return yield* walkBatches(segment, 0, sizeInBytes, true, (buffer, at, position) => {
    if (!isGoodBatch(buffer, at, next, segment.nextOffset)) return false
    next = header.lastOffset(buffer, at) + 1
    if (header.maxTimestamp(buffer, at) > max) {
      max = header.maxTimestamp(buffer, at)
      offsetOfMax = next - 1
    }
    indexes.book(position, header.sizeInBytes(buffer, at), next - 1, max, offsetOfMax)
    return true
  })
}

/**
 * Makes the indexes of a segment in use again. True when they were replaced: those of the active one live in memory and were checked when
 * it was opened. @throws DamagedLog when it is a batch that is bad; DiskError
 */
export async function repairIndexes(
  segment: Segment,
  isActive: boolean,
  run: <T>(walk: Walk<T>) => T | Promise<T>,
): Promise<boolean> {
  const { generation } = segment
  const fresh = segment.freshIndexes()
  const end = await run(reindex(segment, fresh))
  if (segment.generation !== generation) return false
  if (end < segment.writtenBytes) throw damagedAt(segment, end)
  if (isActive) return false
  segment.replaceIndexes(fresh)
  return true
}

/** Position of the first batch that reaches `offset` or lies above it. */
export function* positionOf(segment: Segment, offset: number): Walk<number> {
  const from = segment.offsetIndex.floorPosition(offset - 1)
  return yield* walkBatches(
    segment,
    from,
    segment.sizeInBytes,
    false,
    (buffer, at) => header.lastOffset(buffer, at) < offset,
  )
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
