import type { ErrorCode as Code } from '../../../../protocol/errors.js'
import { ErrorCode } from '../../../../protocol/errors.js'
import type { JoinGroupReply, SyncGroupReply } from '../commands.js'
import type { Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { type ClassicMember, EMPTY_BYTES } from './member.js'

export function joinError(errorCode: Code, memberId: string): JoinGroupReply {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

/** The current generation, as `memberId` is to see it: the leader gets everybody's metadata. */
export function joinReply(
  group: ClassicGroup,
  memberId: string,
  options: { skipAssignment?: boolean } = {},
): JoinGroupReply {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: options.skipAssignment ?? false,
    memberId,
    members: group.isLeader(memberId) ? group.joinGroupMembers() : [],
  }
}

export function syncError(errorCode: Code): SyncGroupReply {
  return { errorCode, protocolType: null, protocolName: null, assignment: EMPTY_BYTES }
}

export function syncReply(group: ClassicGroup, member: ClassicMember): SyncGroupReply {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}

/** Answers the member's waiting JoinGroup, if there is one. */
export function answerJoin(turn: Turn, group: ClassicGroup, member: ClassicMember, reply: JoinGroupReply): void {
  const slot = group.takeJoin(member)
  if (slot !== null) turn.out.answer(slot, reply)
}

/** Answers the member's waiting SyncGroup, if there is one. True when there was. */
export function answerSync(turn: Turn, member: ClassicMember, reply: SyncGroupReply): boolean {
  const slot = member.awaitingSync
  if (slot === null) return false
  member.awaitingSync = null
  turn.out.answer(slot, reply)
  return true
}

/**
 * NONE when the member is who it says it is. A static member is known by its instance: another member id under the same instance has
 * been replaced and is fenced (KIP-345).
 */
export function validateMember(group: ClassicGroup, memberId: string, groupInstanceId: string | null): Code {
  if (groupInstanceId !== null) {
    const current = group.staticMembers.get(groupInstanceId)
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  return group.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
}
