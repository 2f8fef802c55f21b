/** Offsets nobody needs any more (offsets.retention.minutes), and groups with nothing left. Source: OffsetMetadataManager.cleanupExpiredOffsets. */
import type { ClassicGroup } from '../classic/group.js'
import type { CommittedOffset } from '../records.js'
import type { Turn } from '../turn.js'

/** Records of one batch. What is left over is found by the next check: a shard must not stop for a million tombstones. */
const EXPIRED_PER_CHECK_MAX = 5_000

export function expireOffsets(turn: Turn): void {
  turn.out.divisible = true
  for (const group of turn.registry.values()) {
    if (turn.out.records.length >= EXPIRED_PER_CHECK_MAX) return
    const nothingLeft = expireGroup(turn, group)
    if (nothingLeft && group.state === 'Empty' && group.pendingJoinMembers.size === 0) {
      turn.out.append({ type: 'group-metadata', group: group.groupId, value: null })
    }
  }
}

/** True when the group has no offset left after this. */
function expireGroup(turn: Turn, group: ClassicGroup): boolean {
  const { groupId } = group
  // What a transaction is about to write keeps its group.
  let nothingLeft = !turn.offsets.hasPending(groupId)
  const offsets = turn.offsets.ofGroup(groupId)
  if (offsets === undefined) return nothingLeft
  const ageSince = startOfAge(group)
  if (ageSince === null) return false
  for (const [topic, partitions] of offsets) {
    const kept = group.isSubscribedTo(topic)
    for (const [partition, committed] of partitions) {
      const full = turn.out.records.length >= EXPIRED_PER_CHECK_MAX
      if (
        !full &&
        !kept &&
        !turn.offsets.isPending(groupId, topic, partition) &&
        isExpired(turn, committed, ageSince(committed))
      ) {
        turn.out.append({ type: 'offset-commit', group: groupId, topic, partition, value: null })
      } else {
        nothingLeft = false
      }
    }
  }
  return nothingLeft
}

function isExpired(turn: Turn, committed: CommittedOffset, since: number): boolean {
  if (committed.expireTimestamp !== -1) return turn.now >= committed.expireTimestamp
  return turn.now - since >= turn.config.offsetsRetentionMs
}

/**
 * From when on an offset's age counts; null: nothing of this group expires now.
 *
 * A. without a protocol type ("simple"): from its commit
 * B. Empty: from the moment the group became empty (KIP-211), or from the commit when an old record does not say
 * C. Stable, consumer protocol, subscriptions known: from its commit, for topics that nobody reads
 * D. anything else: never
 */
function startOfAge(group: ClassicGroup): ((committed: CommittedOffset) => number) | null {
  const fromCommit = (committed: CommittedOffset): number => committed.commitTimestamp
  if (group.protocolType === null) return fromCommit // A
  if (group.state === 'Empty') return group.stateTimestamp === -1 ? fromCommit : () => group.stateTimestamp // B
  const known = group.usesConsumerProtocol && group.subscribedTopics !== null
  return known && group.state === 'Stable' ? fromCommit : null // C, D
}
