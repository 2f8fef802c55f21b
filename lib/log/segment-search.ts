/** Which bytes of a segment answer a fetch: pure over whatever shows the bytes. */
import { baseOffset, HEADER_BYTES, lastOffset, sizeInBytes } from '../../protocol/batch/header.js'
import type { Segment } from './segment.js'

/**
 * Views of [position, position + length), pieces cut at batch boundaries. Less of it when the rest cannot be seen without reading; null
 * when that is not even a batch header.
 */
export type Views = (position: number, length: number) => Buffer[] | null

export interface Wanted {
  offset: number
  /** Exclusive: a batch that reaches it stays out. */
  upperBound: number
  maxBytes: number
  minOneMessage: boolean
  /** Bytes of the segment that count: all of them, or what the file has. */
  limit: number
}

/** Headers are looked at through windows of this size: an index interval and a bit. */
const SCAN_BYTES = 8 * 1024

/** Where a batch should begin there is none. */
export class NoBatch extends Error {
  override readonly name = 'NoBatch'
}

/** One search; made per fetch, cheap. */
export class SegmentSearch {
  /** The answer's bytes: [start, end). */
  start = 0
  end = 0
  /** An offset at or above every offset in the answer. */
  upperOffset = 0
  pieces: Buffer[] = []
  /** Where bytes were missing when `run` answered 'unseen', and how many are known to be needed from there. */
  missingAt = 0
  missingBytes = 0

  constructor(
    private readonly segment: Segment,
    private readonly wanted: Wanted,
  ) {}

  /**
   * 'found': [start, end) is the answer. 'empty': the batch with the offset (or the first above it) lies here but may not be
   * returned. 'past': the segment has nothing at or above the offset. 'unseen': bytes are missing.
   */
  run(
    views: Views,
    from = this.segment.offsetIndex.floorPosition(this.wanted.offset),
  ): 'found' | 'empty' | 'past' | 'unseen' {
    const { offset, upperBound, maxBytes, minOneMessage, limit } = this.wanted
    let firstBytes = 0
    let firstLast = 0
    const start = this.scan(views, from, limit, (buffer, at) => {
      firstLast = lastOffset(buffer, at)
      firstBytes = sizeInBytes(buffer, at)
      return firstLast >= offset
    })
    if (start < 0) return 'unseen'
    if (start + HEADER_BYTES > limit) return 'past'
    if (firstLast >= upperBound || start + firstBytes > limit) return 'empty'
    this.start = start
    this.upperOffset = firstLast + 1
    if (firstBytes > maxBytes && !minOneMessage) return 'empty'
    this.end = start + firstBytes
    if (firstBytes < maxBytes) {
      const byteLimit = Math.min(limit, start + maxBytes)
      const end = this.findEnd(views, this.end, byteLimit)
      if (end < 0) {
        this.missingAt = start
        this.missingBytes = byteLimit - start
        return 'unseen'
      }
      this.end = end
    }
    const pieces = views(start, this.end - start)
    if (pieces !== null && totalBytes(pieces) === this.end - start) {
      this.pieces = pieces
      return 'found'
    }
    this.missingAt = start
    this.missingBytes = this.end - start
    return 'unseen'
  }

  /** The end of the last whole batch that ends by `byteLimit` and lies below the bound; -1 when bytes are missing. */
  private findEnd(views: Views, afterFirst: number, byteLimit: number): number {
    const { upperBound, limit } = this.wanted
    const { segment } = this
    const unbounded = upperBound >= segment.nextOffset
    if (unbounded && byteLimit === limit && limit === segment.sizeInBytes) {
      this.upperOffset = segment.nextOffset
      return byteLimit
    }
    // The index leads close to both ends, so that the scan stays short however large the answer is.
    const index = segment.offsetIndex
    let from = index.floorBatchStart(byteLimit)
    if (!unbounded) from = Math.min(from, index.floorPosition(upperBound - 1))
    this.upperOffset = Math.min(upperBound, segment.nextOffset)
    return this.scan(views, Math.max(afterFirst, from), byteLimit, (buffer, at, position) => {
      const stop = lastOffset(buffer, at) >= upperBound || position + sizeInBytes(buffer, at) > byteLimit
      if (stop) this.upperOffset = Math.min(this.upperOffset, baseOffset(buffer, at))
      return stop
    })
  }

  /** Position of the first batch from `position` on that `stop` takes, else where fewer than a header's bytes are left before `limit`. */
  private scan(
    views: Views,
    position: number,
    limit: number,
    stop: (buffer: Buffer, at: number, position: number) => boolean,
  ): number {
    while (position + HEADER_BYTES <= limit) {
      const pieces = views(position, Math.min(SCAN_BYTES, limit - position))
      if (pieces === null || pieces.length === 0) {
        this.missingAt = position
        this.missingBytes = HEADER_BYTES
        return -1
      }
      let piece = pieces[0]!
      if (piece.length < HEADER_BYTES) piece = Buffer.concat(pieces)
      let at = 0
      while (at + HEADER_BYTES <= piece.length) {
        if (stop(piece, at, position + at)) return position + at
        const size = sizeInBytes(piece, at)
        if (size < HEADER_BYTES) throw new NoBatch(`${this.segment.path('.log')} has no batch at ${position + at}`)
        at += size
      }
      if (at === 0) throw new NoBatch(`${this.segment.path('.log')} ends inside a batch header at ${position}`)
      position += at
    }
    return position
  }
}

function totalBytes(pieces: readonly Buffer[]): number {
  let total = 0
  for (const piece of pieces) total += piece.length
  return total
}
