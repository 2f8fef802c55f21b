import { expect } from 'chai'
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '../../../protocol/index.js'
import { protocolMetadata, type VersionCase } from './world.js'

const offsetCommit: VersionCase = async (world, version) => {
  const topic = await world.topic()
  const groupId = world.name('group')
  const named = version >= 10 ? { topicId: topic.topicId } : { name: topic.name }
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: 'note' }]
  const { topics } = await world.send(OffsetCommit, version, { groupId, topics: [{ ...named, partitions }] })
  expect(topics).to.have.length(1)
  expect(topics[0]).to.include(named)
  expect(topics[0]!.partitions).to.deep.equal([{ partitionIndex: 0, errorCode: 0 }])
}

const offsetFetch: VersionCase = async (world, version) => {
  const topic = await world.topic()
  const groupId = await world.committed(topic.name, 7)
  const named = version >= 10 ? { topicId: topic.topicId } : { name: topic.name }
  const topics = [{ ...named, partitionIndexes: [0] }]
  const request = version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics }
  const answer = await world.send(OffsetFetch, version, request as never)
  const group = version >= 8 ? answer.groups[0]! : answer
  expect(group.errorCode).to.equal(0)
  expect(group.topics[0]).to.include(named)
  const expected = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, metadata: 'note', errorCode: 0 }
  expect(group.topics[0]!.partitions).to.deep.equal([expected])
}

const findCoordinator: VersionCase = async (world, version) => {
  const where = { nodeId: world.broker.brokerId, host: '127.0.0.1', port: world.broker.port, errorCode: 0 }
  if (version < 4) {
    const answer = await world.send(FindCoordinator, version, { key: 'g' })
    expect(answer).to.include({ ...where, errorMessage: version === 0 ? '' : 'NONE' })
    return
  }
  const { coordinators } = await world.send(FindCoordinator, version, { coordinatorKeys: ['g', 'h'] })
  const expected = ['g', 'h'].map((key) => ({ key, ...where, errorMessage: '' }))
  expect(coordinators).to.deep.equal(expected)
}

const joinGroup: VersionCase = async (world, version) => {
  const request = {
    groupId: world.name('group'),
    sessionTimeoutMs: 30_000,
    ...(version >= 1 ? { rebalanceTimeoutMs: 30_000 } : {}),
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: protocolMetadata }],
  }
  let memberId = ''
  if (version >= 4) {
    const refused = await world.send(JoinGroup, version, { ...request, memberId })
    expect(refused.errorCode).to.equal(79)
    memberId = refused.memberId
  }
  const answer = await world.send(JoinGroup, version, { ...request, memberId })
  expect(answer.memberId).to.match(/^raw-client-[0-9a-f-]{36}$/)
  const expected = { errorCode: 0, generationId: 1, protocolName: 'range', leader: answer.memberId }
  expect(answer).to.include({ ...expected, skipAssignment: false, protocolType: version >= 7 ? 'consumer' : null })
  const members = [{ memberId: answer.memberId, groupInstanceId: null, metadata: protocolMetadata }]
  expect(answer.members).to.deep.equal(members)
}

const heartbeat: VersionCase = async (world, version) => {
  const member = await world.member()
  expect(await world.send(Heartbeat, version, member)).to.include({ errorCode: 0, throttleTimeMs: 0 })
}

const leaveGroup: VersionCase = async (world, version) => {
  const { groupId, memberId } = await world.member()
  const request = version >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId }
  const answer = await world.send(LeaveGroup, version, request)
  expect(answer.errorCode).to.equal(0)
  expect(answer.members).to.deep.equal(version >= 3 ? [{ memberId, groupInstanceId: null, errorCode: 0 }] : [])
}

const syncGroup: VersionCase = async (world, version) => {
  const member = await world.member()
  const protocol = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
  const answer = await world.send(SyncGroup, version, { ...member, ...protocol, assignments: [] })
  expect(answer.errorCode).to.equal(0)
  expect(answer.assignment.toString()).to.equal('mine')
  const expected = version >= 5 ? ['consumer', 'range'] : [null, null]
  expect([answer.protocolType, answer.protocolName]).to.deep.equal(expected)
}

const describeGroups: VersionCase = async (world, version) => {
  const { groupId, memberId } = await world.member()
  const { groups } = await world.send(DescribeGroups, version, { groups: [groupId] })
  const [group] = groups
  const stable = { groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' }
  expect(group).to.include({ errorCode: 0, errorMessage: null, groupId, ...stable })
  expect(group!.members).to.have.length(1)
  expect(group!.members[0]).to.include({ memberId, groupInstanceId: null, clientId: 'raw-client' })
  expect(group!.members[0]!.memberAssignment.toString()).to.equal('mine')
}

const listGroups: VersionCase = async (world, version) => {
  const { groupId } = await world.member()
  const { errorCode, groups } = await world.send(ListGroups, version, {
    ...(version >= 4 ? { statesFilter: ['Stable'] } : {}),
    ...(version >= 5 ? { typesFilter: ['classic'] } : {}),
  })
  expect(errorCode).to.equal(0)
  expect(groups.find((group) => group.groupId === groupId)).to.deep.equal({
    groupId,
    protocolType: 'consumer',
    groupState: version >= 4 ? 'Stable' : '',
    groupType: version >= 5 ? 'classic' : '',
  })
}

const deleteGroups: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const groupId = await world.committed(name, 3)
  const { results } = await world.send(DeleteGroups, version, { groupsNames: [groupId] })
  expect(results.map((result) => [result.groupId, result.errorCode])).to.deep.equal([[groupId, 0]])
  const { groups } = await world.send(DescribeGroups, 0, { groups: [groupId] })
  expect(groups[0]!.groupState).to.equal('Dead')
}

const offsetDelete: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const groupId = await world.committed(name, 3)
  const topics = [{ name, partitions: [{ partitionIndex: 0 }] }]
  const answer = await world.send(OffsetDelete, version, { groupId, topics })
  expect(answer.errorCode).to.equal(0)
  expect(answer.topics).to.deep.equal([{ name, partitions: [{ partitionIndex: 0, errorCode: 0 }] }])
}

export const groupCases: ReadonlyMap<number, VersionCase> = new Map([
  [OffsetCommit.key, offsetCommit],
  [OffsetFetch.key, offsetFetch],
  [FindCoordinator.key, findCoordinator],
  [JoinGroup.key, joinGroup],
  [Heartbeat.key, heartbeat],
  [LeaveGroup.key, leaveGroup],
  [SyncGroup.key, syncGroup],
  [DescribeGroups.key, describeGroups],
  [ListGroups.key, listGroups],
  [DeleteGroups.key, deleteGroups],
  [OffsetDelete.key, offsetDelete],
])
