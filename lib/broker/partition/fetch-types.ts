import type { ErrorCode } from '../../../protocol/errors.js'

/** One partition of a Fetch request, as the request or its session has it. Field names are Kafka's. */
export interface FetchTarget {
  /** '' when the request speaks topic ids (v13+). */
  readonly topic: string
  /** Zero uuid when the request speaks names. */
  readonly topicId: string
  readonly partition: number
  /** -1: not checked. */
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  /** -1: no check for a diverging log (KIP-320). */
  readonly lastFetchedEpoch: number
  /** A follower's own log start offset, -1 from a consumer. */
  readonly logStartOffset: number
  readonly partitionMaxBytes: number
  /** A follower's high watermark (v18+), absent when it does not say. */
  readonly highWatermark?: number
}

/** What one partition answers. */
export interface FetchAnswer {
  readonly target: FetchTarget
  readonly errorCode: ErrorCode
  /** -1, as the two that follow, when there is an error. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** The largest epoch below the fetcher's last one and its end: the fetcher truncates (KIP-595). */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null
  /** The broker that the consumer should rather read from (KIP-392): then there are no records here. -1: none. */
  readonly preferredReadReplica: number
  /** Null for read_uncommitted. */
  readonly abortedTransactions: readonly { producerId: number; firstOffset: number }[] | null
  /** Whole batches by reference. */
  readonly pieces: readonly Buffer[]
  readonly sizeInBytes: number
  /** To be called when the pieces have left the process, so that their memory can be used again; null when nobody waits for it. */
  readonly release: (() => void) | null
}

/** Whether a follower that asks like this has to hear of its leader's high watermark or log start; never of a consumer. */
export function hasToHear(
  { highWatermark = Number.MAX_SAFE_INTEGER, fetchOffset, logStartOffset }: FetchTarget,
  leaderHighWatermark: number,
  leaderStartOffset: number,
): boolean {
  if (highWatermark < Math.min(leaderHighWatermark, fetchOffset)) return true
  return logStartOffset >= 0 && logStartOffset < leaderStartOffset
}

export const NO_PIECES: readonly Buffer[] = []

/** The answer of a partition that could not be read. */
export function failedFetch(target: FetchTarget, errorCode: ErrorCode): FetchAnswer {
  return {
    target,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: null,
    preferredReadReplica: -1,
    abortedTransactions: null,
    pieces: NO_PIECES,
    sizeInBytes: 0,
    release: null,
  }
}
