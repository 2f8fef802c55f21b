/**
 * Snappy. Kafka's clients write the stream format of snappy-java ("xerial": a 16-byte header, then blocks with an int32 length each);
 * some, kafkajs-snappy among them, write one raw block. Both are read, the first is written. snappyjs compresses the blocks; reading them
 * is ours (`snappy-block.ts`), because a negative literal length sends snappyjs's reader into an endless loop.
 */
import { createRequire } from 'node:module'
import { finish, type Steps } from '../steps.js'
import type { Codec } from './codec.js'
import { corrupt, tooLarge } from './error.js'
import { declaredSize, decodeBlock } from './snappy-block.js'

interface SnappyJs {
  compress(bytes: Uint8Array): Uint8Array
}

let library: SnappyJs | undefined
const load = (): SnappyJs => (library ??= createRequire(import.meta.url)('snappyjs') as SnappyJs)

/** 0x82 "SNAPPY" 0, version 1, compatible with version 1. */
const STREAM_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex')
const MAGIC_BYTES = 8
/** snappy-java's default block. */
const BLOCK_BYTES = 32 * 1024
/** A copy of three bytes yields at most 64: more than this ratio is no snappy data, whatever its first bytes claim. */
const MAX_RATIO = 32

const hasMagic = (b: Buffer, at: number): boolean =>
  b.length - at >= STREAM_HEADER.length && b.compare(STREAM_HEADER, 0, MAGIC_BYTES, at, at + MAGIC_BYTES) === 0

function* readBlock(block: Buffer, room: number, maxBytes: number): Steps<Buffer> {
  const size = declaredSize(block)
  if (size < 0 || size > block.length * MAX_RATIO) {
    throw corrupt('snappy', `a block of ${block.length} bytes declares ${size}`)
  }
  if (size > room) throw tooLarge('snappy', maxBytes)
  return yield* decodeBlock(block, size)
}

function* readStream(bytes: Buffer, maxBytes: number): Steps<Buffer> {
  const blocks: Buffer[] = []
  let total = 0
  let at = STREAM_HEADER.length
  while (at < bytes.length) {
    // Streams may be glued together: a header in place of a length.
    if (hasMagic(bytes, at)) {
      at += STREAM_HEADER.length
      continue
    }
    if (bytes.length - at < 4) throw corrupt('snappy', 'the stream ends within a length')
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0 || size > bytes.length - at)
      throw corrupt('snappy', `a block claims ${size} bytes, ${bytes.length - at} are left`)
    const block = yield* readBlock(bytes.subarray(at, at + size), maxBytes - total, maxBytes)
    blocks.push(block)
    total += block.length
    at += size
    if (at < bytes.length) yield null
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total)
}

function* writeStream(bytes: Buffer): Steps<Buffer> {
  const parts: Uint8Array[] = [STREAM_HEADER]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    if (at > 0) yield null
    const block = load().compress(bytes.subarray(at, at + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

const read = (bytes: Buffer, maxBytes: number): Steps<Buffer> =>
  hasMagic(bytes, 0) ? readStream(bytes, maxBytes) : readBlock(bytes, maxBytes, maxBytes)

export const snappy: Codec = {
  name: 'snappy',
  prepare: () => null,
  compress: (bytes) => finish(writeStream(bytes)),
  decompress: (bytes, maxBytes) => finish(read(bytes, maxBytes)),
  compressInSteps: writeStream,
  decompressInSteps: read,
}
