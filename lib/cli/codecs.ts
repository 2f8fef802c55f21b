/** Gives kafkajs the compressions it lacks, from the broker's own table of codecs. */
// The default import: Node sees only some of kafkajs's exports as named ones (no CompressionCodecs, no ConfigResourceTypes).
import kafkajs from 'kafkajs'
import { compress, decompress, prepareCodec } from '../log/compression/index.js'

/** What one batch may become: well above any batch a broker accepts, well below the memory of a small machine. */
const MAX_DECOMPRESSED_BYTES = 256 << 20

interface KafkaJsEncoder {
  readonly buffer: Buffer
}

const { CompressionCodecs, CompressionTypes } = kafkajs

export async function registerCodecs(): Promise<void> {
  for (const code of [CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD] as const) {
    await prepareCodec(code)
    CompressionCodecs[code] = () => ({
      compress: async (encoder: KafkaJsEncoder): Promise<Buffer> => compress(code, encoder.buffer),
      decompress: async (bytes: Buffer): Promise<Buffer> => decompress(code, bytes, MAX_DECOMPRESSED_BYTES),
    })
  }
}
