import { expect } from 'chai'
import { ErrorCode, Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from '../../protocol/index.js'
import { GroupBroker, versions } from '../support/group-broker.js'

const join = (fields: object = {}) => ({
  groupId: 'g',
  memberId: '',
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from('mine') }],
  ...fields,
})

describe('server/11-join-group', () => {
  for (const version of versions(0, 9)) {
    it(`joins in v${version}`, () => {
      const broker = new GroupBroker().start()
      const request = version === 0 ? { ...join(), rebalanceTimeoutMs: -1 } : join()
      let answer = broker.now(JoinGroup, version, request)
      if (version >= 4) {
        expect(answer).to.include({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, generationId: -1, leader: '' })
        expect(answer.protocolName).to.equal(version >= 7 ? null : '')
        answer = broker.now(JoinGroup, version, { ...request, memberId: answer.memberId })
      }
      expect(answer.memberId).to.match(/^test-[0-9a-f-]{36}$/)
      expect(answer).to.include({ errorCode: 0, generationId: 1, protocolName: 'range', leader: answer.memberId })
      expect(answer.protocolType).to.equal(version >= 7 ? 'consumer' : null)
      expect(answer.members.map(({ memberId, metadata }) => [memberId, metadata.toString()])).to.deep.equal([
        [answer.memberId, 'mine'],
      ])
    })
  }

  it('names static members by their instance (KIP-345) and spares their leader the assignment (KIP-814)', () => {
    const broker = new GroupBroker().start()
    const first = broker.now(JoinGroup, 5, join({ groupInstanceId: 'i' }))
    expect(first.memberId).to.match(/^i-/)
    broker.now(SyncGroup, 3, {
      groupId: 'g',
      generationId: 1,
      memberId: first.memberId,
      groupInstanceId: 'i',
      assignments: [],
    })
    const second = broker.now(JoinGroup, 9, join({ groupInstanceId: 'i' }))
    expect(second).to.include({ errorCode: 0, generationId: 1, skipAssignment: true, leader: second.memberId })
    const old = { groupId: 'g', generationId: 1, memberId: first.memberId, groupInstanceId: 'i' }
    expect(broker.now(Heartbeat, 3, old).errorCode).to.equal(ErrorCode.FENCED_INSTANCE_ID)
  })

  it('waits for the others, and keeps what it read although the socket goes on', async () => {
    const broker = new GroupBroker().start()
    const memberId = broker.stableMember('g')
    const metadata = Buffer.from('0000000000010001620000', 'hex')
    const second = broker.send(JoinGroup, 2, join({ protocols: [{ name: 'range', metadata }] }))
    expect(second).to.be.instanceOf(Promise)
    const leader = broker.now(JoinGroup, 2, join({ memberId }))
    const follower = await second
    expect(follower).to.include({ errorCode: 0, generationId: 2, leader: memberId })
    expect(leader.members.find((member) => member.memberId === follower.memberId)!.metadata).to.deep.equal(metadata)
    const sync = (who: string, assignments: { memberId: string; assignment: Buffer }[]) =>
      broker.send(SyncGroup, 2, { groupId: 'g', generationId: 2, memberId: who, assignments })
    const waits = sync(follower.memberId, [])
    expect(waits).to.be.instanceOf(Promise)
    await sync(memberId, [{ memberId: follower.memberId, assignment: Buffer.from('yours') }])
    expect((await waits).assignment.toString()).to.equal('yours')
  })
})

describe('server/12-heartbeat', () => {
  for (const version of versions(0, 4)) {
    it(`keeps a session alive in v${version}`, () => {
      const broker = new GroupBroker().start()
      const memberId = broker.stableMember('g')
      const beat = (generationId = 1, who = memberId) =>
        broker.now(Heartbeat, version, { groupId: 'g', generationId, memberId: who }).errorCode
      expect(beat()).to.equal(ErrorCode.NONE)
      expect(beat(2)).to.equal(ErrorCode.ILLEGAL_GENERATION)
      expect(beat(1, 'stranger')).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
      broker.clock.advance(29_000)
      expect(beat()).to.equal(ErrorCode.NONE)
      broker.clock.advance(30_000)
      expect(beat()).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
    })
  }
})

describe('server/13-leave-group', () => {
  for (const version of versions(0, 2)) {
    it(`has its error at top level in v${version}`, () => {
      const broker = new GroupBroker().start()
      const memberId = broker.stableMember('g')
      const leave = () => broker.now(LeaveGroup, version, { groupId: 'g', memberId }).errorCode
      expect([leave(), leave()]).to.deep.equal([ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID])
    })
  }
  for (const version of versions(3, 5)) {
    it(`has an error per member in v${version}`, () => {
      const broker = new GroupBroker().start()
      const memberId = broker.stableMember('g')
      const answer = broker.now(LeaveGroup, version, { groupId: 'g', members: [{ memberId }, { memberId: 'x' }] })
      expect(answer.errorCode).to.equal(ErrorCode.NONE)
      expect(answer.members.map(({ errorCode }) => errorCode)).to.deep.equal([
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_MEMBER_ID,
      ])
      const nobody = broker.now(LeaveGroup, version, { groupId: 'g', members: [] })
      expect(nobody).to.deep.include({ errorCode: ErrorCode.NONE, members: [] })
      expect(broker.now(LeaveGroup, version, { groupId: '', members: [] }).errorCode).to.equal(
        ErrorCode.INVALID_GROUP_ID,
      )
    })
  }
})

describe('server/14-sync-group', () => {
  for (const version of versions(0, 5)) {
    it(`gives the assignment again in v${version}`, () => {
      const broker = new GroupBroker().start()
      const memberId = broker.stableMember('g')
      const own = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
      const sync = (fields: object = {}) =>
        broker.now(SyncGroup, version, { groupId: 'g', generationId: 1, memberId, assignments: [], ...own, ...fields })
      const answer = sync()
      expect(answer.errorCode).to.equal(ErrorCode.NONE)
      expect(answer.assignment.toString()).to.equal('all')
      expect(sync({ generationId: 9 })).to.deep.include({ errorCode: ErrorCode.ILLEGAL_GENERATION })
      if (version < 5) return
      expect(answer).to.include(own)
      for (const bad of [{ protocolName: 'sticky' }, { protocolType: 'connect' }, { protocolName: null }]) {
        expect(sync(bad).errorCode).to.equal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
      }
    })
  }
})
