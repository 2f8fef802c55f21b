import { expect } from 'chai'
import { DescribeQuorum, ErrorCode } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

const LOG = '__cluster_metadata'

describe('server/55-describe-quorum', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start({})
  })
  after(() => broker.close())

  const ask = (...topics: [name: string, ...indexes: number[]][]) =>
    broker.send(DescribeQuorum, 2, {
      topics: topics.map(([topicName, ...indexes]) => ({
        topicName,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
      })),
    })

  it('describes the metadata log: who leads it, who has it', async () => {
    const { errorCode, topics, nodes } = await ask([LOG, 0])
    const [partition] = topics[0]!.partitions
    expect(errorCode).to.equal(0)
    expect(partition).to.include({ errorCode: 0, leaderId: 1 })
    expect(partition!.currentVoters.map(({ replicaId }) => replicaId)).to.deep.equal([1])
    expect(partition!.currentVoters[0]!.logEndOffset).to.equal(partition!.highWatermark)
    expect(nodes.map(({ nodeId }) => nodeId)).to.deep.equal([1])
  })

  for (const asked of [
    [[LOG, 1]],
    [[LOG, 0, 1]],
    [['t', 0]],
    [
      [LOG, 0],
      ['t', 0],
    ],
    [[LOG]],
    [],
  ] as [string, ...number[]][][]) {
    it(`describes nothing else: ${JSON.stringify(asked)}`, async () => {
      const { errorCode, topics, nodes } = await ask(...asked)
      expect([errorCode, nodes.length]).to.deep.equal([0, 0])
      expect(
        topics.map(({ topicName, partitions }) => [topicName, ...partitions.map((one) => one.partitionIndex)]),
      ).to.deep.equal(asked)
      for (const { errorCode } of topics.flatMap(({ partitions }) => partitions)) {
        expect(errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      }
    })
  }
})
