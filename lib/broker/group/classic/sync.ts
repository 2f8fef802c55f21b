/** SyncGroup (14). Source: GroupMetadataManager.classicGroupSync*. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { SyncGroupCommand, SyncGroupReply } from '../commands.js'
import { restart, type Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { EMPTY_BYTES } from './member.js'
import { rebalanceOrCompleteJoin, rescheduleSession } from './rebalance.js'
import { answerSync, syncError, syncReply, validateMember } from './replies.js'

export function syncGroup(turn: Turn, request: SyncGroupCommand, slot: Slot<SyncGroupReply>): void {
  const group = turn.registry.classic(request.groupId)
  const invalid = validateSync(group, request)
  if (group === undefined || invalid !== ErrorCode.NONE) {
    turn.out.answer(slot, syncError(invalid))
    return
  }
  const member = group.members.get(request.memberId)!
  switch (group.state) {
    case 'PreparingRebalance':
      turn.out.answer(slot, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
      return
    case 'CompletingRebalance':
      // Asked again before the first was answered: that one's connection is most likely gone.
      answerSync(turn, member, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
      member.awaitingSync = slot
      syncReceived(turn, group, member.memberId)
      if (group.isLeader(member.memberId)) storeAssignment(turn, group, request)
      return
    case 'Stable':
      syncReceived(turn, group, member.memberId)
      turn.out.answer(slot, syncReply(group, member))
      return
    default:
      turn.out.answer(slot, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
  }
}

function validateSync(group: ClassicGroup | undefined, request: SyncGroupCommand): ErrorCode {
  if (group === undefined || group.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID
  const invalid = validateMember(group, request.memberId, request.groupInstanceId)
  if (invalid !== ErrorCode.NONE) return invalid
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return ErrorCode.NONE
}

function differs(given: string | null, current: string | null): boolean {
  return given !== null && given !== current
}

function syncReceived(turn: Turn, group: ClassicGroup, memberId: string): void {
  group.pendingSyncMembers.delete(memberId)
  if (group.pendingSyncMembers.size === 0) turn.out.cancel(group.syncKey)
}

/** The leader's assignment is the group's record. Members it forgot get nothing, and strangers in it are left out. */
function storeAssignment(turn: Turn, group: ClassicGroup, request: SyncGroupCommand): void {
  const given = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const assignments = new Map(
    Array.from(group.members.keys(), (memberId) => [memberId, given.get(memberId) ?? EMPTY_BYTES]),
  )
  turn.out.append({ type: 'group-metadata', group: group.groupId, value: group.toRecord(assignments, turn.now) })
  turn.out.ifTooLarge = () =>
    refuseAssignment(turn, group, ErrorCode.UNKNOWN_SERVER_ERROR, `the assignment of ${request.memberId} is too large`)
  turn.out.ifRefused = (errorCode) =>
    refuseAssignment(turn, group, errorCode, `the assignment of ${request.memberId} could not be stored`)
  turn.out.next = { type: 'assignment-stored', groupId: group.groupId }
}

/** The record is in the log and the group is Stable: everybody who waits gets its share. */
export function assignmentStored(turn: Turn, group: ClassicGroup): void {
  for (const member of group.members.values()) {
    // A session that ended while the member waited was let pass, so its timer starts again here.
    if (answerSync(turn, member, syncReply(group, member))) rescheduleSession(turn, member, group)
  }
}

/** The assignment cannot be stored: an error for all, and another try. */
function refuseAssignment(turn: Turn, group: ClassicGroup, errorCode: ErrorCode, reason: string) {
  const instead = restart(turn)
  for (const member of group.members.values()) {
    member.assignment = EMPTY_BYTES
    if (answerSync(instead, member, syncError(errorCode))) rescheduleSession(instead, member, group)
  }
  rebalanceOrCompleteJoin(instead, group, reason)
  // What was decided before the record stays decided (a sync timer that was cancelled, an older SyncGroup that was answered).
  instead.out.effects.unshift(...turn.out.effects)
  return instead.out
}
