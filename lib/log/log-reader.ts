/** Reading one log: by offset for fetches, and as the source of walks for everything else. */

import { HEADER_BYTES, sizeInBytes } from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { Walk, Window, WindowSource } from './batch-walk.js'
import { runWalk } from './batch-walk.js'
import type { ReadOptions, ReadResult } from './contract.js'
import type { ReadBuffers } from './read-buffers.js'
import type { Segment } from './segment.js'
import { SegmentSearch, type Views } from './segment-search.js'
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

  /** One pooled read in most cases; another one when the first did not reach the batch or its end. Re-checks after each. */
  private async readCold(segment: Segment, offset: number, options: ReadOptions): Promise<ReadResult> {
    const { buffers } = this.ports
    const { generation } = segment
    const limit = segment.writtenBytes
    const search = new SegmentSearch(segment, { offset, ...options, limit })
    let position = segment.offsetIndex.floorPosition(offset)
    let length = options.maxBytes + segment.options.indexIntervalBytes * 2
    for (;;) {
      length = Math.min(length, limit - position)
      const buffer = buffers.take(length)
      let got: number
      try {
        got = await segment.readAsync(buffer.subarray(0, length), position)
      } catch (error) {
        buffers.give(buffer)
        this.ports.onReadFailed(error)
        return STORAGE_ERROR
      }
      if (segment.generation !== generation) {
        // Cut or deleted while we read: what was read may be gone. The client asks again and is told where the log begins.
        buffers.give(buffer)
        return EMPTY_RESULT
      }
      let outcome: ReturnType<SegmentSearch['run']>
      try {
        outcome = search.run(windowViews(buffer, position, got), position)
      } catch (error) {
        buffers.give(buffer)
        this.ports.onReadFailed(error)
        return STORAGE_ERROR
      }
      if (outcome === 'found')
        return this.answer(
          segment,
          offset,
          search,
          once(() => buffers.give(buffer)),
        )
      buffers.give(buffer)
      if (outcome !== 'unseen' || got < length) return EMPTY_RESULT
      // Always further on, or more than we had: the loop ends.
      length = Math.max(options.maxBytes, search.missingBytes)
      position = search.missingAt
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
