/** Heartbeat (12) and LeaveGroup (13). Source: GroupMetadataManager.classicGroupHeartbeat*, classicGroupLeave*. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { HeartbeatCommand, HeartbeatReply, LeaveGroupCommand, LeaveGroupReply } from '../commands.js'
import type { Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { sessionKey } from './member.js'
import { maybeCompleteJoin, rebalanceOrCompleteJoin, removeMember, rescheduleSession } from './rebalance.js'
import { validateMember } from './replies.js'

export function heartbeat(turn: Turn, request: HeartbeatCommand, slot: Slot<HeartbeatReply>): void {
  turn.out.answer(slot, { errorCode: heartbeatError(turn, request) })
}

function heartbeatError(turn: Turn, request: HeartbeatCommand): ErrorCode {
  const group = turn.registry.classic(request.groupId)
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  const invalid = validateMember(group, request.memberId, request.groupInstanceId)
  if (invalid !== ErrorCode.NONE) return invalid
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  rescheduleSession(turn, group.members.get(request.memberId)!, group)
  // Between its JoinGroup and its SyncGroup a member is as good as any: only while members are collected it has to come, too.
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

type Leaving = LeaveGroupCommand['members'][number]

export function leaveGroup(turn: Turn, request: LeaveGroupCommand, slot: Slot<LeaveGroupReply>): void {
  const group = turn.registry.classic(request.groupId)
  const members = request.members.map((leaving) => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : removeLeaving(turn, group, leaving),
  }))
  const left = members.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
  if (group !== undefined && left.length > 0) {
    if (group.state === 'PreparingRebalance') maybeCompleteJoin(turn, group)
    else if (group.state !== 'Empty') rebalanceOrCompleteJoin(turn, group, whoLeft(request))
  }
  turn.out.answer(slot, { errorCode: ErrorCode.NONE, members })
}

function removeLeaving(turn: Turn, group: ClassicGroup, leaving: Leaving): ErrorCode {
  const { memberId, groupInstanceId } = leaving
  if (memberId === '') {
    // An administrator removes a static member by its instance id alone (KIP-345).
    const current = group.members.get(groupInstanceId === null ? '' : (group.staticMembers.get(groupInstanceId) ?? ''))
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    removeMember(turn, group, current)
    return ErrorCode.NONE
  }
  if (group.pendingJoinMembers.has(memberId)) {
    group.remove(memberId)
    turn.out.cancel(sessionKey(group.groupId, memberId))
    return ErrorCode.NONE
  }
  const invalid = validateMember(group, memberId, groupInstanceId)
  if (invalid === ErrorCode.NONE) removeMember(turn, group, group.members.get(memberId)!)
  return invalid
}

/** KIP-800: clients say why they leave. */
function whoLeft(request: LeaveGroupCommand): string {
  return request.members
    .map(({ memberId, groupInstanceId, reason }) => {
      const who = memberId === '' ? `instance ${groupInstanceId}` : memberId
      return reason === null || reason === '' ? `${who} left` : `${who} left (client: ${reason})`
    })
    .join(', ')
}
