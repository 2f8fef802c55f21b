/** A static member (KIP-345) that comes back without its member id: it takes the place of its former self. */
import { ErrorCode } from '../../../../protocol/errors.js'
import { restart, type Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { type Joining, reasonOf, takeOverJoin } from './join.js'
import type { ClassicMember } from './member.js'
import {
  maybeCompleteJoin,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  removeMember,
  rescheduleSession,
} from './rebalance.js'
import { answerJoin, answerSync, joinError, joinReply, syncError } from './replies.js'

export function replaceStaticMember(
  turn: Turn,
  group: ClassicGroup,
  old: ClassicMember,
  newMemberId: string,
  joining: Joining,
): void {
  const { request } = joining
  const leaderBefore = group.leaderId ?? ''
  // A duplicate with the same instance id is fenced at once, whatever it waits for.
  answerJoin(turn, group, old, joinError(ErrorCode.FENCED_INSTANCE_ID, old.memberId))
  answerSync(turn, old, syncError(ErrorCode.FENCED_INSTANCE_ID))
  turn.out.cancel(old.sessionKey)
  const member = group.replaceStaticMember(old, newMemberId)
  rescheduleSession(turn, member, group)
  takeOverJoin(turn, group, member, joining)

  const why = `static member ${request.groupInstanceId} came back as ${newMemberId}${reasonOf(request)}`
  switch (group.state) {
    case 'Stable':
      if (group.selectProtocol() === group.protocolName) keepGeneration(turn, group, member, leaderBefore, joining)
      else rebalanceOrCompleteJoin(turn, group, `${why}, with another protocol`)
      return
    case 'CompletingRebalance':
      // The leader may be assigning to the old id in this moment: that assignment would reach nobody.
      prepareRebalance(turn, group, why)
      return
    case 'PreparingRebalance':
      maybeCompleteJoin(turn, group)
      return
    default:
      throw new Error(`Group ${group.groupId} has a static member in state ${group.state}.`)
  }
}

/** Nothing changes for the others: the new id is written under the same generation, with the same assignment. */
function keepGeneration(
  turn: Turn,
  group: ClassicGroup,
  member: ClassicMember,
  leaderBefore: string,
  joining: Joining,
): void {
  const { memberId } = member
  const assignments = new Map(Array.from(group.members.values(), (each) => [each.memberId, each.assignment]))
  turn.out.append({ type: 'group-metadata', group: group.groupId, value: group.toRecord(assignments, turn.now) })
  turn.out.ifTooLarge = () =>
    refuseMember(turn, group, member, ErrorCode.UNKNOWN_SERVER_ERROR, `the metadata of ${memberId} is too large`)
  turn.out.ifRefused = (errorCode) =>
    refuseMember(turn, group, member, errorCode, `the return of ${memberId} could not be stored`)
  turn.out.next = {
    type: 'static-member-stored',
    groupId: group.groupId,
    memberId,
    leaderBefore,
    supportsSkippingAssignment: joining.request.supportsSkippingAssignment,
  }
}

/** The group's record with the new member cannot be stored: this member cannot be let in, and the rest has to go on. */
function refuseMember(turn: Turn, group: ClassicGroup, member: ClassicMember, errorCode: ErrorCode, reason: string) {
  const instead = restart(turn)
  // Its former self is gone all the same, and was told so.
  instead.out.effects.push(...turn.out.effects)
  answerJoin(instead, group, member, joinError(errorCode, ''))
  removeMember(instead, group, member)
  prepareRebalance(instead, group, reason)
  return instead.out
}

/**
 * KIP-814: from v9 a leader is told that it leads and need not assign again. Before, it was shown the *old* leader's id, so that it would
 * take itself for a follower and leave the assignment alone.
 */
export function staticMemberStored(
  turn: Turn,
  group: ClassicGroup,
  memberId: string,
  leaderBefore: string,
  supportsSkippingAssignment: boolean,
): void {
  const member = group.members.get(memberId)!
  const isLeader = group.isLeader(memberId)
  const reply = supportsSkippingAssignment
    ? joinReply(group, memberId, { skipAssignment: isLeader })
    : { ...joinReply(group, memberId), leader: leaderBefore, members: [] }
  answerJoin(turn, group, member, reply)
}
