/** What clients are told of brokers that are away and of partitions that nobody leads, by every broker that is left. */
import { expect } from 'chai'
import { Cluster } from '../../lib/index.js'
import { DescribeCluster, DescribeTopicPartitions, ErrorCode, Metadata } from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

const IDS = [101, 102, 103]

describe('embed/cluster metadata', () => {
  let cluster: Cluster
  let left: RawClient[]

  beforeEach(async () => {
    const topics = [
      { name: 'copied', partitions: 3, replicationFactor: 3 },
      { name: 'alone', partitions: 3, replicationFactor: 1 },
    ]
    cluster = await Cluster.create({ brokerIds: IDS, topics })
    await cluster.stopBroker(102, { how: 'kill' })
    left = await Promise.all([0, 2].map((index) => RawClient.connect(cluster.brokers[index]!)))
  })
  afterEach(async () => {
    for (const client of left) client.close()
    await cluster.close()
  })

  const topics = [{ name: 'copied' }, { name: 'alone' }]

  it('Metadata lists who is there; a partition without a leader is LEADER_NOT_AVAILABLE', async () => {
    for (const client of left) {
      const answer = await client.send(Metadata, 12, { topics, allowAutoTopicCreation: false })
      expect(answer.brokers.map(({ nodeId }) => nodeId)).to.have.members([101, 103])
      for (const { replicaNodes, isrNodes, offlineReplicas, leaderId } of answer.topics[0]!.partitions) {
        expect(replicaNodes).to.have.members(IDS)
        expect(isrNodes).to.have.members([101, 103])
        expect(offlineReplicas).to.deep.equal([102])
        expect(leaderId).to.be.oneOf([101, 103])
      }
      const led = answer.topics[1]!.partitions.filter(({ leaderId }) => leaderId !== -1)
      const lost = answer.topics[1]!.partitions.filter(({ leaderId }) => leaderId === -1)
      expect([led.length, lost.length]).to.deep.equal([2, 1])
      expect(lost[0]).to.deep.include({
        errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
        replicaNodes: [102],
        isrNodes: [],
        offlineReplicas: [102],
      })
    }
  })

  it('DescribeTopicPartitions agrees, but a partition without a leader is no error in it', async () => {
    for (const client of left) {
      const answer = await client.send(DescribeTopicPartitions, 0, {
        topics,
        responsePartitionLimit: 100,
        cursor: null,
      })
      const partitions = answer.topics.flatMap((topic) => topic.partitions)
      expect(partitions.filter(({ leaderId }) => leaderId === -1)).to.have.lengthOf(1)
      for (const { errorCode } of partitions) expect(errorCode).to.equal(ErrorCode.NONE)
      for (const { replicaNodes, offlineReplicas } of partitions) {
        expect(offlineReplicas).to.deep.equal(replicaNodes.filter((id) => id === 102))
      }
    }
  })

  it('DescribeCluster shows who is fenced when asked for it', async () => {
    for (const client of left) {
      const all = await client.send(DescribeCluster, 2, { includeFencedBrokers: true })
      expect(all.brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced])).to.have.deep.members([
        [101, false],
        [102, true],
        [103, false],
      ])
      const live = await client.send(DescribeCluster, 2, { includeFencedBrokers: false })
      expect(live.brokers.map(({ brokerId }) => brokerId)).to.have.members([101, 103])
    }
  })
})
