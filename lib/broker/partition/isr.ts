/**
 * The arithmetic of replication, without state: what a leader may call committed and when it may take an acks=-1 write.
 * Source: Kafka's Partition (maybeIncrementLeaderHW, effectiveMinIsr), KIP-966.
 */

/** What a leader knows of one follower. */
export interface FollowerState {
  /** The follower has everything below; -1 until its first fetch in this leader epoch. */
  endOffset: number
}

export interface CommitView {
  /** Everything below is committed already: the result never lies below it. */
  highWatermark: number
  /** What the leader itself has written (not merely accepted). */
  writtenOffset: number
  brokerId: number
  isr: readonly number[]
  followers: ReadonlyMap<number, FollowerState>
  /** From `effectiveMinIsr`. */
  minIsr: number
}

/**
 * `min.insync.replicas` as 4.x enforces it: a value above the number of replicas can never be met, so it is capped
 * (a topic with one replica and min.insync.replicas=2 takes acks=-1).
 */
export function effectiveMinIsr(minInsyncReplicas: number, replicaCount: number): number {
  return Math.min(minInsyncReplicas, Math.max(replicaCount, 1))
}

/** The offset below which every in-sync replica has everything. Never goes back. */
export function committedOffset(view: CommitView): number {
  // KIP-966: with fewer in-sync replicas than promised, nothing new becomes visible.
  if (view.isr.length < view.minIsr) return view.highWatermark
  let committed = view.writtenOffset
  for (const brokerId of view.isr) {
    if (brokerId === view.brokerId) continue
    committed = Math.min(committed, view.followers.get(brokerId)?.endOffset ?? -1)
  }
  return Math.max(committed, view.highWatermark)
}
