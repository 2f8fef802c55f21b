import {
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from '../../../../protocol/index.js'
import { joinOf, newGroup, soleMember, startJoin, syncOf } from '../group-scene.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

/** Joins in a version, going the round over the member id where the version asks for it. */
async function joinRecorded(c: Scene, v: number, groupId: string, instance: string | null = null) {
  const first = await c.send(JoinGroup, v, joinOf(v, groupId, { instance }))
  if (first?.errorCode !== 79) return first
  return c.send(JoinGroup, v, joinOf(v, groupId, { instance, memberId: first.memberId }))
}

perVersion('JoinGroup {v}: a first member', versionsOf(JoinGroup), async (c, v) => {
  await joinRecorded(c, v, await newGroup(c))
})

perVersion('JoinGroup {v}: a static member, and again without an id', versionsOf(JoinGroup, 5), async (c, v) => {
  const groupId = await newGroup(c)
  const joined = await joinRecorded(c, v, groupId, 'one')
  await c.quiet(SyncGroup, 3, syncOf(3, groupId, joined!.generationId, joined!.memberId, [joined!.memberId]))
  const again = await joinRecorded(c, v, groupId, 'one')
  for (const memberId of [joined!.memberId, again!.memberId]) {
    const beat = { groupId, generationId: again!.generationId, memberId, groupInstanceId: 'one' }
    await c.send(Heartbeat, 4, beat)
  }
})

perVersion('JoinGroup {v}: the leader joins again', versionsOf(JoinGroup), async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId } = await soleMember(c, groupId)
  await c.send(JoinGroup, v, joinOf(v, groupId, { memberId }))
})

perVersion('SyncGroup {v}', versionsOf(SyncGroup), async (c, v) => {
  const groupId = await newGroup(c)
  const joined = await c.quiet(JoinGroup, 3, joinOf(3, groupId))
  const { generationId, memberId } = joined!
  await c.send(SyncGroup, v, syncOf(v, groupId, generationId + 1, memberId, [memberId]))
  await c.send(SyncGroup, v, syncOf(v, groupId, generationId, 'stranger', [memberId]))
  await c.send(SyncGroup, v, syncOf(v, groupId, generationId, memberId, [memberId]))
  await c.send(SyncGroup, v, syncOf(v, groupId, generationId, memberId, []))
})

perVersion('SyncGroup {v}: no assignment for the member', versionsOf(SyncGroup), async (c, v) => {
  const groupId = await newGroup(c)
  const joined = await c.quiet(JoinGroup, 3, joinOf(3, groupId))
  await c.send(SyncGroup, v, syncOf(v, groupId, joined!.generationId, joined!.memberId, []))
})

perVersion('Heartbeat {v}', versionsOf(Heartbeat), async (c, v) => {
  const groupId = await newGroup(c)
  const joined = await c.quiet(JoinGroup, 3, joinOf(3, groupId))
  const { generationId, memberId } = joined!
  await c.send(Heartbeat, v, { groupId, generationId, memberId })
  await c.quiet(SyncGroup, 3, syncOf(3, groupId, generationId, memberId, [memberId]))
  await c.send(Heartbeat, v, { groupId, generationId, memberId })
  await c.send(Heartbeat, v, { groupId, generationId: generationId + 1, memberId })
  await c.send(Heartbeat, v, { groupId, generationId: generationId - 1, memberId })
  await c.send(Heartbeat, v, { groupId, generationId, memberId: 'stranger' })
  await c.send(Heartbeat, v, { groupId: c.name('absent'), generationId, memberId })
  await c.send(Heartbeat, v, { groupId: '', generationId, memberId })
})

perVersion('LeaveGroup {v}', versionsOf(LeaveGroup), async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId } = await soleMember(c, groupId)
  const leave = (group: string, id: string) =>
    v >= 3 ? { groupId: group, members: [{ memberId: id }] } : { groupId: group, memberId: id }
  await c.send(LeaveGroup, v, leave(groupId, 'stranger'))
  await c.send(LeaveGroup, v, leave(c.name('absent'), memberId))
  await c.send(LeaveGroup, v, leave('', memberId))
  await c.send(LeaveGroup, v, leave(groupId, memberId))
  await c.send(LeaveGroup, v, leave(groupId, memberId))
})

perVersion('LeaveGroup {v}: nobody, and instances', versionsOf(LeaveGroup, 3), async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId } = await soleMember(c, groupId, { instance: 'one' })
  await c.send(LeaveGroup, v, { groupId, members: [] })
  await c.send(LeaveGroup, v, { groupId, members: [{ memberId: 'other', groupInstanceId: 'one' }] })
  await c.send(LeaveGroup, v, { groupId, members: [{ memberId: '', groupInstanceId: 'two' }] })
  await c.send(LeaveGroup, v, { groupId, members: [{ memberId, groupInstanceId: 'one' }, { memberId: 'x' }] })
})

perVersion('DescribeGroups {v}', versionsOf(DescribeGroups), async (c, v) => {
  const groupId = await newGroup(c)
  await c.send(DescribeGroups, v, { groups: [groupId, ''] })
  const joined = await c.quiet(JoinGroup, 3, joinOf(3, groupId))
  await c.send(DescribeGroups, v, { groups: [groupId] })
  const { generationId, memberId } = joined!
  await c.quiet(SyncGroup, 3, syncOf(3, groupId, generationId, memberId, [memberId]))
  await c.send(DescribeGroups, v, { groups: [groupId], ...(v >= 3 ? { includeAuthorizedOperations: true } : {}) })
  await c.quiet(LeaveGroup, 2, { groupId, memberId })
  await c.send(DescribeGroups, v, { groups: [groupId] })
})

perVersion('ListGroups {v}', versionsOf(ListGroups), async (c, v) => {
  const groupId = await newGroup(c)
  const mine = async (what: string, filter: object) => {
    const answer = await c.quiet(ListGroups, v, filter)
    c.note(what, { ...answer, groups: answer?.groups.filter((group) => group.groupId === groupId) })
  }
  await soleMember(c, groupId)
  await mine('all', {})
  for (const state of v >= 4 ? ['Stable', 'stable', 'Empty', 'NoSuchState'] : []) {
    await mine(state, { statesFilter: [state] })
  }
  for (const type of v >= 5 ? ['classic', 'Classic', 'consumer', 'nonsense'] : []) {
    await mine(type, { typesFilter: [type] })
  }
})

perVersion('DeleteGroups {v}', versionsOf(DeleteGroups), async (c, v) => {
  const groupId = await newGroup(c)
  const { memberId } = await soleMember(c, groupId)
  await c.send(DeleteGroups, v, { groupsNames: [groupId, c.name('absent')] })
  await c.quiet(LeaveGroup, 2, { groupId, memberId })
  await c.send(DeleteGroups, v, { groupsNames: [groupId] })
  await c.send(DeleteGroups, v, { groupsNames: [groupId] })
  await c.send(DeleteGroups, v, { groupsNames: ['', 'a', 'a'] })
  await c.send(DeleteGroups, v, { groupsNames: [] })
})

scenario('a second member: rebalance, both sync, one leaves', async (c) => {
  const groupId = await newGroup(c)
  const first = await soleMember(c, groupId)
  const other = await c.connect()
  startJoin(other, 3, groupId)
  const beat = { groupId, generationId: first.generationId, memberId: first.memberId }
  await c.sendUntil(Heartbeat, 3, beat, (answer) => answer.errorCode !== 0)
  const again = await c.send(JoinGroup, 3, joinOf(3, groupId, { memberId: first.memberId }))
  c.noteOutcome('the other joins', await other.next())
  const ids = again!.members.map((member) => member.memberId)
  const second = ids.find((id) => id !== first.memberId)!
  other.write(other.frameOf(SyncGroup, 3, syncOf(3, groupId, again!.generationId, second, [])))
  await c.send(SyncGroup, 3, syncOf(3, groupId, again!.generationId, first.memberId, ids))
  c.noteOutcome('the other syncs', await other.next())
  await c.send(DescribeGroups, 5, { groups: [groupId] })
  await c.send(LeaveGroup, 3, { groupId, members: [{ memberId: second }] })
  await c.send(Heartbeat, 3, { ...beat, generationId: again!.generationId })
  await c.send(DescribeGroups, 5, { groups: [groupId] })
})

scenario('a follower that joins again unchanged keeps the generation', async (c) => {
  const groupId = await newGroup(c)
  const first = await soleMember(c, groupId)
  const other = await c.connect()
  startJoin(other, 3, groupId)
  const beat = { groupId, generationId: first.generationId, memberId: first.memberId }
  await c.sendUntil(Heartbeat, 3, beat, (answer) => answer.errorCode !== 0)
  const again = await c.quiet(JoinGroup, 3, joinOf(3, groupId, { memberId: first.memberId }))
  await other.next()
  const ids = again!.members.map((member) => member.memberId)
  await c.quiet(SyncGroup, 3, syncOf(3, groupId, again!.generationId, first.memberId, ids))
  const second = ids.find((id) => id !== first.memberId)!
  await c.send(JoinGroup, 3, joinOf(3, groupId, { memberId: second }))
  await c.send(JoinGroup, 9, joinOf(9, groupId, { memberId: second }))
})

scenario('a member that does not rejoin in time is dropped', async (c) => {
  const groupId = await newGroup(c)
  const first = await soleMember(c, groupId, { rebalanceTimeoutMs: 500 })
  const other = await c.connect()
  startJoin(other, 3, groupId, { rebalanceTimeoutMs: 500 })
  c.noteOutcome('the other joins', await other.next())
  await c.send(Heartbeat, 3, { groupId, generationId: first.generationId, memberId: first.memberId })
  await c.send(DescribeGroups, 5, { groups: [groupId] })
})
