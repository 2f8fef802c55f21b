/** Who leads now, in the answer of a broker that does not (KIP-951, KIP-320). */
import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import { ErrorCode, Fetch, ListOffsets, OffsetForLeaderEpoch, Produce } from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('server: leader hints', () => {
  let cluster: VirtualCluster
  beforeEach(async () => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2, 3], values: { 'broker.rack': 'here' } })
    await cluster.topic('t', [1, 2])
  })
  afterEach(() => cluster.close())

  const endpoint = (nodeId: number) => ({ nodeId, host: `b${nodeId}`, port: 9092, rack: 'here' })

  async function produce(to: number, version: number) {
    const records = buildBatch([{ value: 'x', timestamp: cluster.clock.now() }])
    const name = version >= 13 ? {} : { name: 't' }
    const { topicId } = cluster.node(to).image.topicsByName.get('t')!
    const topicData = [{ ...name, topicId, partitionData: [{ index: 0, records }] }]
    const answer = await cluster.send(to, Produce, version, { acks: -1, timeoutMs: 20_000, topicData })
    const { errorCode, currentLeader } = answer.responses[0]!.partitionResponses[0]!
    return { errorCode, currentLeader, nodeEndpoints: answer.nodeEndpoints }
  }

  async function fetch(to: number, version: number, currentLeaderEpoch: number) {
    const partitions = [{ partition: 0, currentLeaderEpoch, fetchOffset: 0, partitionMaxBytes: 1e6 }]
    const { topicId } = cluster.node(to).image.topicsByName.get('t')!
    const request = { maxWaitMs: 20_000, minBytes: 1, sessionEpoch: -1, topics: [{ topic: 't', topicId, partitions }] }
    const answer = await cluster.send(to, Fetch, version, request)
    const { errorCode, currentLeader } = answer.responses[0]!.partitions[0]!
    return { errorCode, currentLeader, nodeEndpoints: answer.nodeEndpoints }
  }

  const moveTo = (brokerId: number) =>
    cluster.whenDone(
      [1, 2, 3]
        .map((id) => cluster.node(id).controller)
        .find(({ isActive }) => isActive)!
        .moveLeader('t', 0, brokerId),
    )

  it('a produce that waited for its replicas when the leader moved', async () => {
    cluster.cut(1, 2)
    const [old, later] = [produce(1, 9), produce(1, 13)]
    await cluster.pass(20)
    await moveTo(2)
    const { leaderEpoch } = cluster.partition('t')
    expect(await cluster.whenDone(later)).to.deep.equal({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 2, leaderEpoch },
      nodeEndpoints: [endpoint(2)],
    })
    expect(await cluster.whenDone(old)).to.deep.include({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      nodeEndpoints: [],
    })
  })

  it('a fetch that waited, and whose idea of the epoch is over', async () => {
    const { leaderEpoch: before } = cluster.partition('t')
    const waiting = [15, 16, 18].map((version) => fetch(1, version, before))
    await cluster.pass(20)
    await moveTo(2)
    const { leaderEpoch } = cluster.partition('t')
    const [old, ...later] = await cluster.whenDone(Promise.all(waiting))
    expect(old).to.deep.include({ errorCode: ErrorCode.FENCED_LEADER_EPOCH, nodeEndpoints: [] })
    for (const answer of later) {
      expect(answer).to.deep.equal({
        errorCode: ErrorCode.FENCED_LEADER_EPOCH,
        currentLeader: { leaderId: 2, leaderEpoch },
        nodeEndpoints: [endpoint(2)],
      })
    }
  })

  it('who is behind the client hears nothing of leaders: the client knows better', async () => {
    const { leaderEpoch } = cluster.partition('t')
    expect(await cluster.whenDone(fetch(1, 16, leaderEpoch + 1))).to.deep.equal({
      errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH,
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      nodeEndpoints: [],
    })
  })

  it('while nobody leads there is an epoch and no broker', async () => {
    await cluster.kill(2)
    await cluster.kill(1)
    const { leader, leaderEpoch } = cluster.partition('t')
    expect(leader).to.equal(-1)
    const nobody = {
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: -1, leaderEpoch },
      nodeEndpoints: [],
    }
    expect(await cluster.whenDone(produce(3, 13))).to.deep.equal(nobody)
    expect(await cluster.whenDone(fetch(3, 16, leaderEpoch))).to.deep.equal(nobody)
  })

  it('a replica that follows checks the epoch before it sends elsewhere', async () => {
    await moveTo(2)
    const { leaderEpoch } = cluster.partition('t')
    for (const [currentLeaderEpoch, expected] of [
      [-1, ErrorCode.NOT_LEADER_OR_FOLLOWER],
      [leaderEpoch, ErrorCode.NOT_LEADER_OR_FOLLOWER],
      [leaderEpoch - 1, ErrorCode.FENCED_LEADER_EPOCH],
      [leaderEpoch + 1, ErrorCode.UNKNOWN_LEADER_EPOCH],
    ] as const) {
      const at = [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }]
      const offsets = await cluster.ask(1, ListOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions: at }] })
      expect(offsets.topics[0]!.partitions[0]!.errorCode, `ListOffsets ${currentLeaderEpoch}`).to.equal(expected)
      const of = [{ partition: 0, currentLeaderEpoch, leaderEpoch }]
      const ends = await cluster.ask(1, OffsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{ topic: 't', partitions: of }],
      })
      expect(ends.topics[0]!.partitions[0]!.errorCode, `OffsetForLeaderEpoch ${currentLeaderEpoch}`).to.equal(expected)
    }
  })
})
