/** Reading a segment's files back: which are there, and what the batches in one say. */

import * as header from '../../protocol/batch/header.js'
import type { Disk } from '../host/disk.js'
import { applyBatch } from './batch-effects.js'
import { type Walk, walkBatches } from './batch-walk.js'
import { isGoodBatch } from './good-batch.js'
import { isBatch, repairIndexes, startOf } from './index-trust.js'
import type { LeaderEpochs } from './leader-epochs.js'
import type { ProducerStates } from './producer-state.js'
import type { Segment } from './segment.js'
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
  const { lastAppendMs } = segment
  return yield* walkBatches(segment, 0, fileBytes, true, (buffer, at) => {
    if (!isGoodBatch(buffer, at, segment.nextOffset, endsBefore)) return false
    segment.bookHeader(buffer, at, lastAppendMs)
    if (into !== null) {
      applyBatch(buffer, at, segment, into.producers, into)
      into.endOffset = segment.nextOffset
    }
    return true
  })
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

/** Position of the first batch that reaches `offset` or lies above it: where a cut will be. The index entries below are good then. */
export function* positionOf(segment: Segment, offset: number): Walk<number> {
  const from = yield* startOf(segment, offset - 1)
  const isBelow = (buffer: Buffer, at: number): boolean => header.lastOffset(buffer, at) < offset
  const position = yield* walkBatches(segment, from, segment.sizeInBytes, false, isBelow)
  const last = segment.offsetIndex.lastPositionBelow(position, offset)
  if (last !== 0 && last !== from && !(yield* isBatch(segment, last, offset - 1))) yield* repairIndexes(segment)
  return position
}
