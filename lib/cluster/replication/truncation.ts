/** Where a follower cuts its log when the leader's history is another one. Pure. Source: AbstractFetcherThread.getOffsetTruncationState. */
import type { EpochEndOffset } from '../../log/contract.js'

export interface OwnLog {
  readonly endOffset: number
  readonly highWatermark: number
  endOffsetForEpoch(epoch: number): EpochEndOffset
}

/**
 * `diverging`: the largest epoch that the leader has not above the follower's last one, and where it ends there. Cases:
 * A. the leader knows no such epoch: nothing above the high watermark can be trusted.
 * B. the follower has that epoch too: both agree up to the smaller of its two ends.
 * C. the follower has only older ones: up to where the newest of those ends here; what comes next is asked again.
 */
export function truncationPoint(
  log: OwnLog,
  diverging: { readonly epoch: number; readonly endOffset: number },
): number {
  if (diverging.epoch < 0 || diverging.endOffset < 0) return Math.min(log.highWatermark, log.endOffset) // A
  const own = log.endOffsetForEpoch(diverging.epoch)
  if (own.endOffset < 0) return Math.min(diverging.endOffset, log.endOffset)
  if (own.leaderEpoch === diverging.epoch) return Math.min(diverging.endOffset, own.endOffset, log.endOffset) // B
  return Math.min(own.endOffset, log.endOffset) // C
}
