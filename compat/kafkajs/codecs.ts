/**
 * Registers the codecs that kafkajs leaves to its users, as they do it: kafkajs-snappy (which writes raw snappy blocks,
 * not the framing of the Java client), LZ4 frames from lz4-napi, Zstandard from @bokuweb/zstd-wasm. (Not lz4js: its frames
 * lack the flag "blocks are independent", without which Apache Kafka and its Java client refuse them.)
 */
import { createRequire } from 'node:module'
import * as zstd from '@bokuweb/zstd-wasm'
import kafkajs from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'

const { CompressionCodecs, CompressionTypes } = kafkajs
const require = createRequire(import.meta.url)

/** The package has no types. */
const snappy = require('kafkajs-snappy') as () => unknown

interface EncodedRecords {
  readonly buffer: Buffer
}

let registered = false

/** Registers all codecs once. */
export async function registerCodecs(): Promise<void> {
  if (registered) return
  registered = true
  await zstd.init()
  CompressionCodecs[CompressionTypes.Snappy] = snappy
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: EncodedRecords) => compressFrame(encoder.buffer),
    decompress: (buffer: Buffer) => decompressFrame(buffer),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: EncodedRecords) => Buffer.from(zstd.compress(encoder.buffer, 3)),
    decompress: async (buffer: Buffer) => Buffer.from(zstd.decompress(buffer)),
  })
}
