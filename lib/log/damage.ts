/** What the bytes are that follow the last good batch of a file: the torn end of a write, or damage. */
import { isValidBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { crc32 } from '../../protocol/wire/crc32c.js'
import type { Walk } from './batch-walk.js'
import type { Segment } from './segment.js'

/** A log that cannot be served without losing records, or believing wrong ones. The message names file and byte. */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog'
}

export interface BadEnd {
  /** Where the good batches end. */
  position: number
  fileBytes: number
  /** Offsets from here on lie in the next segment. Absent: this is the last one. */
  endsBefore: number | undefined
  /** What should be there had been synced. */
  durable: boolean
}

const WINDOW_BYTES = 1024 * 1024
/** A message of magic 0 has its CRC here, over everything from the magic byte on. */
const LEGACY_CRC = 12
const LEGACY_BYTES_MIN = 26
const KEPT = 'Nothing was changed; the partition stays offline.'

/** A batch that was safe before is not what was written. */
export const damagedAt = (segment: Segment, position: number): DamagedLog =>
  new DamagedLog(`${segment.path('.log')} is damaged at byte ${position}. ${KEPT}`)

/** Returns when the bytes are a torn write that may be cut off. @throws DamagedLog when they are anything else */
export function* judgeEnd(segment: Segment, end: BadEnd): Walk<void> {
  const { position, fileBytes, durable } = end
  const where = `${segment.path('.log')} at byte ${position}`
  const legacy = yield* legacyMagic(segment, position, fileBytes)
  if (legacy >= 0) {
    throw new DamagedLog(
      `${where} has messages of magic ${legacy}, as Kafka wrote them before 0.11; only magic 2 can be read here. ${KEPT}`,
    )
  }
  if (durable) {
    throw new DamagedLog(
      `${where} is damaged: offset ${segment.nextOffset}, which had been synced, should be there. ${KEPT}`,
    )
  }
  // Base offset and length are under no checksum; a write that was torn has not got its own right either.
  if (yield* isWhole(segment, position, fileBytes)) {
    throw new DamagedLog(`${where} has a whole batch that does not continue offset ${segment.nextOffset}. ${KEPT}`)
  }
  const next = yield* nextBatch(segment, end)
  if (next >= 0) {
    throw new DamagedLog(`${where} is damaged in the middle: good batches follow from byte ${next} on. ${KEPT}`)
  }
}

/** The magic of the message of an old format at `position`, -1 when there is none. */
function* legacyMagic(segment: Segment, position: number, fileBytes: number): Walk<number> {
  if (position + LEGACY_BYTES_MIN > fileBytes) return -1
  const head = yield* bytesOf(segment, position, LEGACY_BYTES_MIN)
  const magic = header.magic(head)
  const size = header.sizeInBytes(head)
  if (magic > 1 || size < LEGACY_BYTES_MIN || position + size > fileBytes) return -1
  const message = yield* bytesOf(segment, position, size)
  return crc32(message, header.MAGIC, size) === header.peekInt32(message, LEGACY_CRC) >>> 0 ? magic : -1
}

/** Whether there is a batch at `position` whose checksum is right. */
function* isWhole(segment: Segment, position: number, fileBytes: number): Walk<boolean> {
  const batch = yield* batchAt(segment, position, fileBytes)
  return batch !== null && isValidBatch(batch)
}

/** All the bytes of what its length says is a batch at `position`; null where that does not fit into the first `fileBytes` bytes. */
export function* batchAt(segment: Segment, position: number, fileBytes: number): Walk<Buffer | null> {
  if (position + header.HEADER_BYTES > fileBytes) return null
  const head = yield* bytesOf(segment, position, header.HEADER_BYTES)
  if (head.length < header.HEADER_BYTES) return null
  const size = header.sizeInBytes(head)
  if (size < header.HEADER_BYTES || position + size > fileBytes) return null
  const batch = yield* bytesOf(segment, position, size)
  return batch.length === size ? batch : null
}

/** Position of the first good batch behind `position` that continues the offsets, -1 when there is none. */
function* nextBatch(segment: Segment, { position, fileBytes, endsBefore }: BadEnd): Walk<number> {
  const bound = endsBefore ?? Number.MAX_SAFE_INTEGER
  const { nextOffset } = segment
  const plausible = (bytes: Buffer, at: number, left: number): boolean => {
    if (bytes[at + header.MAGIC] !== 2 || bytes[at]! !== 0) return false
    const size = header.sizeInBytes(bytes, at)
    if (size < header.HEADER_BYTES || size > left) return false
    const first = header.baseOffset(bytes, at)
    const delta = header.lastOffsetDelta(bytes, at)
    return first >= nextOffset && delta >= 0 && first + delta < bound
  }
  let from = position + 1
  while (from + header.HEADER_BYTES <= fileBytes) {
    const window = yield { segment, position: from, length: Math.min(WINDOW_BYTES, fileBytes - from) }
    const candidates: number[] = []
    const starts = window.length - header.HEADER_BYTES + 1
    for (let at = 0; at < starts; at++) {
      if (plausible(window, at, fileBytes - from - at)) candidates.push(from + at)
    }
    for (const candidate of candidates) {
      if (yield* isWhole(segment, candidate, fileBytes)) return candidate
    }
    from += Math.max(1, starts)
  }
  return -1
}

/** All of these bytes, which a window may give in pieces; fewer where the segment ends. */
function* bytesOf(segment: Segment, position: number, length: number): Walk<Buffer> {
  const pieces: Buffer[] = []
  let got = 0
  while (got < length) {
    const piece = yield { segment, position: position + got, length: length - got }
    if (piece.length === 0) break
    pieces.push(Buffer.from(piece.subarray(0, length - got)))
    got += piece.length
  }
  return Buffer.concat(pieces)
}
