/**
 * Opening a log that is on the disk already: which files are there, which indexes can be trusted, where the last whole batch ends.
 *
 * The last segment is read batch by batch with its CRCs and cut behind the last good one: a torn write is always at the end of what
 * one writer appended. Earlier segments were complete when the next one began: they are walked for producers, transactions and
 * epochs, and their indexes come out of the same walk.
 */

import { isValidBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import type { Disk } from '../host/disk.js'
import type { Logger } from '../host/logger.js'
import { applyBatch, endOfTransaction } from './batch-effects.js'
import { type Walk, walkBatches } from './batch-walk.js'
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

export interface Recovered {
  producers: ProducerStates
  /** Null when they are known. */
  epochs: LeaderEpochs | null
}

export interface RecoveryPorts {
  logger: Logger
  run<T>(walk: Walk<T>): T | Promise<T>
}

/** Brings segments (oldest first, nothing booked yet) and the partition's memory to what the files say. @throws DiskError */
export async function recoverSegments(
  segments: readonly Segment[],
  into: Recovered,
  ports: RecoveryPorts,
): Promise<void> {
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    const fileBytes = segment.openLog().size
    const endsBefore = segments[index + 1]?.baseOffset
    const end = await ports.run(rebuild(segment, fileBytes, isLast, into, endsBefore))
    segment.writtenBytes = end
    if (end < fileBytes && isLast) {
      ports.logger.warn(
        `${segment.path('.log')} ended in ${fileBytes - end} bytes that are no whole batch: they were cut off.`,
      )
      segment.openLog().truncate(end)
    } else if (end < fileBytes) {
      // The bytes stay for whoever repairs files; to readers the segment ends here.
      ports.logger.error(`${segment.path('.log')} is damaged at byte ${end}: what follows in this file cannot be read.`)
    }
    if (!isLast) segment.seal()
  }
}

/**
 * Books a segment from its file, whose first `fileBytes` bytes are looked at; with `checked` every batch's CRC too. A batch that reaches
 * into the next segment (`endsBefore`), or further than a segment can, has a damaged base offset, which no CRC covers: believing it would
 * send readers past everything behind it. Returns where the good batches end. Also the way back after a truncation.
 */
export function* rebuild(
  segment: Segment,
  fileBytes: number,
  checked: boolean,
  into: Recovered,
  endsBefore = segment.baseOffset + SEGMENT_OFFSETS_MAX,
): Walk<number> {
  segment.resetFacts()
  segment.txnIndex.clear()
  const now = segment.options.createdMs
  return yield* walkBatches(segment, 0, fileBytes, true, (buffer, at) => {
    if (header.magic(buffer, at) !== 2 || header.baseOffset(buffer, at) < segment.nextOffset) return false
    const lastOffset = header.lastOffset(buffer, at)
    if (lastOffset >= endsBefore || lastOffset < header.baseOffset(buffer, at)) return false
    if (checked && !isValidBatch(buffer, at)) return false
    if (!isReadableMarker(buffer, at)) return false
    segment.bookHeader(buffer, at, now)
    applyBatch(buffer, at, segment, into.producers, into.epochs)
    return true
  })
}

/** Bytes that no CRC was asked about may claim to be a control batch. */
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
