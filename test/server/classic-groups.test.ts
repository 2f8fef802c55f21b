/** What Apache Kafka 4.4 does with classic groups, as clients see it: through the handlers, in the versions in which it differs. */
import { expect } from 'chai'
import {
  DeleteGroups,
  DescribeGroups,
  ErrorCode,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  type ResponseOf,
  SyncGroup,
} from '../../protocol/index.js'
import { GroupBroker, versions } from '../support/group-broker.js'

type Joined = ResponseOf<typeof JoinGroup>
const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'

/** One group 'g' on one broker, and what its members say. */
class Scene {
  readonly broker: GroupBroker

  constructor(...options: ConstructorParameters<typeof GroupBroker>) {
    this.broker = new GroupBroker(...options).start()
  }

  joinRequest(fields: object = {}) {
    return {
      groupId: 'g',
      memberId: '',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('mine') }],
      ...fields,
    }
  }

  join(version: number, fields: object = {}): Joined {
    return this.broker.now(JoinGroup, version, this.joinRequest(fields))
  }

  /** A join that waits for others. */
  waitingJoin(version: number, fields: object = {}): Promise<Joined> {
    return Promise.resolve(this.broker.send(JoinGroup, version, this.joinRequest(fields)))
  }

  sync(memberId: string, generationId: number, fields: object = {}, version = 3) {
    const request = { groupId: 'g', memberId, generationId, assignments: [], ...fields }
    return this.broker.now(SyncGroup, version, request)
  }

  heartbeat(memberId: string, generationId: number, fields: object = {}): ErrorCode {
    const request = { groupId: 'g', memberId, generationId, ...fields }
    return this.broker.now(Heartbeat, 3, request).errorCode as ErrorCode
  }

  commit(memberId: string, generationIdOrMemberEpoch: number, fields: object = {}): ErrorCode {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null, ...fields }]
    const request = { groupId: 'g', memberId, generationIdOrMemberEpoch, topics: [{ name: 'a', partitions }] }
    return this.broker.now(OffsetCommit, 8, request).topics[0]!.partitions[0]!.errorCode as ErrorCode
  }

  describe(version = 5, groupId = 'g') {
    return this.broker.now(DescribeGroups, version, { groups: [groupId] }).groups[0]!
  }

  /** A leader and a follower in generation 2, synced. */
  async pair(): Promise<[leader: string, follower: string]> {
    const leader = this.broker.stableMember('g')
    const second = this.waitingJoin(2)
    this.join(2, { memberId: leader })
    const { memberId: follower } = await second
    const assignments = [{ memberId: leader, assignment: Buffer.from('left') }]
    this.sync(leader, 2, { assignments })
    return [leader, follower]
  }
}

describe('server/classic-groups', () => {
  it('behaviour 81, details 8: v4+ gives a new dynamic member its id first, v0-v3 and static members get in at once', () => {
    for (const version of versions(0, 9)) {
      const scene = new Scene()
      const answer = scene.join(version)
      expect(answer.memberId).to.match(new RegExp(`^test-${UUID}$`))
      expect(answer.errorCode).to.equal(version >= 4 ? ErrorCode.MEMBER_ID_REQUIRED : ErrorCode.NONE)
      if (version < 5) continue
      const instance = new Scene().join(version, { groupInstanceId: 'instance' })
      expect(instance.memberId).to.match(new RegExp(`^instance-${UUID}$`))
      expect(instance.errorCode).to.equal(ErrorCode.NONE)
    }
  })

  it('behaviour 82: an error has generation -1, echoes the member id, and has no protocol name', () => {
    for (const version of versions(0, 9)) {
      const answer = new Scene().join(version, { memberId: 'stranger' })
      expect(answer).to.include({
        errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
        generationId: -1,
        memberId: 'stranger',
        leader: '',
        protocolName: version >= 7 ? null : '',
        protocolType: null,
      })
      expect(answer.members).to.deep.equal([])
    }
  })

  it('behaviour 83: session timeouts, group ids and protocols are checked, in a new group too', () => {
    const code = (fields: object) => new Scene().join(3, fields).errorCode
    expect(code({ sessionTimeoutMs: 5_999 })).to.equal(ErrorCode.INVALID_SESSION_TIMEOUT)
    expect(code({ sessionTimeoutMs: 1_800_001 })).to.equal(ErrorCode.INVALID_SESSION_TIMEOUT)
    expect(code({ sessionTimeoutMs: 6_000 })).to.equal(ErrorCode.NONE)
    expect(code({ sessionTimeoutMs: 1_800_000 })).to.equal(ErrorCode.NONE)
    expect(code({ groupId: '' })).to.equal(ErrorCode.INVALID_GROUP_ID)
    expect(code({ protocols: [] })).to.equal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(code({ protocolType: '' })).to.equal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('behaviour 84: between join and sync a heartbeat is good and a commit is not; while others rejoin the heartbeat says so', async () => {
    const scene = new Scene()
    const { memberId } = scene.join(3)
    expect(scene.heartbeat(memberId, 1)).to.equal(ErrorCode.NONE)
    expect(scene.commit(memberId, 1)).to.equal(ErrorCode.REBALANCE_IN_PROGRESS)
    scene.sync(memberId, 1)
    const second = scene.waitingJoin(2)
    expect(scene.heartbeat(memberId, 1)).to.equal(ErrorCode.REBALANCE_IN_PROGRESS)
    // KIP-266: what was read may still be committed while the group collects its members.
    expect(scene.commit(memberId, 1)).to.equal(ErrorCode.NONE)
    expect(scene.join(2, { memberId }).generationId).to.equal(2)
    expect((await second).errorCode).to.equal(ErrorCode.NONE)
  })

  it('behaviour 85: a leader that joins again makes a new generation, an unchanged follower does not', async () => {
    const scene = new Scene()
    const [leader, follower] = await scene.pair()
    expect(scene.join(2, { memberId: follower })).to.include({ errorCode: 0, generationId: 2, leader })
    expect(scene.describe().groupState).to.equal('Stable')
    const protocols = [{ name: 'range', metadata: Buffer.from('000000000001000161ffffffff', 'hex') }]
    const again = scene.waitingJoin(2, { memberId: leader, protocols })
    expect(scene.join(2, { memberId: follower })).to.include({ errorCode: 0, generationId: 3 })
    expect(await again).to.include({ errorCode: 0, generationId: 3, leader })
  })

  it('behaviour 86: a stable group gives the same assignment again; nobody’s share is zero bytes', async () => {
    const scene = new Scene()
    const [leader, follower] = await scene.pair()
    for (const version of versions(0, 5)) {
      const own = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
      for (let round = 0; round < 2; round++) {
        expect(scene.sync(leader, 2, own, version)).to.deep.include({ errorCode: 0, assignment: Buffer.from('left') })
        expect(scene.sync(follower, 2, own, version)).to.deep.include({ errorCode: 0, assignment: Buffer.alloc(0) })
      }
    }
  })

  it('behaviour 87: SyncGroup v5 must name the group’s protocol type and name', () => {
    const scene = new Scene()
    const memberId = scene.broker.stableMember('g')
    const code = (protocolType: string | null, protocolName: string | null) =>
      scene.sync(memberId, 1, { protocolType, protocolName }, 5).errorCode
    expect(code('consumer', 'range')).to.equal(ErrorCode.NONE)
    const pairs = [
      ['connect', 'range'],
      ['consumer', 'sticky'],
      [null, 'range'],
      ['consumer', null],
      [null, null],
    ] as const
    for (const [type, name] of pairs) expect(code(type, name)).to.equal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(scene.sync(memberId, 1, {}, 4).errorCode).to.equal(ErrorCode.NONE)
  })

  it('behaviour 88: who does not rejoin within the rebalance timeout is dropped, the others go on', async () => {
    const scene = new Scene()
    const [leader, follower] = await scene.pair()
    const again = scene.waitingJoin(2, { memberId: leader })
    // It lives, but it does not rejoin.
    for (let second = 0; second < 60; second += 20) {
      expect(scene.heartbeat(follower, 2)).to.equal(ErrorCode.REBALANCE_IN_PROGRESS)
      scene.broker.clock.advance(20_000)
    }
    const joined = await again
    expect(joined).to.include({ errorCode: 0, generationId: 3, leader })
    expect(joined.members.map(({ memberId }) => memberId)).to.deep.equal([leader])
    expect(scene.heartbeat(follower, 2)).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(scene.join(2, { memberId: follower }).errorCode).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('behaviour 89: a static member comes back with a new id into the same generation; the old id is fenced', () => {
    for (const version of versions(5, 9)) {
      const scene = new Scene()
      const instance = { groupInstanceId: 'i' }
      const first = scene.join(version, instance)
      scene.sync(first.memberId, 1, instance)
      const second = scene.join(version, instance)
      expect(second).to.include({ errorCode: 0, generationId: 1, skipAssignment: version >= 9 })
      expect(second.memberId).to.not.equal(first.memberId)
      // Before KIP-814 the old leader's name keeps the newcomer from assigning.
      expect(second.leader).to.equal(version >= 9 ? second.memberId : first.memberId)
      const fenced = ErrorCode.FENCED_INSTANCE_ID
      expect(scene.heartbeat(first.memberId, 1, instance)).to.equal(fenced)
      expect(scene.sync(first.memberId, 1, instance).errorCode).to.equal(fenced)
      expect(scene.join(version, { ...instance, memberId: first.memberId }).errorCode).to.equal(fenced)
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }]
      const commit = { groupId: 'g', generationIdOrMemberEpoch: 1, memberId: first.memberId, ...instance, topics }
      expect(scene.broker.now(OffsetCommit, 8, commit).topics[0]!.partitions[0]!.errorCode).to.equal(fenced)
      expect(scene.heartbeat(second.memberId, 1, instance)).to.equal(ErrorCode.NONE)
    }
  })

  it('behaviour 90: LeaveGroup has its error at top level up to v2, from v3 on one per member; nobody is nobody', () => {
    for (const version of versions(0, 2)) {
      const { errorCode } = new Scene().broker.now(LeaveGroup, version, { groupId: 'g', memberId: 'x' })
      expect(errorCode).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
    }
    for (const version of versions(3, 5)) {
      const leave = (members: { memberId: string }[]) =>
        new Scene().broker.now(LeaveGroup, version, { groupId: 'g', members })
      const answer = leave([{ memberId: 'x' }])
      expect(answer.errorCode).to.equal(ErrorCode.NONE)
      expect(answer.members.map(({ errorCode }) => errorCode)).to.deep.equal([ErrorCode.UNKNOWN_MEMBER_ID])
      expect(leave([])).to.deep.include({ errorCode: ErrorCode.NONE, members: [] })
    }
  })

  it('behaviour 92: DescribeGroups of nothing, of offsets alone, and of a group that rebalances', () => {
    const scene = new Scene()
    scene.commit('', -1)
    for (const version of versions(0, 6)) {
      expect(scene.describe(version, 'none')).to.include({
        errorCode: version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
        groupState: 'Dead',
      })
      expect(scene.describe(version)).to.include({ errorCode: 0, groupState: 'Empty', protocolType: '' })
    }
    const memberId = scene.broker.stableMember('g')
    expect(scene.describe().members[0]!.memberMetadata).to.have.length.above(0)
    void scene.waitingJoin(2)
    const rebalancing = scene.describe()
    expect(rebalancing).to.include({ groupState: 'PreparingRebalance', protocolType: 'consumer', protocolData: '' })
    const [first] = rebalancing.members
    expect(first!.memberId).to.equal(memberId)
    expect(first!.memberMetadata).to.have.length(0)
  })

  it('behaviour 93: commits of nobody in particular work while the group is empty', () => {
    const scene = new Scene()
    expect(scene.commit('', -1)).to.equal(ErrorCode.NONE)
    const memberId = scene.broker.stableMember('g')
    expect(scene.commit('', -1)).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
    scene.broker.now(LeaveGroup, 0, { groupId: 'g', memberId })
    expect(scene.commit('', -1)).to.equal(ErrorCode.NONE)
  })

  it('behaviour 94: commits to unknown partitions, negative offsets, long metadata', () => {
    const scene = new Scene()
    expect(scene.commit('', -1, { partitionIndex: 9 })).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(scene.commit('', -1, { committedOffset: -7 })).to.equal(ErrorCode.NONE)
    expect(scene.commit('', -1, { committedMetadata: 'x'.repeat(4096) })).to.equal(ErrorCode.NONE)
    expect(scene.commit('', -1, { committedMetadata: 'x'.repeat(4097) })).to.equal(ErrorCode.OFFSET_METADATA_TOO_LARGE)
  })

  it('behaviour 95, details 12: an unknown group, topic or partition has offset -1 and empty metadata', () => {
    const scene = new Scene()
    scene.commit('', -1)
    const topics = [
      { name: 'a', partitionIndexes: [1, 77] },
      { name: 'nosuch', partitionIndexes: [0] },
    ]
    for (const version of versions(1, 9)) {
      for (const groupId of ['g', 'unheard-of']) {
        const request = version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics }
        const answer = scene.broker.now(OffsetFetch, version, request)
        const found = version >= 8 ? answer.groups[0]! : answer
        expect(found.errorCode).to.equal(ErrorCode.NONE)
        const partitions = found.topics.flatMap((topic) => topic.partitions)
        expect(partitions).to.have.length(3)
        for (const one of partitions) expect(one).to.include({ errorCode: 0, committedOffset: -1, metadata: '' })
      }
    }
  })

  it('behaviour 96, details 12: require-stable hides an offset that a transaction is about to replace', () => {
    const scene = new Scene()
    for (const version of versions(7, 9)) {
      scene.commit('', -1, { committedMetadata: 'note' })
      scene.broker.commitInTransaction('g', 9)
      const topics = [{ name: 'a', partitionIndexes: [0] }]
      const fetch = (requireStable: boolean) => {
        const request =
          version >= 8 ? { groups: [{ groupId: 'g', topics }], requireStable } : { groupId: 'g', topics, requireStable }
        const answer = scene.broker.now(OffsetFetch, version, request)
        const found = version >= 8 ? answer.groups[0]! : answer
        expect(found.errorCode).to.equal(ErrorCode.NONE)
        return found.topics[0]!.partitions[0]!
      }
      expect(fetch(true)).to.include({ errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT, committedOffset: -1 })
      expect(fetch(false)).to.include({ errorCode: ErrorCode.NONE, committedOffset: 5, metadata: 'note' })
      scene.broker.commitTransaction('g')
      expect(fetch(true)).to.include({ errorCode: ErrorCode.NONE, committedOffset: 9 })
    }
  })

  it('behaviour 97: FindCoordinator’s messages, unknown types and empty keys', () => {
    const { broker } = new Scene()
    for (const version of versions(0, 6)) {
      const find = (key: string, keyType: number) => {
        const request = version >= 4 ? { coordinatorKeys: [key], keyType } : version >= 1 ? { key, keyType } : { key }
        const answer = broker.now(FindCoordinator, version, request)
        return version >= 4 ? answer.coordinators[0]! : answer
      }
      for (const key of ['g', '']) {
        const found = find(key, 0)
        expect(found).to.include({ errorCode: ErrorCode.NONE, nodeId: 1, port: 9092 })
        // v0 has no message at all.
        if (version >= 1) expect(found.errorMessage).to.equal(version >= 4 ? '' : 'NONE')
      }
      if (version === 0) continue
      for (const keyType of [3, 99, -1]) expect(find('g', keyType).errorCode).to.equal(ErrorCode.INVALID_REQUEST)
    }
  })

  it('behaviour 98: DeleteGroups refuses a living group and one that is not there', () => {
    const scene = new Scene()
    scene.broker.stableMember('g')
    for (const version of versions(0, 3)) {
      const { results } = scene.broker.now(DeleteGroups, version, { groupsNames: ['g', 'none'] })
      expect(results.map(({ groupId, errorCode }) => [groupId, errorCode])).to.deep.equal([
        ['g', ErrorCode.NON_EMPTY_GROUP],
        ['none', ErrorCode.GROUP_ID_NOT_FOUND],
      ])
    }
  })

  it('describes a group once and tells all its offsets once, however often it is named', () => {
    const scene = new Scene()
    scene.commit('', -1)
    const { groups } = scene.broker.now(DescribeGroups, 5, { groups: ['g', 'none', 'g', 'g'] })
    expect(groups.map(({ groupId }) => groupId)).to.deep.equal(['g', 'none'])
    const all = { groupId: 'g', topics: null }
    const some = { groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }] }
    const answer = scene.broker.now(OffsetFetch, 8, { groups: [all, some, all, some, { ...all, groupId: 'h' }] })
    expect(answer.groups.map(({ groupId, topics }) => [groupId, topics.length])).to.deep.equal([
      ['g', 1],
      ['g', 1],
      ['g', 1],
      ['h', 0],
    ])
  })

  it('details 26: a member whose rebalance timeout is 0 gets its SyncGroup in', () => {
    const scene = new Scene()
    const { memberId, generationId } = scene.join(2, { rebalanceTimeoutMs: 0 })
    scene.broker.clock.advance(0)
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    expect(scene.sync(memberId, generationId, { assignments })).to.deep.include({
      errorCode: ErrorCode.NONE,
      assignment: Buffer.from('all'),
    })
  })

  it('answers an older request of the same member before the newer one waits', async () => {
    const scene = new Scene()
    const leader = scene.broker.stableMember('g')
    const second = scene.waitingJoin(2)
    const [older, newer] = [scene.waitingJoin(2), scene.waitingJoin(2)]
    const joined = scene.join(2, { memberId: leader })
    expect(joined.members).to.have.length(4)
    const { memberId: one } = await second
    await Promise.all([older, newer])
    // A follower's SyncGroup waits for the leader's; asked again, the first is told to try again.
    const waiting = scene.broker.send(SyncGroup, 2, { groupId: 'g', generationId: 2, memberId: one, assignments: [] })
    const again = scene.broker.send(SyncGroup, 2, { groupId: 'g', generationId: 2, memberId: one, assignments: [] })
    expect((await waiting).errorCode).to.equal(ErrorCode.REBALANCE_IN_PROGRESS)
    scene.sync(leader, 2)
    expect((await again).errorCode).to.equal(ErrorCode.NONE)
    // The same for JoinGroup: while the group collects, a member joins twice.
    const firstJoin = scene.waitingJoin(2, { memberId: leader })
    const secondJoin = scene.waitingJoin(2, { memberId: leader })
    expect((await firstJoin).errorCode).to.equal(ErrorCode.REBALANCE_IN_PROGRESS)
    scene.broker.clock.advance(60_000)
    expect((await secondJoin).errorCode).to.equal(ErrorCode.NONE)
  })
})
