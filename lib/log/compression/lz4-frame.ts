/**
 * LZ4 frames, read strictly: blocks, their checksums, the limit on the output. Pure, so that no library has to be trusted with hostile
 * bytes (lz4js checks no bounds and lz4-napi has no limit). Refused, as by Kafka, whose consumers could not read them: other versions, linked
 * blocks, dictionaries and what else the reserved bits say, wrong checksums of the header and of blocks.
 */
import { finish, type Steps } from '../steps.js'
import { corrupt, tooLarge } from './error.js'

const MAGIC = 0x184d2204
const VERSION_MASK = 0xc0
const VERSION = 0x40
/** Of the flags; the lower one says that a dictionary is needed. */
const RESERVED = 0x03
/** Of the byte with the block size. */
const RESERVED_BESIDE_SIZE = 0x8f
const INDEPENDENT_BLOCKS = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const UNCOMPRESSED = 0x80000000
const P1 = 2654435761
const P2 = 2246822519
const P3 = 3266489917
const P4 = 668265263
const P5 = 374761393

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

/** xxHash32 of `b[start, end)` with seed 0, unsigned. */
export function xxh32(b: Buffer, start: number, end: number): number {
  let at = start
  let h: number
  if (end - start >= 16) {
    let v1 = (P1 + P2) | 0
    let v2 = P2 | 0
    let v3 = 0
    let v4 = -P1 | 0
    for (; at <= end - 16; at += 16) {
      v1 = Math.imul(rotate((v1 + Math.imul(b.readInt32LE(at), P2)) | 0, 13), P1)
      v2 = Math.imul(rotate((v2 + Math.imul(b.readInt32LE(at + 4), P2)) | 0, 13), P1)
      v3 = Math.imul(rotate((v3 + Math.imul(b.readInt32LE(at + 8), P2)) | 0, 13), P1)
      v4 = Math.imul(rotate((v4 + Math.imul(b.readInt32LE(at + 12), P2)) | 0, 13), P1)
    }
    h = (rotate(v1, 1) + rotate(v2, 7) + rotate(v3, 12) + rotate(v4, 18)) | 0
  } else {
    h = P5 | 0
  }
  h = (h + (end - start)) | 0
  for (; at <= end - 4; at += 4) h = Math.imul(rotate((h + Math.imul(b.readInt32LE(at), P3)) | 0, 17), P4)
  for (; at < end; at++) h = Math.imul(rotate((h + Math.imul(b[at]!, P5)) | 0, 11), P1)
  h = Math.imul(h ^ (h >>> 15), P2)
  h = Math.imul(h ^ (h >>> 13), P3)
  return (h ^ (h >>> 16)) >>> 0
}

export interface FrameHeader {
  /** Where the blocks begin. */
  blocksAt: number
  maxBlockBytes: number
  blockChecksums: boolean
  /** Kafka skips it, and so do we. */
  contentChecksum: boolean
}

/** @throws CompressionError CORRUPT_DATA */
export function readFrameHeader(b: Buffer): FrameHeader {
  if (b.length < 7 || b.readUInt32LE(0) !== MAGIC) throw corrupt('lz4', 'no frame header')
  const flags = b[4]!
  if ((flags & VERSION_MASK) !== VERSION) throw corrupt('lz4', `frame version ${flags >>> 6}`)
  if ((flags & INDEPENDENT_BLOCKS) === 0) throw corrupt('lz4', 'linked blocks are not supported')
  if ((flags & RESERVED) !== 0 || (b[5]! & RESERVED_BESIDE_SIZE) !== 0) throw corrupt('lz4', 'reserved bits are set')
  const sizeCode = (b[5]! >>> 4) & 7
  if (sizeCode < 4) throw corrupt('lz4', `block size code ${sizeCode}`)
  const sumAt = (flags & CONTENT_SIZE) !== 0 ? 14 : 6
  if (b.length <= sumAt) throw corrupt('lz4', 'the frame header is cut short')
  if (b[sumAt] !== ((xxh32(b, 4, sumAt) >>> 8) & 0xff)) throw corrupt('lz4', 'wrong frame header checksum')
  return {
    blocksAt: sumAt + 1,
    maxBlockBytes: 1 << (8 + 2 * sizeCode),
    blockChecksums: (flags & BLOCK_CHECKSUM) !== 0,
    contentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
  }
}

/**
 * The most that the frame can decompress to, from its block sizes alone: 255 output bytes per input byte is what LZ4's length
 * bytes can express.
 */
export function frameBound(b: Buffer, h: FrameHeader): number {
  let bound = 0
  for (const { size, compressed } of blocksOf(b, h)) bound += compressed ? Math.min(h.maxBlockBytes, size * 255) : size
  return bound
}

interface Block {
  at: number
  size: number
  compressed: boolean
}

function* blocksOf(b: Buffer, h: FrameHeader): Iterable<Block> {
  let at = h.blocksAt
  for (;;) {
    if (b.length - at < 4) throw corrupt('lz4', 'the frame has no end mark')
    const word = b.readUInt32LE(at)
    at += 4
    if (word === 0) {
      if (h.contentChecksum && b.length - at < 4) throw corrupt('lz4', 'the content checksum is cut short')
      return
    }
    const size = word % UNCOMPRESSED
    if (size > b.length - at || size > h.maxBlockBytes) throw corrupt('lz4', `a block claims ${size} bytes`)
    yield { at, size, compressed: word < UNCOMPRESSED }
    at += size
    if (h.blockChecksums) {
      if (b.length - at < 4) throw corrupt('lz4', 'a block checksum is cut short')
      if (b.readUInt32LE(at) !== xxh32(b, at - size, at)) throw corrupt('lz4', 'wrong block checksum')
      at += 4
    }
  }
}

/** A literal or match length whose first four bits were all set: adds bytes until one is not 255. `at` moves in `state`. */
function longLength(b: Buffer, end: number, state: { at: number }): number {
  let length = 15
  for (;;) {
    if (state.at >= end) throw corrupt('lz4', 'a length runs past its block')
    const byte = b[state.at++]!
    length += byte
    if (byte !== 255) return length
  }
}

/** Decodes the block `b[start, end)` into `out` at `from`; returns the position after it. Matches may not reach before `from`. */
function decodeBlock(b: Buffer, start: number, end: number, out: Buffer, from: number): number {
  const state = { at: start }
  let to = from
  while (state.at < end) {
    const token = b[state.at++]!
    let literals = token >>> 4
    if (literals === 15) literals = longLength(b, end, state)
    if (literals > end - state.at || literals > out.length - to) throw corrupt('lz4', 'literals run past their block')
    if (literals > 24) out.set(b.subarray(state.at, state.at + literals), to)
    else for (let i = 0; i < literals; i++) out[to + i] = b[state.at + i]!
    state.at += literals
    to += literals
    if (state.at === end) return to // The last sequence has literals only.
    if (end - state.at < 2) throw corrupt('lz4', 'a match is cut short')
    const distance = b[state.at]! | (b[state.at + 1]! << 8)
    state.at += 2
    let length = token & 15
    if (length === 15) length = longLength(b, end, state)
    length += 4
    if (distance === 0 || distance > to - from) throw corrupt('lz4', 'a match reaches before its block')
    if (length > out.length - to) throw corrupt('lz4', 'a match runs past its block')
    if (length > 32 && distance >= length) out.copyWithin(to, to - distance, to - distance + length)
    else for (let i = 0; i < length; i++) out[to + i] = out[to - distance + i]!
    to += length
  }
  return to
}

/** The content of a frame. What follows its end is ignored, as by Kafka. */
export const decodeFrame = (b: Buffer, maxBytes: number): Buffer => finish(decodeFrameInSteps(b, maxBytes))

/** A block is a step. */
export function* decodeFrameInSteps(b: Buffer, maxBytes: number): Steps<Buffer> {
  const h = readFrameHeader(b)
  // Never more than the input can yield, so a short lie does not allocate; blocks of one frame are decoded in place.
  const bound = frameBound(b, h)
  let out: Buffer = Buffer.allocUnsafe(Math.min(bound, maxBytes, Math.max(h.maxBlockBytes, b.length * 4)))
  let to = 0
  for (const { at, size, compressed } of blocksOf(b, h)) {
    if (to > 0) yield null
    const room = compressed ? Math.min(h.maxBlockBytes, size * 255) : size
    if (out.length - to < room && out.length < Math.min(bound, maxBytes))
      out = grow(out, to, room, Math.min(bound, maxBytes))
    if (!compressed) {
      if (size > out.length - to) throw tooLarge('lz4', maxBytes)
      b.copy(out, to, at, at + size)
      to += size
      continue
    }
    const window = out.subarray(0, Math.min(out.length, to + h.maxBlockBytes))
    try {
      to = decodeBlock(b, at, at + size, window, to)
    } catch (error) {
      // Short of room because of the limit, and not because of the block's own bound.
      if (window.length === maxBytes && window.length < to + room) throw tooLarge('lz4', maxBytes)
      throw error
    }
  }
  return out.subarray(0, to)
}

function grow(out: Buffer, used: number, room: number, most: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(most, Math.max(out.length * 2, used + room)))
  out.copy(larger, 0, 0, used)
  return larger
}
