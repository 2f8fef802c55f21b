/**
 * LZ4 frames as Kafka writes them: independent blocks of 64 KB, no checksums. Compression by lz4-napi when that optional package is
 * installed, else by lz4js block by block (its own frames have linked blocks, which Kafka's clients refuse).
 * Both have one speed; `compression.lz4.level` is accepted and changes nothing.
 */
import { createRequire } from 'node:module'
import type { Codec } from './codec.js'
import { corrupt, reasonOf } from './error.js'
import { decodeFrame, frameBound, readFrameHeader, xxh32 } from './lz4-frame.js'

interface Lz4Napi {
  compressFrameSync(bytes: Buffer): Buffer
  decompressFrameSync(bytes: Buffer): Buffer
}
interface Lz4Js {
  compressBlock(from: Uint8Array, to: Uint8Array, at: number, length: number, table: Uint32Array): number
  compressBound(size: number): number
}

const BLOCK_BYTES = 64 * 1024
/** From here on native decoding wins over crossing into it. */
const NATIVE_FROM_BYTES = 512
/** What one native call may be asked to allocate without a limit of its own: beyond, the bounded decoder does the work. */
const NATIVE_BOUND_BYTES = 16 * 1024 * 1024

let native: Lz4Napi | null | undefined
let javascript: Lz4Js | undefined

function loadNative(): Lz4Napi | null {
  if (native !== undefined) return native
  try {
    native = createRequire(import.meta.url)('lz4-napi') as Lz4Napi
  } catch {
    native = null // An optional package: platforms without a prebuilt binary use JavaScript.
  }
  return native
}

/** A frame of independent 64 KB blocks around lz4js's block compressor. Exported for its test. */
export function encodeFrame(bytes: Buffer): Buffer {
  javascript ??= createRequire(import.meta.url)('lz4js') as Lz4Js
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const out = Buffer.allocUnsafe(11 + bytes.length + 4 * blocks)
  out.writeUInt32LE(0x184d2204, 0)
  out[4] = 0x60 // version 1, independent blocks
  out[5] = 0x40 // blocks of at most 64 KB
  out[6] = (xxh32(out, 4, 6) >>> 8) & 0xff
  let to = 7
  const table = new Uint32Array(65536)
  const block = Buffer.allocUnsafe(javascript.compressBound(BLOCK_BYTES))
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
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

function decompress(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length < NATIVE_FROM_BYTES) return decodeFrame(bytes, maxBytes)
  const header = readFrameHeader(bytes)
  const library = header.legacyChecksum ? null : loadNative()
  const bound = library === null ? 0 : frameBound(bytes, header)
  if (library === null || bound > Math.min(maxBytes, NATIVE_BOUND_BYTES)) return decodeFrame(bytes, maxBytes)
  try {
    // Copied out: the library's memory lies outside the heap and is given back late.
    return Buffer.from(library.decompressFrameSync(bytes))
  } catch (error) {
    throw corrupt('lz4', reasonOf(error), error)
  }
}

export const lz4: Codec = {
  name: 'lz4',
  prepare: () => null,
  compress(bytes) {
    const library = loadNative()
    return library === null ? encodeFrame(bytes) : Buffer.from(library.compressFrameSync(bytes))
  },
  decompress,
}
