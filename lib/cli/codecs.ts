/** Gives kafkajs the compressions it lacks, from the broker's own table of codecs. */
import { compress, decompress, prepareCodec } from '../log/compression/index.js'
import { loadKafkaJs } from './kafkajs.js'

/** What one batch may become: well above any batch a broker accepts, well below the memory of a small machine. */
const MAX_DECOMPRESSED_BYTES = 256 << 20

interface KafkaJsEncoder {
  readonly buffer: Buffer
}

export async function registerCodecs(): Promise<void> {
  const { CompressionCodecs, CompressionTypes } = await loadKafkaJs()
  for (const code of [CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD] as const) {
    await prepareCodec(code)
    CompressionCodecs[code] = () => ({
      compress: async (encoder: KafkaJsEncoder): Promise<Buffer> => compress(code, encoder.buffer),
      decompress: async (bytes: Buffer): Promise<Buffer> => decompress(code, bytes, MAX_DECOMPRESSED_BYTES),
    })
  }
}
