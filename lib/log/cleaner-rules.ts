/**
 * Which logs the cleaner works on, up to where, and in which portions: pure, on plain facts (Kafka's LogCleanerManager and the
 * grouping of LogCleaner).
 */
import type { LogConfig } from './config.js'
import type { KnownLog } from './log-options.js'

export interface CleanerSegmentFacts {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** Largest record timestamp, or the time of the last append. */
  readonly largestTimestamp: number
  /** Timestamp of the first batch, -1 when it has none. */
  readonly firstTimestamp: number
}

export interface CleanerLogFacts {
  /** By rising base offset; the last one is active. */
  readonly segments: readonly CleanerSegmentFacts[]
  readonly logStartOffset: number
  readonly endOffset: number
  /** Everything below was cleaned before; null when that is not known. */
  readonly cleanedOffset: number | null
  /** The smallest of high watermark, first unstable offset and recovery point: what is above may still go, or become aborted. */
  readonly stableOffset: number
  readonly config: Pick<LogConfig, 'minCompactionLagMs' | 'maxCompactionLagMs' | 'minCleanableDirtyRatio'>
}

export interface Cleanable {
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that may not be touched. */
  readonly firstUncleanableOffset: number
  readonly dirtyBytes: number
  /** Dirty bytes of all cleanable bytes. */
  readonly dirtyRatio: number
  /** How long a record waits already beyond `max.compaction.lag.ms`; 0 when none does. */
  readonly overdueMs: number
  /** Whether the log is to be cleaned now. */
  readonly due: boolean
}

/** What of a log can be cleaned at `now`, and whether it is time. */
export function judgeLog(log: CleanerLogFacts, now: number): Cleanable {
  const { segments, config } = log
  const known = log.cleanedOffset
  // Records may have gone at either end since the last cleaning: then everything is dirty again.
  const firstDirtyOffset =
    known === null || known < log.logStartOffset || known > log.endOffset ? log.logStartOffset : known
  const sealed = segments.slice(0, -1)
  const dirty = sealed.filter((_, index) => segments[index + 1]!.baseOffset > firstDirtyOffset)
  let limit = Math.min(log.stableOffset, segments.at(-1)!.baseOffset)
  if (config.minCompactionLagMs > 0) {
    const young = dirty.find((segment) => segment.largestTimestamp > now - config.minCompactionLagMs)
    if (young !== undefined) limit = Math.min(limit, young.baseOffset)
  }
  // The segment that the limit lies in stays whole.
  const firstUncleanableOffset = segments.findLast((one) => one.baseOffset <= limit)?.baseOffset ?? firstDirtyOffset
  let cleanBytes = 0
  let dirtyBytes = 0
  for (const [index, segment] of sealed.entries()) {
    if (segment.baseOffset >= firstUncleanableOffset) break
    if (segments[index + 1]!.baseOffset > firstDirtyOffset) dirtyBytes += segment.sizeInBytes
    else cleanBytes += segment.sizeInBytes
  }
  const dirtyRatio = dirtyBytes === 0 ? 0 : dirtyBytes / (cleanBytes + dirtyBytes)
  const overdueMs = overdue(dirty, now - config.maxCompactionLagMs)
  const due = dirtyBytes > 0 && (overdueMs > 0 || dirtyRatio > config.minCleanableDirtyRatio)
  return { firstDirtyOffset, firstUncleanableOffset, dirtyBytes, dirtyRatio, overdueMs, due }
}

/**
 * How far a cleaning in an earlier life may have looked: never into the last segment, unless that was sealed and what came behind is lost, and
 * never above the high watermark.
 */
export function compactedAtMost(
  { config, endOffset }: { config: Pick<LogConfig, 'cleanupCompact'>; endOffset: number },
  last: { baseOffset: number },
  known: KnownLog | undefined,
  mayBeSealed: boolean,
): number {
  if (!config.cleanupCompact && known?.cleanedOffset === undefined) return 0
  if (known?.clean !== true) return mayBeSealed ? endOffset : last.baseOffset
  return Math.min(last.baseOffset, known.highWatermark ?? last.baseOffset)
}

function overdue(dirty: readonly CleanerSegmentFacts[], cleanUntilMs: number): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const { firstTimestamp } of dirty) if (firstTimestamp > 0) earliest = Math.min(earliest, firstTimestamp)
  return Math.max(0, cleanUntilMs - earliest)
}

/** The log to clean first: the dirtiest of those that are due; the earlier one when two are equal. */
export function dirtiest<T extends { readonly judgement: Cleanable }>(logs: Iterable<T>): T | null {
  let best: T | null = null
  for (const log of logs) {
    if (log.judgement.due && log.judgement.dirtyRatio > (best?.judgement.dirtyRatio ?? -1)) best = log
  }
  return best
}

export interface GroupLimits {
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  /** Where the last segment ends at the latest. */
  readonly endOffset: number
}

const RELATIVE_OFFSET_MAX = 0x7fffffff
/** One swap renames four files per segment in one turn of the event loop. */
const GROUP_SEGMENTS_MAX = 64
/** A time index entry, the larger kind; there is at most one per index interval. */
const INDEX_ENTRY_BYTES = 12

/** Neighbouring segments that become one: as many as fit into one by size, index and offsets. */
export function groupSegments<T extends { readonly baseOffset: number; readonly sizeInBytes: number }>(
  segments: readonly T[],
  limits: GroupLimits,
): T[][] {
  const groups: T[][] = []
  let group: T[] = []
  let bytes = 0
  for (const [index, segment] of segments.entries()) {
    const lastOffset = (segments[index + 1]?.baseOffset ?? limits.endOffset) - 1
    const grown = bytes + segment.sizeInBytes
    const fits =
      group.length > 0 &&
      group.length < GROUP_SEGMENTS_MAX &&
      grown <= limits.segmentBytes &&
      (grown / limits.indexIntervalBytes) * INDEX_ENTRY_BYTES <= limits.segmentIndexBytes &&
      lastOffset - group[0]!.baseOffset <= RELATIVE_OFFSET_MAX
    if (!fits) groups.push((group = []))
    group.push(segment)
    bytes = fits ? grown : segment.sizeInBytes
  }
  return groups
}
