/** Which of the oldest segments go: pure, on plain facts (Kafka's UnifiedLog.deleteOldSegments). */

export interface SegmentFacts {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** Largest record timestamp, or the time of the last append when the records carry none. */
  readonly largestTimestamp: number
}

export interface RetentionRules {
  now: number
  /** False for topics that are only compacted: time and size then don't count, the log start offset does. */
  deleteByPolicy: boolean
  /** -1: no limit. */
  retentionMs: number
  /** -1: no limit. */
  retentionBytes: number
  logStartOffset: number
  /** Nothing at or above it goes: it may not be replicated yet. */
  highWatermark: number
  endOffset: number
}

/**
 * How many segments, from the oldest on, may go. Time first, then size, then the log start offset, each taking a prefix of what the
 * one before left. May be all of them: the caller then rolls first. An empty last segment always stays.
 */
export function countDeletable(segments: readonly SegmentFacts[], rules: RetentionRules): number {
  const upperBoundOf = (index: number): number => segments[index + 1]?.baseOffset ?? rules.endOffset
  const mayGo = (index: number): boolean =>
    rules.highWatermark >= upperBoundOf(index) && !(index === segments.length - 1 && segments[index]!.sizeInBytes === 0)
  let count = 0
  if (rules.deleteByPolicy && rules.retentionMs >= 0) {
    while (
      count < segments.length &&
      mayGo(count) &&
      rules.now - segments[count]!.largestTimestamp > rules.retentionMs
    ) {
      count++
    }
  }
  if (rules.deleteByPolicy && rules.retentionBytes >= 0) {
    let excess = -rules.retentionBytes
    for (let i = count; i < segments.length; i++) excess += segments[i]!.sizeInBytes
    while (count < segments.length && mayGo(count) && excess - segments[count]!.sizeInBytes >= 0) {
      excess -= segments[count]!.sizeInBytes
      count++
    }
  }
  while (count < segments.length - 1 && mayGo(count) && segments[count + 1]!.baseOffset <= rules.logStartOffset) count++
  return count
}
