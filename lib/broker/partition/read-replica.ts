/** Which replica a consumer should read from (KIP-392). Pure. Source: ReplicaManager.findPreferredReadReplica, RackAwareReplicaSelector. */
import type { FollowerState } from './isr.js'

export interface ReadReplicaView {
  readonly clientRack: string
  readonly leaderRack: string | null
  readonly fetchOffset: number
  readonly isr: readonly number[]
  readonly followers: ReadonlyMap<number, FollowerState>
  /** Of a broker that clients can reach; null when it has none, or is not there. */
  rackOf(brokerId: number): string | null
}

/**
 * The in-sync follower in the client's rack that has the offset and is furthest, the lowest id among equals; -1: stay with the leader, because it is
 * in that rack too, or nobody else is. One that is not in sync may never catch up, and who reads from it would fall behind with it.
 */
export function preferredReadReplica(view: ReadReplicaView): number {
  const { clientRack, leaderRack, fetchOffset, isr, followers } = view
  if (clientRack === '' || clientRack === leaderRack) return -1
  let best = -1
  let bestState: FollowerState | null = null
  for (const [id, state] of followers) {
    if (!isr.includes(id) || view.rackOf(id) !== clientRack) continue
    if (state.endOffset < fetchOffset || state.logStartOffset > fetchOffset) continue
    if (bestState !== null && !isFurther(id, state, best, bestState)) continue
    best = id
    bestState = state
  }
  return best
}

function isFurther(id: number, state: FollowerState, best: number, bestState: FollowerState): boolean {
  if (state.endOffset !== bestState.endOffset) return state.endOffset > bestState.endOffset
  if (state.caughtUpMs !== bestState.caughtUpMs) return state.caughtUpMs > bestState.caughtUpMs
  return id < best
}
