/** What stands behind one compression code of Kafka's batch attributes. */
export interface Codec {
  readonly name: 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** Null when the codec can work at once, else the promise of its readiness. */
  prepare(): Promise<void> | null
  compress(bytes: Buffer, level: number | undefined): Buffer
  /** The same on another thread, of a codec that takes more than some ten milliseconds for what a batch may hold. */
  compressAside?(bytes: Buffer): Promise<Buffer>
  /** @throws CompressionError CORRUPT_DATA, or TOO_LARGE before more than `maxBytes` are held */
  decompress(bytes: Buffer, maxBytes: number): Buffer
}
