/** DescribeGroups (15), ListGroups (16), DeleteGroups (42). */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'
import { EMPTY_BYTES, sessionKey } from './classic/member.js'
import type { DeletedGroup, DescribedGroup, GroupFilter, ListedGroup } from './commands.js'
import { deleteAllOffsets } from './offsets/delete.js'
import type { Group, GroupRegistry } from './registry.js'
import type { Turn } from './turn.js'

/** Metadata and protocol are told of a Stable group alone: in any other state they are about to change. Assignments always. */
export function describeGroup(registry: GroupRegistry, groupId: string): DescribedGroup {
  const group = registry.classic(groupId)
  if (group === undefined) {
    return {
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: `Group ${groupId} not found.`,
      groupId,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    }
  }
  const stableProtocol = group.state === 'Stable' ? group.protocolName : null
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stableProtocol ?? '',
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stableProtocol === null ? EMPTY_BYTES : member.metadata(stableProtocol),
      memberAssignment: member.assignment,
    })),
  }
}

export function listGroups(registry: GroupRegistry, filter: GroupFilter): ListedGroup[] {
  const listed: ListedGroup[] = []
  for (const group of registry.values()) {
    if (filter.states.size > 0 && !filter.states.has(group.state.toLowerCase())) continue
    if (filter.types.size > 0 && !filter.types.has(group.type)) continue
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.type,
    })
  }
  return listed
}

/** A group goes with its offsets, and only when it has no members. Each group is a decision of its own in the answer. */
export function deleteGroups(turn: Turn, groupIds: readonly string[], slot: Slot<readonly DeletedGroup[]>): void {
  turn.out.divisible = true
  turn.out.standsAlone = true
  const results = [...new Set(groupIds)].map((groupId): DeletedGroup => {
    const group = turn.registry.get(groupId)
    if (group === undefined) {
      return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: null }
    }
    if (group.state !== 'Empty') {
      return { groupId, errorCode: ErrorCode.NON_EMPTY_GROUP, errorMessage: null }
    }
    cancelTimers(turn, group)
    deleteAllOffsets(turn, groupId)
    turn.out.append({ type: 'group-metadata', group: groupId, value: null })
    return { groupId, errorCode: ErrorCode.NONE, errorMessage: null }
  })
  turn.out.answer(slot, results)
}

/** An Empty group may still have ids out that nobody has joined with (KIP-394). */
function cancelTimers(turn: Turn, group: Group): void {
  for (const memberId of group.pendingJoinMembers) turn.out.cancel(sessionKey(group.groupId, memberId))
  turn.out.cancel(group.joinKey)
  turn.out.cancel(group.syncKey)
}
