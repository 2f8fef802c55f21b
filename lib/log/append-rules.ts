/** What a topic's configuration says about the batches it takes. Names are Kafka's configs without the dots. */
export interface AppendRules {
  /** `max.message.bytes`: the largest batch, header included. */
  readonly maxMessageBytes: number
  /** `message.timestamp.type` */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  /** `message.timestamp.before.max.ms`: how far in the past a record's CreateTime may lie. */
  readonly timestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms`: how far ahead of the broker's clock it may lie. */
  readonly timestampAfterMaxMs: number
  /** Whether `cleanup.policy` includes `compact`: then every record needs a key. */
  readonly compact: boolean
  /** `compression.type`; `producer` keeps what the client chose. */
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** `compression.gzip.level`, `compression.lz4.level`, `compression.zstd.level`: used when the broker compresses. */
  readonly gzipLevel: number
  readonly lz4Level: number
  readonly zstdLevel: number
  /** `max.decompressed.message.bytes`: the largest single record within a compressed batch. */
  readonly maxDecompressedBytes: number
}

/** Kafka's defaults. */
export const DEFAULT_APPEND_RULES: AppendRules = {
  maxMessageBytes: 1048588,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3600000,
  compact: false,
  compressionType: 'producer',
  gzipLevel: -1,
  lz4Level: 9,
  zstdLevel: 3,
  maxDecompressedBytes: 2147483639,
}

/** The rules from a topic's effective configuration: `value` answers each of Kafka's topic config names with its text. */
export function appendRulesFrom(value: (name: string) => string): AppendRules {
  return {
    maxMessageBytes: Number(value('max.message.bytes')),
    timestampType: value('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: Number(value('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: Number(value('message.timestamp.after.max.ms')),
    compact: value('cleanup.policy')
      .split(',')
      .some((policy) => policy.trim() === 'compact'),
    compressionType: value('compression.type') as AppendRules['compressionType'],
    gzipLevel: Number(value('compression.gzip.level')),
    lz4Level: Number(value('compression.lz4.level')),
    zstdLevel: Number(value('compression.zstd.level')),
    maxDecompressedBytes: Number(value('max.decompressed.message.bytes')),
  }
}

const CODES = { uncompressed: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** The codec a batch that arrived with `sourceCode` is stored with. */
export const targetCompression = (rules: AppendRules, sourceCode: number): number =>
  rules.compressionType === 'producer' ? sourceCode : CODES[rules.compressionType]

/** The configured level of a codec, undefined where there is none. */
export const compressionLevel = (rules: AppendRules, code: number): number | undefined =>
  code === CODES.gzip
    ? rules.gzipLevel
    : code === CODES.lz4
      ? rules.lz4Level
      : code === CODES.zstd
        ? rules.zstdLevel
        : undefined
