/** Reading one log: by offset for fetches, and as the source of walks for everything else. */

import { baseOffset, HEADER_BYTES, lastOffset, sizeInBytes } from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { Walk, Window, WindowSource } from './batch-walk.js'
import { runWalk } from './batch-walk.js'
import type { ReadOptions, ReadResult } from './contract.js'
import { damagedAt } from './damage.js'
import { isGoodBatch, liesBetween } from './good-batch.js'
import { repairIndexes } from './index-trust.js'
import type { ReadBuffers } from './read-buffers.js'
import type { Segment } from './segment.js'
import { NoBatch, SegmentSearch, type Views } from './segment-search.js'
import type { Segments } from './segments.js'
import type { Tail } from './tail.js'

const NO_PIECES: readonly Buffer[] = Object.freeze([])
const NO_TRANSACTIONS: ReadResult['abortedTransactions'] = Object.freeze([])
const result = (errorCode: ErrorCode): ReadResult =>
  Object.freeze({ errorCode, pieces: NO_PIECES, sizeInBytes: 0, abortedTransactions: NO_TRANSACTIONS, release: null })
export const EMPTY_RESULT = result(ErrorCode.NONE)
export const OUT_OF_RANGE = result(ErrorCode.OFFSET_OUT_OF_RANGE)
export const STORAGE_ERROR = result(ErrorCode.KAFKA_STORAGE_ERROR)

export interface LogReaderPorts {
  segments: Segments
  tail: Tail
  buffers: ReadBuffers
  /** A read failed. */
  onReadFailed(error: unknown): void
}

export class LogReader implements WindowSource {
  constructor(private readonly ports: LogReaderPorts) {}

  /** `offset` lies in the log: the caller has checked. */
  read(offset: number, options: ReadOptions): ReadResult | Promise<ReadResult> {
    const { segments } = this.ports
    try {
      for (let i = Math.max(0, segments.floorIndex(offset)); i < segments.all.length; i++) {
        const segment = segments.all[i]!
        if (segment.sizeInBytes === 0 || segment.nextOffset <= offset) continue
        segment.openLog()
        const search = new SegmentSearch(segment, { offset, ...options, limit: segment.sizeInBytes })
        const views = this.viewsOf(segment)
        const outcome = search.run(views)
        if (outcome === 'unseen') return this.readCold(segment, offset, options)
        if (outcome === 'empty') return EMPTY_RESULT
        if (outcome === 'found') {
          const { start, end } = search
          return this.answer(
            segment,
            offset,
            search,
            segment.viewable ? null : this.ports.tail.hold(segment, start, end - start),
          )
        }
      }
    } catch (error) {
      this.ports.onReadFailed(error)
      return STORAGE_ERROR
    }
    return EMPTY_RESULT
  }

  /** Runs a walk over this log's bytes, at once if they can be seen. */
  run<T>(walk: Walk<T>): T | Promise<T> {
    return runWalk(walk, this)
  }

  viewNow({ segment, position, length }: Window): Buffer | null {
    segment.openLog()
    const pieces = this.viewsOf(segment)(position, length)
    if (pieces === null) return null
    const first = pieces[0] ?? Buffer.alloc(0)
    // Pieces end with a batch, unless a torn write left half of one: then the walk gets all of it as one.
    const torn = pieces.length > 1 && (first.length < HEADER_BYTES || sizeInBytes(first) > first.length)
    return torn ? Buffer.concat(pieces) : first
  }

  async readWindow({ segment, position, length }: Window): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length)
    return buffer.subarray(0, await segment.readAsync(buffer, position))
  }

  private viewsOf(segment: Segment): Views {
    if (segment.viewable) {
      const file = segment.openLog()
      return (position, length) => file.view(position, length)
    }
    return (position, length) => this.ports.tail.views(segment, position, length)
  }

  private answer(segment: Segment, offset: number, search: SegmentSearch, release: (() => void) | null): ReadResult {
    return {
      errorCode: ErrorCode.NONE,
      pieces: search.pieces,
      sizeInBytes: search.end - search.start,
      abortedTransactions: this.abortedBetween(segment, offset, search.upperOffset),
      release,
    }
  }

  /** What a search through the index cannot make sense of is read from front to back: either the index is to blame, or the log. */
  private async readCold(segment: Segment, offset: number, options: ReadOptions): Promise<ReadResult> {
    const { generation } = segment
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        if (segment.indexIsDamaged || attempt > 0) await this.run(repairIndexes(segment))
        if (segment.generation !== generation) return EMPTY_RESULT
        const found = await this.searchCold(segment, offset, options)
        if (typeof found !== 'number') return found
        if (attempt > 0) throw damagedAt(segment, found)
      }
    } catch (error) {
      this.ports.onReadFailed(error)
    }
    return STORAGE_ERROR
  }

  /**
   * One pooled read in most cases; another one when the first did not reach the batch or its end. Re-checks after each. Neither the index
   * nor bytes that an earlier process wrote are believed unseen: the position of the first bad batch is the answer then. @throws DiskError
   */
  private async searchCold(segment: Segment, offset: number, options: ReadOptions): Promise<ReadResult | number> {
    const { buffers } = this.ports
    const { generation } = segment
    const limit = segment.writtenBytes
    const search = new SegmentSearch(segment, { offset, ...options, limit })
    let position = segment.offsetIndex.floorPosition(offset)
    let length = HEADER_BYTES + options.maxBytes + segment.options.indexIntervalBytes * 2
    let isIndexed = position > 0
    for (;;) {
      length = Math.min(length, limit - position)
      const buffer = buffers.take(length)
      let keep = false
      try {
        const got = await segment.readAsync(buffer.subarray(0, length), position)
        // Cut or deleted while we read: what was read may be gone. The client asks again and is told where the log begins.
        if (segment.generation !== generation) return EMPTY_RESULT
        const outcome = searchIn(search, buffer, position, got)
        // The batch at an index entry is not above what the entry was asked for.
        if (outcome === 'nonsense' || (isIndexed && (got < HEADER_BYTES || baseOffset(buffer) > offset)))
          return position
        const isAnswer = outcome === 'found'
        const end = isAnswer ? search.end : position + got
        const bad = firstBadBatch(segment, { buffer, position, end, limit, isAnswer, upperBound: options.upperBound })
        if (bad >= 0) return bad
        if (isAnswer) {
          keep = true
          const release = once(() => buffers.give(buffer))
          return this.answer(segment, offset, search, release)
        }
        if (outcome !== 'unseen' || got < length) return EMPTY_RESULT
      } finally {
        if (!keep) buffers.give(buffer)
      }
      // Always further on, or more than we had: the loop ends.
      length = Math.max(options.maxBytes, search.missingBytes)
      position = search.missingAt
      isIndexed = false
    }
  }

  /**
   * By first offset. The index has them by their ends, and Apache Kafka answers so; but kafkajs takes the list for sorted, and shows
   * aborted records where transactions overlap.
   */
  private abortedBetween(first: Segment, offset: number, upperOffset: number): ReadResult['abortedTransactions'] {
    let found: { producerId: number; firstOffset: number }[] | null = null
    const { all } = this.ports.segments
    for (let i = Math.max(0, all.indexOf(first)); i < all.length; i++) {
      const { txnIndex } = all[i]!
      if (txnIndex.isEmpty) continue
      found ??= []
      if (txnIndex.collect(offset, upperOffset, found)) break
    }
    return found?.sort((one, other) => one.firstOffset - other.firstOffset) ?? NO_TRANSACTIONS
  }
}

/** 'nonsense': the index led to bytes that are no batch, or the log has such. */
function searchIn(search: SegmentSearch, buffer: Buffer, position: number, got: number) {
  try {
    return search.run(windowViews(buffer, position, got), position)
  } catch (error) {
    if (error instanceof NoBatch) return 'nonsense'
    throw error
  }
}

interface Seen {
  buffer: Buffer
  /** Of the buffer's first byte in the segment. */
  position: number
  end: number
  /** Where the segment ends. */
  limit: number
  /** The bytes up to `end` are the answer: whole batches, all below the bound. */
  isAnswer: boolean
  upperBound: number
}

/** Goes through the batches in [position, end), with their checksums unless that was done before. -1 when all are good. */
function firstBadBatch(segment: Segment, { buffer, position, end, limit, isAnswer, upperBound }: Seen): number {
  const isKnown = segment.isVerified(position, end)
  let next = segment.baseOffset
  let at = 0
  while (position + at + HEADER_BYTES <= end) {
    const size = sizeInBytes(buffer, at)
    if (size < HEADER_BYTES || position + at + size > limit) return position + at
    if (!liesBetween(buffer, at, next, segment.nextOffset)) return position + at
    if (position + at + size > end) break
    if (!isKnown && !isGoodBatch(buffer, at, next, segment.nextOffset)) return position + at
    next = lastOffset(buffer, at) + 1
    at += size
  }
  if (!isKnown) segment.noteVerified(position, position + at)
  return isAnswer && (position + at < end || next > upperBound) ? position + at : -1
}

/** What a search sees of the `got` bytes that were read from `position` on. */
function windowViews(buffer: Buffer, position: number, got: number): Views {
  return (at, bytes) =>
    at < position || at + HEADER_BYTES > position + got
      ? null
      : [buffer.subarray(at - position, Math.min(at - position + bytes, got))]
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
