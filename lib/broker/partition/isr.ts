/**
 * The arithmetic of replication, without state: what a leader may call committed and when it may take an acks=-1 write.
 * Source: Kafka's Partition (maybeIncrementLeaderHW, effectiveMinIsr), KIP-966.
 */

import type { PartitionImage } from '../../metadata/image.js'

/** What a leader knows of one follower. */
export interface FollowerState {
  /** The follower has everything below; -1 until its first fetch in this leader epoch. Goes back when a follower has lost something. */
  endOffset: number
  /** Where the follower's own log starts, -1 while it has not said. */
  logStartOffset: number
  /** Of the life of the follower that has fetched last; -1 when it did not say (KIP-903). */
  brokerEpoch: number
  /** Monotonic ms at which it had, or was about to get, everything the leader had: the lag counts from then. */
  caughtUpMs: number
  /** Where the leader's log ended at its last fetch, and when that was: having reached that end means having caught up then. */
  leaderEndAtFetch: number
  fetchedMs: number
}

/** A follower of which nothing is known yet. It has until `replica.lag.time.max.ms` from now before it counts as lagging. */
export function unknownFollower(nowMs: number): FollowerState {
  return {
    endOffset: -1,
    logStartOffset: -1,
    brokerEpoch: -1,
    caughtUpMs: nowMs,
    leaderEndAtFetch: -1,
    fetchedMs: nowMs,
  }
}

/** What a follower's fetch says of its log. */
export interface FollowerReport {
  readonly endOffset: number
  readonly logStartOffset: number
  readonly brokerEpoch: number
}

/** Books a fetch. Source: Replica.updateFetchStateOrThrow. */
export function noteFetch(
  follower: FollowerState,
  { endOffset: offset, logStartOffset, brokerEpoch }: FollowerReport,
  leaderEndOffset: number,
  nowMs: number,
): void {
  follower.brokerEpoch = brokerEpoch
  follower.logStartOffset = logStartOffset
  if (offset >= leaderEndOffset) follower.caughtUpMs = Math.max(follower.caughtUpMs, nowMs)
  else if (offset >= follower.leaderEndAtFetch) follower.caughtUpMs = Math.max(follower.caughtUpMs, follower.fetchedMs)
  follower.endOffset = offset
  follower.leaderEndAtFetch = leaderEndOffset
  follower.fetchedMs = nowMs
}

type Members = Pick<PartitionImage, 'isr' | 'eligibleLeaderReplicas'>

/** Whether it may be elected: it has everything that was committed. */
export const mayBeElected = ({ isr, eligibleLeaderReplicas }: Members, brokerId: number): boolean =>
  isr.includes(brokerId) || eligibleLeaderReplicas.includes(brokerId)

/** Who may be in sync as far as the leader can know: with those for whom the controller was asked and who may be in already. */
export function maximalIsr(
  { isr }: Pick<PartitionImage, 'isr'>,
  proposed: readonly number[] | null,
): readonly number[] {
  return proposed === null ? isr : [...new Set([...isr, ...proposed])]
}

/**
 * The smallest start of the logs that may be a leader's without an unclean election: what is below has gone for good. Source:
 * Partition.lowWatermarkIfLeader, which looks at the logs of all brokers that are up instead: a deletion can come back in Kafka.
 */
export function lowestStart(
  leaderStart: number,
  { image, followers }: { readonly image: Members; readonly followers: ReadonlyMap<number, FollowerState> },
  proposedIsr: readonly number[] | null,
): number {
  let lowest = leaderStart
  for (const id of [...maximalIsr(image, proposedIsr), ...image.eligibleLeaderReplicas]) {
    lowest = Math.min(lowest, followers.get(id)?.logStartOffset ?? lowest)
  }
  return lowest
}

export interface IsrView {
  readonly brokerId: number
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
  readonly followers: ReadonlyMap<number, FollowerState>
  readonly highWatermark: number
  readonly leaderEndOffset: number
  readonly leaderStartOffset: number
  readonly epochStartOffset: number
  readonly nowMs: number
  /** `replica.lag.time.max.ms`. */
  readonly lagMaxMs: number
  /** Registered, not fenced, not shutting down. */
  isEligible(brokerId: number): boolean
}

/**
 * The in-sync replicas as they should be, null when they are. Cases (Kafka's Partition.getOutOfSyncReplicas, isFollowerInSync):
 * A. a member that has not caught up for `lagMaxMs`, and has not everything now, leaves;
 * B. a replica that has everything below the high watermark, and what the leader had when it began, comes in, unless it has records that are deleted
 *    here (which Kafka does not ask): as a leader it would show them again.
 */
export function proposeIsr(view: IsrView): readonly number[] | null {
  const { brokerId, isr, replicas, followers, nowMs, lagMaxMs } = view
  const stays = isr.filter((id) => {
    const follower = followers.get(id)
    if (id === brokerId || follower === undefined) return true
    return follower.endOffset === view.leaderEndOffset || nowMs - follower.caughtUpMs <= lagMaxMs // A
  })
  const comes = replicas.filter((id) => {
    const follower = followers.get(id)
    if (follower === undefined || isr.includes(id) || !view.isEligible(id)) return false
    const hasDeleted = follower.logStartOffset < view.leaderStartOffset
    return follower.endOffset >= Math.max(view.highWatermark, view.epochStartOffset) && !hasDeleted // B
  })
  return comes.length === 0 && stays.length === isr.length ? null : [...stays, ...comes]
}

export interface CommitView {
  /** Everything below is committed already: the result never lies below it. */
  highWatermark: number
  /** What the leader itself has written (not merely accepted). */
  writtenOffset: number
  brokerId: number
  /** Where an expansion is under way, with the newcomer: the controller may have let it in already. */
  isr: readonly number[]
  /** How many are in sync as the controller has it. A newcomer that it may not know of keeps nobody eligible from leading. */
  recorded: number
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
  if (view.recorded < view.minIsr) return view.highWatermark
  let committed = view.writtenOffset
  for (const brokerId of view.isr) {
    if (brokerId === view.brokerId) continue
    committed = Math.min(committed, view.followers.get(brokerId)?.endOffset ?? -1)
  }
  return Math.max(committed, view.highWatermark)
}
