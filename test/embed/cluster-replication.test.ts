/** What copies of a partition are good for, and how soon. */
import { expect } from 'chai'
import { Cluster, type ClusterOptions } from '../../lib/index.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { DeleteRecords, ErrorCode, Fetch, IncrementalAlterConfigs, Produce } from '../../protocol/index.js'
import { ClusterSender, insist } from '../support/cluster-sender.js'

const IDS = [101, 102, 103]
let cluster: Cluster
const senders: ClusterSender[] = []

async function start(options: ClusterOptions = {}): Promise<void> {
  cluster = await Cluster.create({ brokerIds: IDS, ...options })
}

function at(whose: () => number): ClusterSender {
  const sender = new ClusterSender(cluster, whose)
  senders.push(sender)
  return sender
}

const leader = (topic: string) => (): number => cluster.leaderOf(topic, 0)!

/** Writes with acks=-1 to the leader, whoever that is. */
async function write(topic: string, value: string): Promise<void> {
  const sender = at(leader(topic))
  await insist(async () => {
    const records = buildBatch([{ value, timestamp: Date.now() }])
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const { responses } = await sender.send(Produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode
  }, `writing ${value}`)
}

async function fetch(whose: () => number, topic: string, fetchOffset = 0, rackId = '') {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }]
  const request = { maxWaitMs: 0, minBytes: 0, sessionEpoch: -1, rackId, topics: [{ topic, partitions }] }
  const { responses } = await at(whose).send(Fetch, 12, request)
  return responses[0]!.partitions[0]!
}

const until = (condition: () => boolean | Promise<boolean>, what: string): Promise<void> =>
  insist(async () => ((await condition()) ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER), what)

describe('embed/cluster replication', function () {
  this.timeout(30_000)
  afterEach(async () => {
    for (const sender of senders.splice(0)) sender.close()
    await cluster.close()
  })

  it('nobody waits for a fetch that has nothing to bring: not a new topic, not after a change of leader', async () => {
    // Longer than the test may take.
    await start({ config: { 'replica.fetch.wait.max.ms': 29_000 }, topics: [{ name: 'first', replicationFactor: 3 }] })
    await write('first', 'a')
    await cluster.createTopic({ name: 'second', replicationFactor: 3 })
    await write('second', 'a')
    const gone = cluster.leaderOf('first', 0)!
    await cluster.stopBroker(gone, { how: 'kill' })
    await write('first', 'b')
    await cluster.startBroker(gone)
    await until(() => cluster.isrOf('first', 0).length === 3, 'all in sync')
    await cluster.moveLeader('first', 0, gone)
    await write('first', 'c')
  })

  it('a consumer is led to the replica in its rack, which has what is committed at once (KIP-392)', async () => {
    await start({
      racks: ['a', 'b', 'c'],
      config: {
        'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
        'replica.fetch.wait.max.ms': 29_000,
      },
      topics: [{ name: 'near', replicationFactor: 3 }],
    })
    await cluster.moveLeader('near', 0, 101)
    await write('near', 'a')
    await until(async () => (await fetch(leader('near'), 'near', 0, 'c')).preferredReadReplica === 103, 'the way there')
    await until(async () => (await fetch(() => 103, 'near')).highWatermark === 1, 'the record there')
    expect((await fetch(() => 103, 'near')).records).to.not.have.lengthOf(0)
    await cluster.stopBroker(103, { how: 'kill' })
    expect((await fetch(leader('near'), 'near', 0, 'c')).preferredReadReplica, 'it is not there any more').to.equal(-1)
  })

  it('a follower that comes back knows what was committed, also without its leader', async () => {
    await start({ topics: [{ name: 'known', replicationFactor: 2 }] })
    await write('known', 'a')
    await write('known', 'b')
    const last = cluster.leaderOf('known', 0)!
    const follower = cluster.isrOf('known', 0).find((id) => id !== last)!
    await until(async () => (await fetch(() => follower, 'known')).highWatermark === 2, 'the follower to know')
    await cluster.stopBroker(follower)
    await cluster.stopBroker(last, { how: 'kill' })
    await cluster.startBroker(follower)
    expect(cluster.leaderOf('known', 0)).to.equal(-1)
    expect(await fetch(() => follower, 'known')).to.include({ errorCode: ErrorCode.NONE, highWatermark: 2 })
  })

  it('DeleteRecords is answered when every replica has deleted', async () => {
    await start({ topics: [{ name: 'cut', replicationFactor: 3 }], config: { 'replica.fetch.wait.max.ms': 29_000 } })
    await write('cut', 'a')
    await write('cut', 'b')
    const { topics } = await at(leader('cut')).send(DeleteRecords, 2, {
      timeoutMs: 20_000,
      topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 1 }] }],
    })
    expect(topics[0]!.partitions[0]).to.include({ errorCode: ErrorCode.NONE, lowWatermark: 1 })
    for (const id of IDS) expect((await fetch(() => id, 'cut', 1)).logStartOffset).to.equal(1)
  })

  it('a topic may rather lose records than be away (unclean.leader.election.enable)', async () => {
    await start({
      topics: [
        { name: 'careless', replicationFactor: 2 },
        { name: 'careful', replicationFactor: 2 },
      ],
    })
    await at(() => cluster.controllerId).send(IncrementalAlterConfigs, 1, {
      validateOnly: false,
      resources: [
        {
          resourceType: 2,
          resourceName: 'careless',
          configs: [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }],
        },
      ],
    })
    for (const topic of ['careless', 'careful']) {
      await cluster.moveLeader(topic, 0, cluster.isrOf(topic, 0)[0]!)
      await write(topic, 'kept')
      const last = cluster.leaderOf(topic, 0)!
      const follower = cluster.isrOf(topic, 0).find((id) => id !== last)!
      await cluster.stopBroker(follower, { how: 'kill' })
      await write(topic, 'lost')
      await cluster.stopBroker(last, { how: 'kill' })
      await cluster.startBroker(follower)
      expect(cluster.leaderOf(topic, 0)).to.equal(topic === 'careless' ? follower : -1)
      await cluster.startBroker(last)
      await write(topic, 'more')
      await until(() => cluster.isrOf(topic, 0).length === 2, 'both in sync')
      const { highWatermark, errorCode } = await fetch(leader(topic), topic)
      expect(errorCode).to.equal(0)
      expect(highWatermark).to.equal(topic === 'careless' ? 2 : 3)
    }
  })
})
