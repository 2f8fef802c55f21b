/** Groups whose coordinator moves to another broker, in order or because its own has died. */
import { expect } from 'chai'
import { Cluster } from '../../lib/index.js'
import {
  DescribeGroups,
  ErrorCode,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../protocol/index.js'
import { ClusterSender, insist } from '../support/cluster-sender.js'

const IDS = [101, 102, 103]
const GROUP = 'g'
let cluster: Cluster
const senders: ClusterSender[] = []

function at(whose: () => number): ClusterSender {
  const sender = new ClusterSender(cluster, whose)
  senders.push(sender)
  return sender
}

const coordinator = (): number => cluster.coordinatorOf(GROUP)!
const another = (): number => IDS.find((id) => id !== coordinator() && cluster.runningBrokerIds.includes(id))!

const find = async (through: number): Promise<number> => {
  const answer = await at(() => through).send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] })
  return answer.coordinators[0]!.nodeId
}

interface Member {
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
}

const join = (groupInstanceId: string | null, memberId = '', whose = coordinator) =>
  at(whose).send(JoinGroup, 9, {
    groupId: GROUP,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId,
    groupInstanceId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  })

/** The only member, stable. */
async function lone(groupInstanceId: string | null): Promise<Member> {
  let memberId = ''
  let generationId = -1
  await insist(async () => {
    const joined = await join(groupInstanceId, memberId)
    memberId = joined.memberId
    generationId = joined.generationId
    return joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED ? ErrorCode.NOT_COORDINATOR : joined.errorCode
  }, 'joining')
  const synced = await at(coordinator).send(SyncGroup, 5, {
    groupId: GROUP,
    generationId,
    memberId,
    groupInstanceId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: Buffer.from('all') }],
  })
  expect(synced.errorCode).to.equal(ErrorCode.NONE)
  return { memberId, generationId, groupInstanceId }
}

const beat = async (member: Member, whose = coordinator): Promise<number> =>
  (await at(whose).send(Heartbeat, 4, { groupId: GROUP, ...member })).errorCode

const commit = (member: Member, committedOffset: number) =>
  insist(async () => {
    const { generationId: generationIdOrMemberEpoch, memberId, groupInstanceId } = member
    const { topics } = await at(coordinator).send(OffsetCommit, 8, {
      groupId: GROUP,
      generationIdOrMemberEpoch,
      memberId,
      groupInstanceId,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset }] }],
    })
    return topics[0]!.partitions[0]!.errorCode
  }, 'committing')

async function committed(whose = coordinator): Promise<{ errorCode: number; committedOffset: number }> {
  const groups = [{ groupId: GROUP, topics: [{ name: 't', partitionIndexes: [0] }] }]
  const answer = await at(whose).send(OffsetFetch, 8, { groups, requireStable: true })
  const { errorCode, topics } = answer.groups[0]!
  return { errorCode, committedOffset: topics[0]?.partitions[0]?.committedOffset ?? -1 }
}

const served = () =>
  insist(async () => (await committed()).errorCode, 'the new coordinator to have loaded what there is')

describe('embed/cluster groups', function () {
  this.timeout(30_000)

  beforeEach(async () => {
    cluster = await Cluster.create({ brokerIds: IDS, topics: ['t'] })
    await find(101)
  })

  afterEach(async () => {
    for (const sender of senders.splice(0)) sender.close()
    await cluster.close()
  })

  it('a join that waits fails with NOT_COORDINATOR when the coordinator moves, and every broker knows the new one', async () => {
    const first = await lone(null)
    const { memberId } = await join(null)
    const before = coordinator()
    const waiting = join(null, memberId)
    await insist(
      async () => ((await beat(first)) === ErrorCode.REBALANCE_IN_PROGRESS ? 0 : ErrorCode.NOT_COORDINATOR),
      'the rebalance',
    )
    await cluster.moveCoordinator(GROUP, another())
    expect((await waiting).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
    expect(coordinator()).to.not.equal(before)
    for (const id of IDS) expect(await find(id)).to.equal(coordinator())
    await served()
    expect(await beat(first, () => before)).to.equal(ErrorCode.NOT_COORDINATOR)
    expect(await beat(first), 'its generation is known there').to.equal(ErrorCode.NONE)
  })

  for (const how of ['kill', 'controlled'] as const) {
    it(`members, static ones too, and offsets outlive their coordinator (${how})`, async () => {
      const member = await lone('static')
      await commit(member, 7)
      await cluster.stopBroker(coordinator(), { how })
      await served()
      expect(await committed()).to.deep.equal({ errorCode: ErrorCode.NONE, committedOffset: 7 })
      expect(await beat(member)).to.equal(ErrorCode.NONE)
      const again = await join('static')
      expect(again, 'the same generation: nobody has to give anything away').to.include({
        errorCode: ErrorCode.NONE,
        generationId: member.generationId,
      })
      expect(await beat(member)).to.equal(ErrorCode.FENCED_INSTANCE_ID)
      await commit({ ...member, memberId: again.memberId }, 8)
      expect((await committed()).committedOffset).to.equal(8)
    })
  }

  it('each broker lists the groups that it coordinates, and describes no others', async () => {
    await lone(null)
    for (const id of IDS) {
      const { groups } = await at(() => id).send(ListGroups, 4, {})
      expect(groups.map(({ groupId }) => groupId)).to.deep.equal(id === coordinator() ? [GROUP] : [])
      const described = await at(() => id).send(DescribeGroups, 5, { groups: [GROUP] })
      const expected = id === coordinator() ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR
      expect(described.groups[0]!.errorCode).to.equal(expected)
    }
  })

  it('a coordinator that is cut off says so, also where it would not have to write', async () => {
    const member = await lone(null)
    await commit(member, 7)
    const before = coordinator()
    await cluster.isolate(before)
    const cut = () => before
    expect(await beat(member, cut)).to.equal(ErrorCode.NOT_COORDINATOR)
    expect((await committed(cut)).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
    const { groups } = await at(cut).send(ListGroups, 4, {})
    expect(groups).to.deep.equal([])
    await served()
    expect(await beat(member)).to.equal(ErrorCode.NONE)
    await commit(member, 9)
    await cluster.heal(before)
    expect((await committed(cut)).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
    expect(await committed()).to.deep.equal({ errorCode: ErrorCode.NONE, committedOffset: 9 })
  })
})
