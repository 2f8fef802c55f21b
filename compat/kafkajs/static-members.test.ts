import { expect } from 'chai'
import kafkajs from 'kafkajs'
import { RawConnection } from './raw.js'
import { closeAll, closing, connectedAdmin, createTopic, eventually, unique } from './support.js'

const { AssignerProtocol } = kafkajs

interface Joined {
  errorCode: number
  generationId: number
  leaderId: string
  memberId: string
  members: { memberId: string; groupInstanceId: string | null }[]
}

const fencedInstanceId = 82
const unknownMemberId = 25

function joinArgs(groupId: string, topic: string, memberId: string, groupInstanceId: string | null) {
  const metadata = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: [topic], userData: Buffer.alloc(0) })
  return {
    groupId,
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    memberId,
    groupInstanceId,
    protocolType: 'consumer',
    groupProtocols: [{ name: 'RoundRobinAssigner', metadata }],
  }
}

async function joinGroup(at: RawConnection, groupId: string, topic: string, memberId: string, instance: string | null) {
  return (await at.call('joinGroup', 5, joinArgs(groupId, topic, memberId, instance))) as unknown as Joined
}

function assignmentOf(topic: string, partitions: number[]): Buffer {
  return AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment: { [topic]: partitions },
    userData: Buffer.alloc(0),
  })
}

describe('static members (raw JoinGroup v5)', () => {
  afterEach(closeAll)

  /** A connection to the broker that coordinates the group. */
  const open = async (groupId: string) => {
    const any = closing(await RawConnection.open())
    const asked = { coordinatorKey: groupId, coordinatorType: 0 }
    let address = ''
    await eventually('a coordinator', async () => {
      const found = await any.call('findCoordinator', 1, asked)
      const { host, port } = found.coordinator as { host: string; port: number }
      address = `${host}:${port}`
      return found.errorCode === 0
    })
    return closing(await RawConnection.open(address))
  }

  it('a static member joins without a member id round trip', async () => {
    const [topic, groupId] = [await createTopic(2), unique('group')]
    const answer = await joinGroup(await open(groupId), groupId, topic, '', 'one')
    expect(answer.errorCode).to.equal(0)
    expect(answer.memberId).to.match(/^one-/)
    expect(answer.members).to.have.length(1)
    expect(answer.members[0]).to.include({ memberId: answer.memberId, groupInstanceId: 'one' })
  })

  it('a dynamic member is first told its id', async () => {
    const [topic, groupId] = [await createTopic(), unique('group')]
    const at = await open(groupId)
    const first = await joinGroup(at, groupId, topic, '', null)
    expect(first.errorCode).to.equal(79)
    expect(first.memberId).to.match(/^raw-/)
    const second = await joinGroup(at, groupId, topic, first.memberId, null)
    expect(second).to.include({ errorCode: 0, memberId: first.memberId })
  })

  it('a restarted static member gets a new id, the old generation and its old assignment; the old id is fenced', async () => {
    const [topic, groupId] = [await createTopic(2), unique('group')]
    const before = await open(groupId)
    const first = await joinGroup(before, groupId, topic, '', 'one')
    const sync = { groupId, generationId: first.generationId, memberId: first.memberId, groupInstanceId: 'one' }
    const groupAssignment = [{ memberId: first.memberId, memberAssignment: assignmentOf(topic, [0, 1]) }]
    const synced = await before.call('syncGroup', 3, { ...sync, groupAssignment })
    expect(synced.errorCode).to.equal(0)
    await before.disconnect()

    const after = await open(groupId)
    const again = await joinGroup(after, groupId, topic, '', 'one')
    expect(again.errorCode).to.equal(0)
    expect(again.memberId).to.not.equal(first.memberId)
    expect(again.generationId).to.equal(first.generationId)
    const resync = { ...sync, memberId: again.memberId, groupAssignment: [] }
    const kept = await after.call('syncGroup', 3, resync)
    expect(AssignerProtocol.MemberAssignment.decode(kept.memberAssignment as Buffer)?.assignment).to.deep.equal({
      [topic]: [0, 1],
    })

    const stale = { groupId, groupGenerationId: first.generationId, memberId: first.memberId, groupInstanceId: 'one' }
    expect((await after.call('heartbeat', 3, stale)).errorCode).to.equal(fencedInstanceId)
    expect((await joinGroup(after, groupId, topic, first.memberId, 'one')).errorCode).to.equal(fencedInstanceId)
    const alive = { ...stale, memberId: again.memberId }
    expect((await after.call('heartbeat', 3, alive)).errorCode).to.equal(0)
  })

  it('an instance leaves by name and its group is empty then', async () => {
    const [topic, groupId] = [await createTopic(), unique('group')]
    const at = await open(groupId)
    const member = await joinGroup(at, groupId, topic, '', 'one')
    const gone = await at.call('leaveGroup', 3, { groupId, members: [{ memberId: '', groupInstanceId: 'one' }] })
    expect(gone.errorCode).to.equal(0)
    expect((gone.members as { errorCode: number }[])[0]?.errorCode).to.equal(0)
    const stranger = { groupId, groupGenerationId: member.generationId, memberId: member.memberId }
    expect((await at.call('heartbeat', 3, stranger)).errorCode).to.equal(unknownMemberId)
    const admin = await connectedAdmin()
    const { groups } = await admin.describeGroups([groupId])
    expect(groups[0]?.state).to.equal('Empty')
  })

  it("leaving with an unknown instance is that member's error, not the request's", async () => {
    const [topic, groupId] = [await createTopic(), unique('group')]
    const at = await open(groupId)
    await joinGroup(at, groupId, topic, '', 'one')
    const members = [
      { memberId: '', groupInstanceId: 'nobody' },
      { memberId: '', groupInstanceId: 'one' },
    ]
    const answer = await at.call('leaveGroup', 3, { groupId, members })
    expect(answer.errorCode).to.equal(0)
    expect((answer.members as { errorCode: number }[]).map((member) => member.errorCode)).to.deep.equal([
      unknownMemberId,
      0,
    ])
  })
})
