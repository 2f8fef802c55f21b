import { expect } from 'chai'
import kafkajs from 'kafkajs'
import { join } from './member.js'
import { closeAll, connectedAdmin, createTopic, eventually, numbered, produce, rejection, unique } from './support.js'

const { AssignerProtocol } = kafkajs

describe('kafkajs admin: groups', () => {
  afterEach(closeAll)

  it('listGroups and describeGroups of a group with members', async () => {
    const topic = await createTopic(2)
    const groupId = unique('group')
    const member = await join({ groupId, clientId: 'the-client', subscribe: { topics: [topic], fromBeginning: true } })
    const admin = await connectedAdmin()
    const { groups: list } = await admin.listGroups()
    expect(list.find((group) => group.groupId === groupId)?.protocolType).to.equal('consumer')
    const { groups } = await admin.describeGroups([groupId])
    const group = groups[0]!
    expect(group).to.include({ groupId, state: 'Stable', protocolType: 'consumer', protocol: 'RoundRobinAssigner' })
    expect(group.members).to.have.length(1)
    const described = group.members[0]!
    expect(described).to.include({ memberId: member.memberId, clientId: 'the-client' })
    expect(described.clientHost).to.match(/127\.0\.0\.1|::1/)
    const assignment = AssignerProtocol.MemberAssignment.decode(described.memberAssignment)
    expect(assignment?.assignment).to.deep.equal({ [topic]: [0, 1] })
    const metadata = AssignerProtocol.MemberMetadata.decode(described.memberMetadata)
    expect(metadata?.topics).to.deep.equal([topic])
  })

  it('describeGroups of several, one without members, one unknown', async () => {
    const topic = await createTopic()
    const [left, absent] = [unique('left'), unique('absent')]
    await produce(topic, numbered(1))
    const member = await join({ groupId: left, subscribe: { topics: [topic], fromBeginning: true } })
    await member.receives(1)
    await member.leave()
    const admin = await connectedAdmin()
    const { groups } = await admin.describeGroups([left, absent])
    const states = new Map(groups.map((group) => [group.groupId, group.state]))
    expect(states.get(left)).to.equal('Empty')
    expect(states.get(absent)).to.equal('Dead')
  })

  it('deleteGroups: empty ones go, with their offsets', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    const admin = await connectedAdmin()
    await produce(topic, numbered(1))
    const member = await join({ groupId, subscribe: { topics: [topic], fromBeginning: true } })
    await member.receives(1)
    await member.leave()
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(committed?.partitions[0]?.offset).to.equal('1')
    const answer = await admin.deleteGroups([groupId])
    expect(answer).to.deep.equal([{ groupId, errorCode: 0 }])
    const { groups } = await admin.listGroups()
    expect(groups.map((group) => group.groupId)).to.not.include(groupId)
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(offsets?.partitions[0]?.offset).to.equal('-1')
  })

  it('deleteGroups: one with members stays, an unknown one is an error of its own', async () => {
    const topic = await createTopic()
    const [live, absent] = [unique('live'), unique('absent')]
    const member = await join({ groupId: live, subscribe: { topics: [topic], fromBeginning: true } })
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    const error = await rejection(admin.deleteGroups([live, absent]))
    const groups = (error as Error & { groups?: { groupId: string; errorCode: number }[] }).groups ?? []
    const codes = new Map(groups.map((group) => [group.groupId, group.errorCode]))
    expect(codes.get(live)).to.equal(68)
    expect(codes.get(absent)).to.equal(69)
    expect(member.stopped).to.equal(false)
    await produce(topic, numbered(1))
    await member.receives(1)
  })

  it('a group shows its states: stable, then empty, then gone', async () => {
    const topic = await createTopic()
    const groupId = unique('group')
    const admin = await connectedAdmin()
    const state = async () => (await admin.describeGroups([groupId])).groups[0]?.state
    const member = await join({ groupId, subscribe: { topics: [topic], fromBeginning: true } })
    await eventually('stable', async () => (await state()) === 'Stable')
    await member.leave()
    expect(await state()).to.equal('Empty')
    await admin.deleteGroups([groupId])
    expect(await state()).to.equal('Dead')
  })
})
