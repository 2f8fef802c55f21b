import { expect } from 'chai'
import {
  DescribeTopicPartitions,
  ErrorCode,
  type RequestInput,
  UnregisterBroker,
  ZERO_UUID,
} from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

type Request = RequestInput<typeof DescribeTopicPartitions>

describe('server/75-describe-topic-partitions', () => {
  let broker: AdminBroker
  const ids: Record<string, string> = {}
  before(async () => {
    broker = await AdminBroker.start({ config: { 'max.request.partition.size.limit': 4 } })
    for (const [name, partitions] of Object.entries({ c: 2, a: 3, b: 1 }))
      ids[name] = await broker.topic(name, partitions)
  })
  after(() => broker.close())

  const send = async (request: Request) => {
    const answer = await broker.send(DescribeTopicPartitions, 0, request)
    const topics = answer.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionIndex)])
    return { ...answer, short: topics }
  }
  const named = (...names: string[]) => names.map((name) => ({ name }))

  it('describes topics by rising name, up to the limit, and goes on at the cursor', async () => {
    const first = await send({ topics: [] })
    expect(first.short).to.deep.equal([
      ['a', [0, 1, 2]],
      ['b', [0]],
    ])
    expect(first.nextCursor).to.deep.equal({ topicName: 'c', partitionIndex: 0 })
    const second = await send({ topics: [], cursor: first.nextCursor })
    expect(second.short).to.deep.equal([['c', [0, 1]]])
    expect(second.nextCursor).to.equal(null)
    const cut = await send({ topics: named('c', 'a'), responsePartitionLimit: 2 })
    expect(cut.short).to.deep.equal([['a', [0, 1]]])
    expect(cut.nextCursor).to.deep.equal({ topicName: 'a', partitionIndex: 2 })
    const rest = await send({ topics: named('c', 'a'), responsePartitionLimit: 2, cursor: cut.nextCursor })
    expect(rest.short).to.deep.equal([
      ['a', [2]],
      ['c', [0]],
    ])
  })

  it('gives the state of a partition', async () => {
    const { topics } = await send({ topics: named('b') })
    expect(topics[0]).to.include({ errorCode: 0, name: 'b', topicId: ids.b, isInternal: false })
    expect(topics[0]?.topicAuthorizedOperations).to.be.greaterThan(0)
    expect(topics[0]?.partitions[0]).to.deep.equal({
      errorCode: 0,
      partitionIndex: 0,
      leaderId: 1,
      leaderEpoch: 0,
      replicaNodes: [1],
      isrNodes: [1],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })
  })

  it('shows a partition without a leader, which is no error; a broker that is forgotten gives the message ""', async () => {
    const cluster = await VirtualCluster.start({ brokerIds: [1, 2] })
    await cluster.topic('t', [2])
    await cluster.kill(2)
    await cluster.until(() => cluster.node(1).image.brokers.get(2)?.fenced === true, 'broker 2 is fenced')
    const { topics } = await cluster.ask(1, DescribeTopicPartitions, 0, { topics: named('t') })
    const shown = { errorCode: ErrorCode.NONE, leaderId: -1, replicaNodes: [2], isrNodes: [], offlineReplicas: [2] }
    expect(topics[0]!.partitions[0]).to.deep.include(shown)
    const forgotten = await cluster.ask(1, UnregisterBroker, 0, { brokerId: 2 })
    expect(forgotten).to.include({ errorCode: ErrorCode.NONE, errorMessage: '' })
    await cluster.close()
  })

  it('says which topics there are not', async () => {
    const { topics } = await send({ topics: named('x', 'no/topic') })
    expect(topics.map(({ name, errorCode, topicId }) => [name, errorCode, topicId])).to.deep.equal([
      ['no/topic', ErrorCode.INVALID_TOPIC_EXCEPTION, ZERO_UUID],
      ['x', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ZERO_UUID],
    ])
  })

  it('refuses cursors that point nowhere', async () => {
    const wrong = [
      { topicName: 'z', partitionIndex: 0 },
      { topicName: 'a', partitionIndex: -1 },
    ]
    for (const cursor of wrong) {
      const { topics } = await send({ topics: named('a'), cursor })
      expect(topics.map(({ errorCode }) => errorCode)).to.deep.equal([ErrorCode.INVALID_REQUEST])
    }
  })
})
