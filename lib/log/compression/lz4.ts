/**
 * LZ4 frames as Kafka's clients write them: independent blocks of at most 64 KB, no checksums. lz4js compresses the blocks; the frames are ours,
 * because its own have linked blocks, which Kafka's clients refuse. Decoding is ours too (`lz4-frame.ts`): bounded, and measured
 * 1.2 to 2.6 times as fast as lz4-napi, which is therefore not used.
 * There is one speed; `compression.lz4.level` is accepted and changes nothing.
 */
import { createRequire } from 'node:module'
import { finish, type Steps } from '../steps.js'
import type { Codec } from './codec.js'
import { decodeFrame, decodeFrameInSteps, xxh32 } from './lz4-frame.js'

interface Lz4Js {
  compressBlock(from: Uint8Array, to: Uint8Array, at: number, length: number, table: Uint32Array): number
  compressBound(size: number): number
}

/**
 * Less than what the frame allows. LZ4 forbids a match that begins in the last 12 bytes of a block, and lz4js makes them; readers notice by the
 * end of the memory they have for a block, which is the 64 KB of the frame. So that is never near.
 */
const BLOCK_BYTES = 64 * 1024 - 12

let javascript: Lz4Js | undefined
/** Memory of the block compressor, kept because it is larger than most batches. */
let table: Uint32Array | undefined
let block: Buffer | undefined

/** A frame of independent blocks around lz4js's block compressor; a block is a step. */
function* encodeFrame(bytes: Buffer): Steps<Buffer> {
  javascript ??= createRequire(import.meta.url)('lz4js') as Lz4Js
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const out = Buffer.allocUnsafe(11 + bytes.length + 4 * blocks)
  out.writeUInt32LE(0x184d2204, 0)
  out[4] = 0x60 // version 1, independent blocks
  out[5] = 0x40 // blocks of at most 64 KB
  out[6] = (xxh32(out, 4, 6) >>> 8) & 0xff
  let to = 7
  table ??= new Uint32Array(65536)
  block ??= Buffer.allocUnsafe(javascript.compressBound(BLOCK_BYTES))
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    if (at > 0) yield null
    const part = bytes.subarray(at, at + BLOCK_BYTES)
    table.fill(0) // Independent: no match may reach into an earlier block.
    const size = javascript.compressBlock(part, block, 0, part.length, table)
    if (size === 0 || size >= part.length) {
      out.writeUInt32LE((0x80000000 | part.length) >>> 0, to)
      part.copy(out, to + 4)
      to += 4 + part.length
    } else {
      out.writeUInt32LE(size, to)
      block.copy(out, to + 4, 0, size)
      to += 4 + size
    }
  }
  out.writeUInt32LE(0, to)
  return out.subarray(0, to + 4)
}

export const lz4: Codec = {
  name: 'lz4',
  prepare: () => null,
  compress: (bytes) => finish(encodeFrame(bytes)),
  decompress: decodeFrame,
  compressInSteps: encodeFrame,
  decompressInSteps: decodeFrameInSteps,
}
