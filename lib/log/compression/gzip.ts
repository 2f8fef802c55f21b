/** gzip by node:zlib, loaded on first use. Level: 1 to 9, -1 the library's default (`compression.gzip.level`). */
import { createRequire } from 'node:module'
import type * as Zlib from 'node:zlib'
import type { Codec } from './codec.js'
import { corrupt, reasonOf, tooLarge } from './error.js'

let zlib: typeof Zlib | undefined
const load = (): typeof Zlib => (zlib ??= createRequire(import.meta.url)('node:zlib') as typeof Zlib)

/** One step of output memory: what a batch of usual size needs, so that most calls allocate once. */
const CHUNK_BYTES = 64 * 1024

export const isOverLimit = (error: unknown): boolean =>
  error instanceof RangeError && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'

/** node:zlib's calls with a callback work in the process's thread pool. */
export const onAnotherThread = (call: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> =>
  new Promise((resolve, reject) => call((error, result) => (error === null ? resolve(result) : reject(error))))

export const gzip: Codec = {
  name: 'gzip',
  prepare: () => null,
  compress: (bytes, level) => load().gzipSync(bytes, { level: level ?? -1, chunkSize: CHUNK_BYTES }),
  decompress(bytes, maxBytes) {
    try {
      return load().gunzipSync(bytes, { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES })
    } catch (error) {
      throw refusal(error, maxBytes)
    }
  },
  *compressInSteps(bytes) {
    return yield onAnotherThread((done) => load().gzip(bytes, { chunkSize: CHUNK_BYTES }, done))
  },
  *decompressInSteps(bytes, maxBytes) {
    const options = { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES }
    try {
      return yield onAnotherThread((done) => load().gunzip(bytes, options, done))
    } catch (error) {
      throw refusal(error, maxBytes)
    }
  },
}

const refusal = (error: unknown, maxBytes: number): Error =>
  isOverLimit(error) ? tooLarge('gzip', maxBytes) : corrupt('gzip', reasonOf(error), error)
