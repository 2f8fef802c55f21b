/**
 * Zstandard (KIP-110): by node:zlib where it has it (Node 22.15), else by @bokuweb/zstd-wasm, which must be awaited once
 * (`prepare`) and has no limit on its output. The limit is ours: the size that the frame declares, or the most its blocks can
 * yield (clients that stream, Java's among them, declare none).
 */
import { createRequire } from 'node:module'
import type * as Zlib from 'node:zlib'
import { finish, type Steps } from '../steps.js'
import type { Codec } from './codec.js'
import { CompressionError, corrupt, reasonOf, tooLarge } from './error.js'
import { isOverLimit, onAnotherThread } from './gzip.js'

/** node:zlib of a Node that has zstd; the types of the oldest supported Node do not know it. */
interface ZstdZlib {
  zstdCompressSync(bytes: Buffer, options?: { params?: Record<number, number> }): Buffer
  zstdDecompressSync(bytes: Buffer, options?: { maxOutputLength?: number; chunkSize?: number }): Buffer
  zstdCompress(bytes: Buffer, done: (error: Error | null, result: Buffer) => void): void
  zstdDecompress(
    bytes: Buffer,
    options: { maxOutputLength: number },
    done: (error: Error | null, result: Buffer) => void,
  ): void
  constants: { ZSTD_c_compressionLevel: number }
}

interface ZstdWasm {
  init(): Promise<void>
  compress(bytes: Uint8Array, level?: number): Uint8Array
  decompress(bytes: Uint8Array, options?: { defaultHeapSize: number }): Uint8Array
}

const DEFAULT_LEVEL = 3
const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_BYTES = 128 * 1024
/** The first attempt's memory when the size is unknown and the bound is far away; then eight times more each time. */
const FIRST_ATTEMPT_BYTES = 4 * 1024 * 1024
/** libzstd's dstSize_tooSmall, as it appears in the library's message. */
const OUTPUT_TOO_SMALL = /code -70$/

let builtIn: ZstdZlib | null | undefined
let wasm: ZstdWasm | undefined
let starting: Promise<void> | undefined

function loadBuiltIn(): ZstdZlib | null {
  if (builtIn === undefined) {
    const zlib = createRequire(import.meta.url)('node:zlib') as typeof Zlib & Partial<ZstdZlib>
    builtIn = typeof zlib.zstdDecompressSync === 'function' ? (zlib as unknown as ZstdZlib) : null
  }
  return builtIn
}

async function startWasm(): Promise<void> {
  const library = createRequire(import.meta.url)('@bokuweb/zstd-wasm') as ZstdWasm
  await library.init()
  wasm = library
}

function ready(): ZstdWasm {
  if (wasm === undefined) throw new CompressionError('NOT_READY', 'zstd was used before prepareCodec(4) was awaited')
  return wasm
}

interface FrameHeader {
  /** -1 when the frame does not say. */
  contentBytes: number
  blocksAt: number
  checksum: boolean
}

function readFrameHeader(b: Buffer, at: number): FrameHeader {
  if (b.length - at < 6) throw corrupt('zstd', 'the frame header is cut short')
  const descriptor = b[at + 4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const windowBytes = singleSegment ? 0 : 1
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const sizeAt = at + 5 + windowBytes + dictionaryBytes
  if (b.length < sizeAt + sizeBytes) throw corrupt('zstd', 'the frame header is cut short')
  let contentBytes = -1
  if (sizeBytes === 1) contentBytes = b[sizeAt]!
  else if (sizeBytes === 2) contentBytes = b.readUInt16LE(sizeAt) + 256
  else if (sizeBytes === 4) contentBytes = b.readUInt32LE(sizeAt)
  else if (sizeBytes === 8) contentBytes = Number(b.readBigUInt64LE(sizeAt))
  return { contentBytes, blocksAt: sizeAt + sizeBytes, checksum: (descriptor & 4) !== 0 }
}

/** One frame of the input: where it lies and the most it can decompress to (`declared`: exactly that). */
interface Frame {
  start: number
  end: number
  bytes: number
  declared: boolean
}

/** The frames of `b`, skippable ones left out. Exported for its test. @throws CompressionError CORRUPT_DATA */
export function zstdFrames(b: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at < b.length) {
    if (b.length - at < 8) throw corrupt('zstd', 'the last frame is cut short')
    const magic = b.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + b.readUInt32LE(at + 4)
      continue
    }
    if (magic !== FRAME_MAGIC) throw corrupt('zstd', 'no frame header')
    const start = at
    const header = readFrameHeader(b, at)
    const blocks = scanBlocks(b, header.blocksAt)
    at = blocks.end + (header.checksum ? 4 : 0)
    // A declared size above what the blocks can yield is a lie.
    if (header.contentBytes > blocks.bound) throw corrupt('zstd', 'the declared size is impossible')
    const declared = header.contentBytes >= 0
    frames.push({ start, end: at, bytes: declared ? header.contentBytes : blocks.bound, declared })
  }
  if (at !== b.length) throw corrupt('zstd', 'the last frame is cut short')
  return frames
}

function scanBlocks(b: Buffer, start: number): { end: number; bound: number } {
  let at = start
  let bound = 0
  for (;;) {
    if (b.length - at < 3) throw corrupt('zstd', 'a block header is cut short')
    const word = b.readUIntLE(at, 3)
    const size = word >>> 3
    const type = (word >>> 1) & 3
    if (type === 3) throw corrupt('zstd', 'a block of the reserved type')
    bound += type === 2 ? MAX_BLOCK_BYTES : size
    at += 3 + (type === 1 ? 1 : size)
    if (at > b.length) throw corrupt('zstd', 'a block is cut short')
    if ((word & 1) !== 0) return { end: at, bound }
  }
}

/** Frame by frame: WebAssembly takes the first one's size for all of them, and node:zlib reads no other. */
function* decompressFrames(
  bytes: Buffer,
  maxBytes: number,
  read: (bytes: Buffer, frame: Frame, limit: number) => Steps<Buffer>,
): Steps<Buffer> {
  const parts: Buffer[] = []
  let total = 0
  for (const frame of zstdFrames(bytes)) {
    const part = yield* read(bytes.subarray(frame.start, frame.end), frame, maxBytes - total)
    parts.push(part)
    total += part.length
    // One byte is asked for where nothing is allowed.
    if (total > maxBytes) throw tooLarge('zstd', maxBytes)
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total)
}

function decompressByWasm(bytes: Buffer, maxBytes: number): Buffer {
  return finish(
    // biome-ignore lint/correctness/useYield: WebAssembly works on this thread and in one go.
    decompressFrames(bytes, maxBytes, function* (part, frame, limit) {
      return decompressFrame(part, frame, limit, maxBytes)
    }),
  )
}

function decompressFrame(bytes: Buffer, frame: Frame, limit: number, maxBytes: number): Buffer {
  const library = ready()
  if (frame.declared && frame.bytes > limit) throw tooLarge('zstd', maxBytes)
  const most = Math.min(frame.bytes, limit)
  for (let room = Math.min(most, FIRST_ATTEMPT_BYTES); ; room = Math.min(most, room * 8)) {
    try {
      const out = library.decompress(bytes, { defaultHeapSize: Math.max(1, room) })
      return Buffer.from(out.buffer, out.byteOffset, out.byteLength)
    } catch (error) {
      if (error instanceof CompressionError) throw error
      if (!OUTPUT_TOO_SMALL.test(reasonOf(error))) throw corrupt('zstd', reasonOf(error), error)
      if (room >= most) throw frame.bytes > limit ? tooLarge('zstd', maxBytes) : corrupt('zstd', 'the size is wrong')
    }
  }
}

export const zstd: Codec = {
  name: 'zstd',
  prepare() {
    if (loadBuiltIn() !== null || wasm !== undefined) return null
    starting ??= startWasm()
    return starting
  },
  compress(bytes, level = DEFAULT_LEVEL) {
    const zlib = loadBuiltIn()
    if (zlib !== null) {
      return zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } })
    }
    const out = ready().compress(bytes, level)
    return Buffer.from(out.buffer, out.byteOffset, out.byteLength)
  },
  decompress(bytes, maxBytes) {
    const zlib = loadBuiltIn()
    if (zlib === null) return decompressByWasm(bytes, maxBytes)
    return finish(
      // biome-ignore lint/correctness/useYield: at once.
      decompressFrames(bytes, maxBytes, function* (part, _, limit) {
        try {
          return zlib.zstdDecompressSync(part, { maxOutputLength: Math.max(1, limit) })
        } catch (error) {
          throw refusal(error, maxBytes)
        }
      }),
    )
  },
  // WebAssembly works on this thread and in one go.
  *compressInSteps(bytes) {
    const zlib = loadBuiltIn()
    if (zlib === null) return zstd.compress(bytes, undefined)
    return yield onAnotherThread((done) => zlib.zstdCompress(bytes, done))
  },
  *decompressInSteps(bytes, maxBytes) {
    const zlib = loadBuiltIn()
    if (zlib === null) return decompressByWasm(bytes, maxBytes)
    return yield* decompressFrames(bytes, maxBytes, function* (part, _, limit) {
      try {
        return yield onAnotherThread((done) => zlib.zstdDecompress(part, { maxOutputLength: Math.max(1, limit) }, done))
      } catch (error) {
        throw refusal(error, maxBytes)
      }
    })
  },
}

const refusal = (error: unknown, maxBytes: number): Error =>
  isOverLimit(error) ? tooLarge('zstd', maxBytes) : corrupt('zstd', reasonOf(error), error)
