/**
 * The codecs of Kafka's batch attributes behind one table. Everything is synchronous, because a batch is checked and accepted in one
 * turn of the event loop; the one library that starts asynchronously is awaited beforehand with `prepareCodec`.
 * Libraries load on first use. Outputs are limited: a batch of a megabyte can claim gigabytes.
 */
import type { Steps } from '../steps.js'
import type { Codec } from './codec.js'
import { CompressionError } from './error.js'
import { gzip } from './gzip.js'
import { lz4 } from './lz4.js'
import { snappy } from './snappy.js'
import { zstd } from './zstd.js'

export { CompressionError, type CompressionErrorCode } from './error.js'

/** Names as in `compression.type`, by code. */
export const CompressionCode = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

const codecs: readonly (Codec | null)[] = [null, gzip, snappy, lz4, zstd]

/**
 * The largest decompressed batch that is held in memory, whatever a topic allows. Kafka streams through larger ones; one request
 * must not be able to take the whole process here.
 */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024

function codecOf(code: number): Codec {
  const codec = codecs[code]
  if (codec === undefined || codec === null) {
    throw new CompressionError('UNKNOWN_CODEC', `unknown compression type id: ${code}`)
  }
  return codec
}

/** Null when `code` can be used now (or is no codec at all), else a promise to await before the synchronous calls. */
export const prepareCodec = (code: number): Promise<void> | null => codecs[code]?.prepare() ?? null

/** Compresses with codec 1-4. `level` as in `compression.<codec>.level`; codecs without levels ignore it. */
export const compress = (code: number, bytes: Buffer, level?: number): Buffer => codecOf(code).compress(bytes, level)

/** Less than this is done at once: a millisecond or two. */
const COMPRESS_IN_STEPS_FROM_BYTES = 64 * 1024
/** Of what is compressed. */
const DECOMPRESS_IN_STEPS_FROM_BYTES = 16 * 1024

/** `compress` for who can wait: no step takes more than a few milliseconds of this thread (zstd by WebAssembly: see its file). */
export function* compressInSteps(code: number, bytes: Buffer): Steps<Buffer> {
  const codec = codecOf(code)
  if (bytes.length < COMPRESS_IN_STEPS_FROM_BYTES) return codec.compress(bytes, undefined)
  return yield* codec.compressInSteps(bytes)
}

/** `decompress` for who can wait. @throws CompressionError as `decompress` */
export function* decompressInSteps(code: number, bytes: Buffer): Steps<Buffer> {
  const codec = codecOf(code)
  if (bytes.length < DECOMPRESS_IN_STEPS_FROM_BYTES) return codec.decompress(bytes, DECOMPRESSED_BYTES_MAX)
  return yield* codec.decompressInSteps(bytes, DECOMPRESSED_BYTES_MAX)
}

/**
 * Decompresses with codec 1-4.
 * @throws CompressionError UNKNOWN_CODEC, CORRUPT_DATA, TOO_LARGE (more than `maxBytes`), NOT_READY
 */
export const decompress = (code: number, bytes: Buffer, maxBytes = DECOMPRESSED_BYTES_MAX): Buffer =>
  codecOf(code).decompress(bytes, maxBytes)
