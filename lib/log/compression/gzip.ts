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

export const gzip: Codec = {
  name: 'gzip',
  prepare: () => null,
  compress: (bytes, level) => load().gzipSync(bytes, { level: level ?? -1, chunkSize: CHUNK_BYTES }),
  compressAside: (bytes) =>
    new Promise((resolve, reject) => {
      load().gzip(bytes, { chunkSize: CHUNK_BYTES }, (error, compressed) =>
        error === null ? resolve(compressed) : reject(error),
      )
    }),
  decompress(bytes, maxBytes) {
    try {
      return load().gunzipSync(bytes, { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES })
    } catch (error) {
      throw isOverLimit(error) ? tooLarge('gzip', maxBytes) : corrupt('gzip', reasonOf(error), error)
    }
  },
}
