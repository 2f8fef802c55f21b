import type { Steps } from '../steps.js'

/** What stands behind one compression code of Kafka's batch attributes. */
export interface Codec {
  readonly name: 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** Null when the codec can work at once, else the promise of its readiness. */
  prepare(): Promise<void> | null
  compress(bytes: Buffer, level: number | undefined): Buffer
  /** @throws CompressionError CORRUPT_DATA, or TOO_LARGE before more than `maxBytes` are held */
  decompress(bytes: Buffer, maxBytes: number): Buffer
  /** The same for large batches and somebody who can wait: block by block, or on another thread. */
  compressInSteps(bytes: Buffer): Steps<Buffer>
  decompressInSteps(bytes: Buffer, maxBytes: number): Steps<Buffer>
}
