/** One raw Snappy block, read strictly: every length and distance is checked, and the output must have exactly the declared size. */
import type { Steps } from '../steps.js'
import { corrupt } from './error.js'

/** The size that a block's first bytes (a varint) declare, -1 when they are malformed. */
export function declaredSize(block: Uint8Array): number {
  let size = 0
  for (let i = 0; i < 5 && i < block.length; i++) {
    size += (block[i]! & 0x7f) * 2 ** (7 * i)
    if (block[i]! < 0x80) return size
  }
  return -1
}

/** Little-endian, 1 to 4 bytes, unsigned. Integer operations, because this runs for every element. */
function littleEndian(b: Uint8Array, at: number, bytes: number): number {
  if (bytes === 1) return b[at]!
  const low = b[at]! | (b[at + 1]! << 8)
  if (bytes === 2) return low
  if (bytes === 3) return low | (b[at + 2]! << 16)
  return (low | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
}

/** Output of a step: about a millisecond. */
const STEP_BYTES = 256 * 1024

interface Progress {
  /** Where the next element begins in the block. */
  at: number
  /** Bytes of the output that are there. */
  to: number
}

/** The content of `block`, whose declared size (checked by the caller against its limits) is `size`. */
export function* decodeBlock(block: Buffer, size: number): Steps<Buffer> {
  const out = Buffer.allocUnsafe(size)
  const progress: Progress = { at: 0, to: 0 }
  while (block[progress.at]! >= 0x80) progress.at++
  progress.at++
  for (;;) {
    decodeElements(block, out, progress, progress.to + STEP_BYTES)
    if (progress.at >= block.length) break
    yield null
  }
  if (progress.to !== size) throw corrupt('snappy', `a block declares ${size} bytes and has ${progress.to}`)
  return out
}

/** Decodes whole elements until the output has `enough` bytes or the block ends. */
function decodeElements(block: Buffer, out: Buffer, progress: Progress, enough: number): void {
  const end = block.length
  const size = out.length
  let { at, to } = progress
  while (at < end && to < enough) {
    const tag = block[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = tag >>> 2
      if (length >= 60) {
        const bytes = length - 59
        if (bytes > end - at) throw corrupt('snappy', 'a literal length is cut short')
        length = littleEndian(block, at, bytes)
        at += bytes
      }
      length++
      if (length > end - at || length > size - to) throw corrupt('snappy', 'a literal runs past its block')
      if (length > 24) out.set(block.subarray(at, at + length), to)
      else for (let i = 0; i < length; i++) out[to + i] = block[at + i]!
      at += length
      to += length
      continue
    }
    const operandBytes = kind === 1 ? 1 : kind === 2 ? 2 : 4
    if (operandBytes > end - at) throw corrupt('snappy', 'a copy is cut short')
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = littleEndian(block, at, operandBytes) + (kind === 1 ? (tag >>> 5) << 8 : 0)
    at += operandBytes
    if (distance === 0 || distance > to) throw corrupt('snappy', 'a copy reaches before its block')
    if (length > size - to) throw corrupt('snappy', 'a copy runs past its block')
    for (let i = 0; i < length; i++) out[to + i] = out[to - distance + i]!
    to += length
  }
  progress.at = at
  progress.to = to
}
