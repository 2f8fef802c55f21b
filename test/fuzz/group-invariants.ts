/** What always holds of a group coordinator's state, whatever its clients do. */
import type { ClassicGroup } from '../../lib/broker/group/classic/group.js'
import { groupRecordCodec } from '../../lib/broker/group/codec.js'
import { defaultGroupConfig } from '../../lib/broker/group/config.js'
import { GroupMachine } from '../../lib/broker/group/machine.js'
import { silentLogger } from '../../lib/host/logger.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import type { MemoryShardLog } from '../broker/group/memory-shard-log.js'

/** Group id -> what was seen last, while the same group lives in the same shard. */
export type GenerationTracker = Map<string, Generation>

interface Generation {
  readonly group: ClassicGroup
  readonly generationId: number
  /** Leader, protocol and members once they are agreed; null while they are not. */
  readonly agreed: string | null
}

export function checkGroups(machine: GroupMachine, seen: GenerationTracker): void {
  for (const group of machine.registry.values()) {
    checkGeneration(group, seen)
    checkMembers(group)
    checkState(group)
  }
}

/** A generation has one leader, one protocol and the same members from beginning to end, and the next one has a higher number. */
function checkGeneration(group: ClassicGroup, seen: GenerationTracker): void {
  const last = seen.get(group.groupId)
  const { generationId } = group
  const agreed = agreement(group)
  if (last?.group === group) {
    if (generationId < last.generationId) fail(group, 'its generation went back')
    if (generationId === last.generationId && agreed !== null && last.agreed !== null && agreed !== last.agreed) {
      fail(group, `what was agreed changed within a generation: ${last.agreed} became ${agreed}`)
    }
    // While members are collected again, what they had agreed on is still what the next agreement must differ from in number.
    if (generationId === last.generationId && agreed === null) {
      seen.set(group.groupId, { ...last })
      return
    }
  }
  seen.set(group.groupId, { group, generationId, agreed })
}

/** Static members change their ids within a generation: they are named by their instance. */
function agreement(group: ClassicGroup): string | null {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return null
  const nameOf = (memberId: string | null): string =>
    group.members.get(memberId ?? '')?.groupInstanceId ?? memberId ?? 'nobody'
  const members = Array.from(group.members.keys(), nameOf).sort()
  return `${nameOf(group.leaderId)} ${group.protocolName} [${members.join(' ')}]`
}

function checkMembers(group: ClassicGroup): void {
  const members = [...group.members.values()]
  const awaiting = members.filter(({ awaitingJoin }) => awaitingJoin !== null).length
  if (awaiting !== group.awaitingJoinCount) fail(group, 'it miscounts who waits')
  for (const { memberId, groupInstanceId } of members) {
    if (group.pendingJoinMembers.has(memberId)) fail(group, `${memberId} is a member and pending`)
    if (groupInstanceId !== null && group.staticMembers.get(groupInstanceId) !== memberId) {
      fail(group, `${groupInstanceId} does not lead to ${memberId}`)
    }
  }
  const statics = members.filter(({ groupInstanceId }) => groupInstanceId !== null).length
  if (statics !== group.staticMembers.size) fail(group, 'it has instance ids without members')
  for (const memberId of group.pendingSyncMembers) {
    if (!group.members.has(memberId)) fail(group, `${memberId} has to sync and is no member`)
  }
  const leads = group.leaderId !== null && group.members.has(group.leaderId)
  if (leads !== members.length > 0) fail(group, `its leader is ${group.leaderId}`)
}

function checkState(group: ClassicGroup): void {
  const members = [...group.members.values()]
  const joining = members.some(({ awaitingJoin }) => awaitingJoin !== null)
  const syncing = members.some(({ awaitingSync }) => awaitingSync !== null)
  switch (group.state) {
    case 'Empty':
      if (members.length > 0) fail(group, 'it is Empty with members')
      return
    case 'PreparingRebalance':
      if (syncing) fail(group, 'a SyncGroup waits while members are collected')
      return
    case 'CompletingRebalance':
      if (joining || members.length === 0) fail(group, 'a JoinGroup waits while the assignment is made')
      break
    case 'Stable':
      if (joining || syncing || members.length === 0) fail(group, 'somebody waits although all is agreed')
      break
    case 'Dead':
      fail(group, 'it is Dead and still there')
  }
  for (const member of members) {
    if (!member.protocols.some(({ name }) => name === group.protocolName)) {
      fail(group, `${member.memberId} does not know ${group.protocolName}`)
    }
  }
}

function fail(group: ClassicGroup, what: string): never {
  throw new Error(`group ${group.groupId} (${group.state}, generation ${group.generationId}): ${what}`)
}

/** Reading the log gives the same offsets, and the same groups wherever no rebalance is going on. */
export function checkReload(machine: GroupMachine, log: MemoryShardLog): void {
  const twin = new GroupMachine({ config: defaultGroupConfig, random: seededRandom(0), logger: silentLogger })
  void log.read(
    {
      record({ key, value, producer, offset }) {
        const record = groupRecordCodec.decode(key!, value)
        if (record !== null) twin.apply(record, producer, offset)
      },
      marker: ({ producerId, producerEpoch, commit }) => twin.applyMarker(producerId, producerEpoch, commit),
    },
    'at once',
  )
  same('offsets', offsetsOf(machine), offsetsOf(twin))
  same('pending offsets', pendingOf(machine), pendingOf(twin))
  const ids = (of: GroupMachine): string[] => Array.from(of.registry.values(), ({ groupId }) => groupId).sort()
  same('group ids', ids(machine), ids(twin))
  for (const group of machine.registry.values()) {
    if (group.state !== 'Stable' && group.state !== 'Empty') continue
    same(`group ${group.groupId}`, durable(group), durable(twin.registry.classic(group.groupId)!))
  }
}

function offsetsOf(machine: GroupMachine): unknown {
  const groups = [...machine.offsets.groups()].sort()
  return groups.map((groupId) => {
    const topics = [...machine.offsets.ofGroup(groupId)!].sort(([one], [other]) => (one < other ? -1 : 1))
    return [
      groupId,
      topics.map(([topic, partitions]) => [topic, [...partitions].sort(([one], [other]) => one - other)]),
    ]
  })
}

/** `group topic-partition producer` for all that open transactions have written. */
function pendingOf({ offsets }: GroupMachine): string[] {
  const found: string[] = []
  for (const group of offsets.pendingGroups()) {
    if (!offsets.hasPending(group)) throw new Error(`group ${group} is listed with nothing pending`)
    for (const [topic, partitions] of offsets.pendingOf(group)!) {
      for (const [partition, writers] of partitions) {
        if (!offsets.isPending(group, topic, partition))
          throw new Error(`${group} ${topic}-${partition} is not pending`)
        for (const writer of writers) found.push(`${group} ${topic}-${partition} ${writer}`)
      }
    }
  }
  if (found.length !== offsets.pendingCount)
    throw new Error(`${offsets.pendingCount} offsets counted, ${found.length} pending`)
  return found.sort()
}

function durable(group: ClassicGroup): unknown {
  const members = Array.from(group.members.values(), (member) => [
    member.memberId,
    member.groupInstanceId,
    member.clientId,
    member.sessionTimeoutMs,
    member.metadata(group.protocolName ?? '').toString('hex'),
    member.assignment.toString(),
  ])
  return [
    group.state,
    group.generationId,
    group.protocolType,
    group.protocolName,
    group.leaderId,
    group.stateTimestamp,
    [...(group.subscribedTopics ?? ['?'])].sort(),
    members.sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  ]
}

function same(what: string, living: unknown, reloaded: unknown): void {
  const one = JSON.stringify(living)
  const other = JSON.stringify(reloaded)
  if (one !== other) throw new Error(`${what} differ after a reload:\n  living   ${one}\n  reloaded ${other}`)
}
