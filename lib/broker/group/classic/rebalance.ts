/**
 * How a group gets from one generation to the next: prepare, collect the members, agree on protocol and leader, wait for the syncs.
 * Source: the GroupMetadataManager.classicGroup* family of Kafka's group coordinator.
 */
import { ErrorCode } from '../../../../protocol/errors.js'
import { restart, type Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { type ClassicMember, EMPTY_BYTES } from './member.js'
import { answerJoin, answerSync, joinError, joinReply, syncError } from './replies.js'

/** A group in which nobody rejoined asks again after its rebalance timeout; a timeout of 0 must not make that a busy loop. */
const NOBODY_REJOINED_RETRY_MIN_MS = 100
/** A log that refuses a record most often does so until a replica is back. */
const REFUSED_RETRY_MS = 1_000

/** Starts or continues a rebalance, whichever the group's state allows. */
export function rebalanceOrCompleteJoin(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.canRebalance) prepareRebalance(turn, group, reason)
  else maybeCompleteJoin(turn, group)
}

export function prepareRebalance(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.state === 'CompletingRebalance') {
    for (const member of group.members.values()) {
      member.assignment = EMPTY_BYTES
      if (answerSync(turn, member, syncError(ErrorCode.REBALANCE_IN_PROGRESS))) rescheduleSession(turn, member, group)
    }
  }
  group.pendingSyncMembers.clear()
  turn.out.cancel(group.syncKey)

  const isInitial = group.state === 'Empty'
  turn.logger.info(`Group ${group.groupId} rebalances after generation ${group.generationId}: ${reason}.`)
  group.transition('PreparingRebalance', turn.now)
  if (isInitial) startInitialDelay(turn, group)
  else if (group.hasAllMembersJoined) completeJoin(turn, group)
  else scheduleJoinTimeout(turn, group, group.rebalanceTimeoutMs)
}

/**
 * A new group gives other members a moment (group.initial.rebalance.delay.ms) and extends it while members come, up to the rebalance
 * timeout. Without a delay the first member has its generation in this turn.
 */
function startInitialDelay(turn: Turn, group: ClassicGroup): void {
  const delayMs = turn.config.initialRebalanceDelayMs
  if (delayMs === 0) {
    completeJoin(turn, group)
    return
  }
  const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0)
  turn.out.schedule(group.joinKey, delayMs, {
    type: 'initial-delay-over',
    groupId: group.groupId,
    delayMs,
    remainingMs,
  })
}

export function initialDelayOver(turn: Turn, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  if (group.state !== 'PreparingRebalance') return
  if (!group.newMemberAdded || remainingMs === 0) {
    completeJoin(turn, group)
    return
  }
  group.newMemberAdded = false
  const nextDelayMs = Math.min(turn.config.initialRebalanceDelayMs, remainingMs)
  turn.out.schedule(group.joinKey, nextDelayMs, {
    type: 'initial-delay-over',
    groupId: group.groupId,
    delayMs: nextDelayMs,
    remainingMs: Math.max(remainingMs - delayMs, 0),
  })
}

/** Somebody joined or left while the group collects its members: that may have been the last one it waits for. */
export function maybeCompleteJoin(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance') return
  // The initial delay ends by its timer alone, however many have come.
  if (group.previousState === 'Empty') return
  if (group.hasAllMembersJoined) completeJoin(turn, group)
}

/** Ends the collecting phase: whoever has not come is out, except static members, who have until their session ends. */
export function completeJoin(turn: Turn, group: ClassicGroup): void {
  turn.out.cancel(group.joinKey)
  for (const member of [...group.members.values()]) {
    if (member.awaitingJoin !== null || member.groupInstanceId !== null) continue
    turn.logger.info(`Group ${group.groupId} goes on without ${member.memberId}, which did not rejoin in time.`)
    removeMember(turn, group, member)
  }
  if (group.members.size === 0) {
    writeEmptyGeneration(turn, group)
  } else if (electJoinedLeader(group)) {
    startGeneration(turn, group)
  } else {
    const retryMs = Math.max(group.rebalanceTimeoutMs, NOBODY_REJOINED_RETRY_MIN_MS)
    scheduleJoinTimeout(turn, group, retryMs)
  }
}

function writeEmptyGeneration(turn: Turn, group: ClassicGroup): void {
  turn.logger.info(`Group ${group.groupId} is empty with generation ${group.generationId + 1}.`)
  turn.out.append({
    type: 'group-metadata',
    group: group.groupId,
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId + 1,
      protocol: null,
      leader: null,
      currentStateTimestamp: turn.now,
      members: [],
    },
  })
  turn.out.ifRefused = () => {
    // Nobody is there who could be told. The group stays as it is, without members, and says so to the log a little later.
    const instead = restart(turn)
    instead.out.effects.push(...turn.out.effects)
    scheduleJoinTimeout(instead, group, REFUSED_RETRY_MS)
    return instead.out
  }
}

function startGeneration(turn: Turn, group: ClassicGroup): void {
  group.generationId++
  group.protocolName = group.selectProtocol()
  group.refreshSubscribedTopics()
  group.transition('CompletingRebalance', turn.now)
  group.newMemberAdded = false
  group.pendingSyncMembers.clear()
  for (const member of group.members.values()) {
    answerJoin(turn, group, member, joinReply(group, member.memberId))
    rescheduleSession(turn, member, group)
    member.isNew = false
    group.pendingSyncMembers.add(member.memberId)
  }
  // A rebalance timeout of 0 says nothing about how long a SyncGroup takes to come: the session timeout stands in, or the members
  // would be dropped while their SyncGroup is on its way (Kafka loses that race most of the time).
  const syncTimeoutMs = group.rebalanceTimeoutMs > 0 ? group.rebalanceTimeoutMs : group.sessionTimeoutMs
  turn.out.schedule(group.syncKey, syncTimeoutMs, {
    type: 'sync-expired',
    groupId: group.groupId,
    generationId: group.generationId,
  })
  turn.logger.info(`Group ${group.groupId} has generation ${group.generationId} with ${group.members.size} members.`)
}

/** False when nobody has joined. A leader that did not come back in time hands over to the first member that did. */
function electJoinedLeader(group: ClassicGroup): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId)
  if (leader !== undefined && leader.awaitingJoin !== null) return true
  for (const member of group.members.values()) {
    if (member.awaitingJoin !== null) {
      group.leaderId = member.memberId
      return true
    }
  }
  return false
}

function scheduleJoinTimeout(turn: Turn, group: ClassicGroup, delayMs: number): void {
  turn.out.schedule(group.joinKey, delayMs, { type: 'join-expired', groupId: group.groupId })
}

export function joinExpired(turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance') completeJoin(turn, group)
}

/** Members that were told their generation and never asked for their assignment are out (KAFKA-9752: they would block the group). */
export function syncExpired(turn: Turn, group: ClassicGroup, generationId: number): void {
  if (generationId !== group.generationId || group.pendingSyncMembers.size === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  const late = [...group.pendingSyncMembers]
  for (const memberId of late) {
    const member = group.members.get(memberId)
    if (member !== undefined) removeMember(turn, group, member)
  }
  prepareRebalance(turn, group, `no SyncGroup came from ${late.join(', ')}`)
}

export function sessionExpired(turn: Turn, group: ClassicGroup, memberId: string): void {
  if (group.pendingJoinMembers.has(memberId)) {
    group.remove(memberId)
    if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) completeJoin(turn, group)
    return
  }
  const member = group.members.get(memberId)
  if (member === undefined) return
  // A member that waits for the others is alive, whatever its clock says; one that never was in a generation must not wait for ever.
  if (!member.isNew && (member.awaitingJoin !== null || member.awaitingSync !== null)) return
  removeMember(turn, group, member)
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    rebalanceOrCompleteJoin(turn, group, `the session of ${memberId} timed out`)
  } else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) {
    completeJoin(turn, group)
  }
}

/** Takes a member out. What it waits for is answered UNKNOWN_MEMBER_ID, so that a client that is still there starts anew. */
export function removeMember(turn: Turn, group: ClassicGroup, member: ClassicMember): void {
  answerJoin(turn, group, member, joinError(ErrorCode.UNKNOWN_MEMBER_ID, ''))
  answerSync(turn, member, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
  turn.out.cancel(member.sessionKey)
  group.remove(member.memberId)
}

/** Restarts a member's session, `timeoutMs` from now (its session timeout unless said otherwise). */
export function rescheduleSession(
  turn: Turn,
  member: ClassicMember,
  group: ClassicGroup,
  timeoutMs: number = member.sessionTimeoutMs,
): void {
  turn.out.schedule(member.sessionKey, timeoutMs, {
    type: 'session-expired',
    groupId: group.groupId,
    memberId: member.memberId,
  })
}
