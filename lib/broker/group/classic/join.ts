/** JoinGroup (11). Source: GroupMetadataManager.classicGroupJoin*. */
import { ErrorCode } from '../../../../protocol/errors.js'
import type { Slot } from '../../coordinator/contract.js'
import type { JoinGroupCommand, JoinGroupProtocol, JoinGroupReply } from '../commands.js'
import type { GroupConfig } from '../config.js'
import type { GroupMetadata } from '../records.js'
import type { Turn } from '../turn.js'
import type { ClassicGroup } from './group.js'
import { ClassicMember, sessionKey } from './member.js'
import {
  maybeCompleteJoin,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  removeMember,
  rescheduleSession,
} from './rebalance.js'
import { joinError, joinReply, validateMember } from './replies.js'
import { replaceStaticMember } from './static-members.js'

/** One JoinGroup on its way through. */
export interface Joining {
  readonly request: JoinGroupCommand
  readonly protocols: readonly JoinGroupProtocol[]
  readonly slot: Slot<JoinGroupReply>
}

/** Checks that need no group, made before anybody asks who coordinates it. NONE when it may go to the state machine. */
export function validateJoinGroup(config: GroupConfig, request: JoinGroupCommand): ErrorCode {
  if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID
  const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = config
  if (request.sessionTimeoutMs < sessionTimeoutMinMs || request.sessionTimeoutMs > sessionTimeoutMaxMs) {
    return ErrorCode.INVALID_SESSION_TIMEOUT
  }
  return ErrorCode.NONE
}

export function joinGroup(turn: Turn, request: JoinGroupCommand, slot: Slot<JoinGroupReply>): void {
  const group = turn.registry.classic(request.groupId)
  if (group === undefined) createGroup(turn, request, slot)
  else enterGroup(turn, group, request, slot)
}

/** First the group is written, then it is joined. */
function createGroup(turn: Turn, request: JoinGroupCommand, slot: Slot<JoinGroupReply>): void {
  if (request.memberId !== '') {
    // A member that comes with an id comes from a group that is gone.
    turn.out.answer(slot, joinError(ErrorCode.UNKNOWN_MEMBER_ID, request.memberId))
  } else if (turn.registry.size >= turn.config.groupsPerShardMax) {
    turn.out.answer(slot, joinError(ErrorCode.COORDINATOR_NOT_AVAILABLE, ''))
  } else {
    turn.out.append({ type: 'group-metadata', group: request.groupId, value: emptyGroup(turn.now) })
    turn.out.standsAlone = true
    turn.out.next = { type: 'join', request, slot }
  }
}

function enterGroup(turn: Turn, group: ClassicGroup, request: JoinGroupCommand, slot: Slot<JoinGroupReply>): void {
  const joining: Joining = { request, protocols: distinct(request.protocols), slot }
  if (!acceptsMember(turn, group, request.memberId)) {
    const member = group.members.get(request.memberId)
    group.pendingJoinMembers.delete(request.memberId)
    if (member !== undefined) {
      removeMember(turn, group, member)
      // It may have been the last one that the group waited for.
      maybeCompleteJoin(turn, group)
    }
    turn.out.answer(slot, joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, ''))
  } else if (!group.supportsProtocols(request.protocolType, joining.protocols)) {
    turn.out.answer(slot, joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId))
  } else if (request.memberId === '') {
    joinNewMember(turn, group, joining)
  } else {
    joinExistingMember(turn, group, joining)
  }
}

function emptyGroup(now: number): GroupMetadata {
  return { protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: now, members: [] }
}

/** The first of each name counts, as in Kafka's keyed collection; twice would spoil the count of who supports what. */
function distinct(protocols: readonly JoinGroupProtocol[]): readonly JoinGroupProtocol[] {
  const names = new Set(protocols.map(({ name }) => name))
  if (names.size === protocols.length) return protocols
  return protocols.filter(({ name }) => names.delete(name))
}

/**
 * Room for this member (group.max.size)? While members are collected, those that wait are counted, so that the limit drops whoever
 * comes last even in a group that was too large before.
 */
function acceptsMember(turn: Turn, group: ClassicGroup, memberId: string): boolean {
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true
    case 'PreparingRebalance':
      return (member !== undefined && member.awaitingJoin !== null) || group.awaitingJoinCount < turn.config.maxSize
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < turn.config.maxSize
  }
}

function joinNewMember(turn: Turn, group: ClassicGroup, joining: Joining): void {
  const { request, slot } = joining
  const { groupInstanceId } = request
  const memberId = `${groupInstanceId ?? request.clientId}-${turn.random.uuid()}`
  if (groupInstanceId !== null) {
    const existing = group.members.get(group.staticMembers.get(groupInstanceId) ?? '')
    if (existing === undefined) addMember(turn, group, joining, memberId)
    else replaceStaticMember(turn, group, existing, memberId, joining)
  } else if (!request.requireKnownMemberId) {
    addMember(turn, group, joining, memberId)
  } else if (group.pendingJoinMembers.size >= turn.config.pendingMembersMax) {
    turn.out.answer(slot, joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, ''))
  } else {
    // KIP-394: a client that never hears our answer must not leave a member behind. It gets an id and comes again with it.
    group.pendingJoinMembers.add(memberId)
    turn.out.schedule(sessionKey(group.groupId, memberId), request.sessionTimeoutMs, {
      type: 'session-expired',
      groupId: group.groupId,
      memberId,
    })
    turn.out.answer(slot, joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId))
  }
}

function joinExistingMember(turn: Turn, group: ClassicGroup, joining: Joining): void {
  const { request, protocols, slot } = joining
  const { memberId } = request
  if (group.pendingJoinMembers.has(memberId)) {
    // An id that was given to a dynamic member; Kafka fails on an instance id here too.
    if (request.groupInstanceId !== null) turn.out.answer(slot, joinError(ErrorCode.UNKNOWN_SERVER_ERROR, ''))
    else addMember(turn, group, joining, memberId)
    return
  }
  const invalid = validateMember(group, memberId, request.groupInstanceId)
  if (invalid !== ErrorCode.NONE) {
    turn.out.answer(slot, joinError(invalid, memberId))
    return
  }
  const member = group.members.get(memberId)!
  switch (group.state) {
    case 'PreparingRebalance':
      updateMember(turn, group, member, joining, 'while the group rebalances')
      return
    case 'CompletingRebalance':
      // The same again: its answer got lost. Anything else: the assignment that is being made does not fit any more.
      if (member.matches(protocols)) turn.out.answer(slot, joinReply(group, memberId))
      else updateMember(turn, group, member, joining, 'with other metadata')
      return
    case 'Stable':
      // The leader rejoins to have partitions assigned again; its own metadata need not have changed for that.
      if (group.isLeader(memberId)) updateMember(turn, group, member, joining, 'as the leader')
      else if (!member.matches(protocols)) updateMember(turn, group, member, joining, 'with other metadata')
      else turn.out.answer(slot, joinReply(group, memberId))
      return
    default:
      turn.out.answer(slot, joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId))
  }
}

function addMember(turn: Turn, group: ClassicGroup, joining: Joining, memberId: string): void {
  const { request } = joining
  const member = new ClassicMember(
    memberId,
    request.groupInstanceId,
    request.clientId,
    request.clientHost,
    request.rebalanceTimeoutMs,
    request.sessionTimeoutMs,
    joining.protocols,
    group.groupId,
  )
  member.isNew = true
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  group.add(member, request.protocolType, joining.slot)
  // It does not know its id and cannot send heartbeats: its JoinGroup itself is what times out.
  rescheduleSession(turn, member, group, turn.config.newMemberJoinTimeoutMs)
  rebalanceOrCompleteJoin(turn, group, `${memberId} joins${reasonOf(request)}`)
}

function updateMember(turn: Turn, group: ClassicGroup, member: ClassicMember, joining: Joining, why: string): void {
  takeOverJoin(turn, group, member, joining)
  rebalanceOrCompleteJoin(turn, group, `${member.memberId} joins again ${why}${reasonOf(joining.request)}`)
}

/** The member waits with this JoinGroup from now on. An older one that still waits is told to try again: its connection is most likely gone. */
export function takeOverJoin(turn: Turn, group: ClassicGroup, member: ClassicMember, joining: Joining): void {
  const { request } = joining
  group.update(member, joining.protocols, request.rebalanceTimeoutMs, request.sessionTimeoutMs)
  const superseded = group.takeJoin(member)
  if (superseded !== null) turn.out.answer(superseded, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
  group.awaitJoin(member, joining.slot)
}

export function reasonOf(request: JoinGroupCommand): string {
  return request.reason === null || request.reason === '' ? '' : ` (client: ${request.reason})`
}

/** After a reload: a group that is larger than allowed has to shrink, and does so by collecting its members anew. */
export function shrinkWhenTooLarge(turn: Turn, group: ClassicGroup): void {
  if (group.members.size > turn.config.maxSize && group.canRebalance) {
    prepareRebalance(turn, group, `it has more than ${turn.config.maxSize} members`)
  }
}
