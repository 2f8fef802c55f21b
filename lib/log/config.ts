/**
 * A topic's configs as the log uses them: typed, in the units of their names. Kafka's names and defaults (LogConfig).
 *
 * Values come as the strings that DescribeConfigs shows and are trusted: bounds are checked where they are set. A missing key takes
 * Kafka's default. Long.MAX_VALUE becomes a number just above every real one, which is all that comparisons need.
 */
import type { Random } from '../host/random.js'
import { type AppendRules, appendRulesFrom } from './append-rules.js'

export interface LogConfig {
  /** `cleanup.policy` contains delete / compact. */
  cleanupDelete: boolean
  cleanupCompact: boolean
  /** `segment.bytes`, or `internal.segment.bytes` when that is set (Kafka's own back door for small segments in tests). */
  segmentBytes: number
  /** `segment.ms`; for a compacted topic not more than `max.compaction.lag.ms`, as only sealed segments are compacted. */
  segmentMs: number
  segmentJitterMs: number
  segmentIndexBytes: number
  indexIntervalBytes: number
  /** -1: no limit. */
  retentionMs: number
  /** -1: no limit. */
  retentionBytes: number
  /** What a batch has to fulfil: sizes, timestamps, keys, compression. */
  appendRules: AppendRules
  flushMessages: number
  flushMs: number
  fileDeleteDelayMs: number
  deleteRetentionMs: number
  minCleanableDirtyRatio: number
  minCompactionLagMs: number
  maxCompactionLagMs: number
}

/** Kafka's defaults of the configs that `appendRulesFrom` asks for. */
const APPEND_DEFAULTS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '1048588',
  'max.decompressed.message.bytes': '2147483639',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '3600000',
  'compression.type': 'producer',
  'compression.gzip.level': '-1',
  'compression.lz4.level': '9',
  'compression.zstd.level': '3',
}

const LONG_MAX = '9223372036854775807'

/** Reads the typed config through `valueFor(name)`: the effective value of a topic config as a string, null or undefined when unset. */
export function logConfig(valueFor: (name: string) => string | null | undefined): LogConfig {
  const text = (name: string, fallback: string): string => valueFor(name) ?? fallback
  const number = (name: string, fallback: string): number => Number(text(name, fallback))
  const policies = text('cleanup.policy', 'delete')
    .split(',')
    .map((policy) => policy.trim())
  const cleanupCompact = policies.includes('compact')
  const segmentMs = number('segment.ms', '604800000')
  const maxCompactionLagMs = number('max.compaction.lag.ms', LONG_MAX)
  return {
    cleanupDelete: policies.includes('delete'),
    cleanupCompact,
    segmentBytes: Number(valueFor('internal.segment.bytes') ?? text('segment.bytes', '1073741824')),
    segmentMs: cleanupCompact ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs,
    segmentJitterMs: number('segment.jitter.ms', '0'),
    segmentIndexBytes: number('segment.index.bytes', '10485760'),
    indexIntervalBytes: number('index.interval.bytes', '4096'),
    retentionMs: number('retention.ms', '604800000'),
    retentionBytes: number('retention.bytes', '-1'),
    appendRules: appendRulesFrom((name) => text(name, APPEND_DEFAULTS[name]!)),
    flushMessages: number('flush.messages', LONG_MAX),
    flushMs: number('flush.ms', LONG_MAX),
    fileDeleteDelayMs: number('file.delete.delay.ms', '60000'),
    deleteRetentionMs: number('delete.retention.ms', '86400000'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio', '0.5'),
    minCompactionLagMs: number('min.compaction.lag.ms', '0'),
    maxCompactionLagMs,
  }
}

/** Kafka's defaults, with some values replaced. */
export function defaultLogConfig(overrides: Partial<LogConfig> = {}): LogConfig {
  return { ...logConfig(() => undefined), ...overrides }
}

/** A new segment's share of `segment.jitter.ms`. */
export function segmentJitter({ segmentJitterMs, segmentMs }: LogConfig, random: Random): number {
  const bound = Math.min(segmentJitterMs, segmentMs)
  return bound > 0 ? random.integer(bound) : 0
}
