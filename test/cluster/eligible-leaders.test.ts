/** Brokers that leave a partition with too few in sync, and come back (KIP-966). */
import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import { DescribeTopicPartitions, ErrorCode, Fetch, Produce, UpdateFeatures } from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('cluster/eligible leaders', function () {
  this.timeout(60_000)
  let cluster: VirtualCluster
  beforeEach(async () => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2, 3, 4] })
    await cluster.topic('t', [1, 2, 3], { 'min.insync.replicas': '2' })
  })
  afterEach(() => cluster.close())

  async function write(value: string): Promise<number> {
    const records = buildBatch([{ value, timestamp: cluster.clock.now() }])
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const request = { acks: -1, timeoutMs: 5000, topicData }
    const { responses } = await cluster.ask(cluster.partition('t').leader, Produce, 9, request)
    return responses[0]!.partitionResponses[0]!.errorCode
  }

  async function read(): Promise<string> {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }]
    const request = { maxWaitMs: 0, minBytes: 0, sessionEpoch: -1, topics: [{ topic: 't', partitions }] }
    const { responses } = await cluster.ask(cluster.partition('t').leader, Fetch, 12, request)
    const { errorCode, records } = responses[0]!.partitions[0]!
    return errorCode === 0 ? (records!.toString('latin1').match(/value-\d/g) ?? []).join() : `error ${errorCode}`
  }

  /** As clients are told, by a broker that stays. */
  async function told() {
    const request = { topics: [{ name: 't' }], responsePartitionLimit: 10, cursor: null }
    const { topics } = await cluster.ask(4, DescribeTopicPartitions, 0, request)
    const { leaderId, isrNodes, eligibleLeaderReplicas, lastKnownElr } = topics[0]!.partitions[0]!
    return { leader: leaderId, isr: isrNodes, elr: eligibleLeaderReplicas, last: lastKnownElr }
  }

  const whole = (): Promise<void> =>
    cluster.until(() => [...cluster.partition('t').isr].sort().join() === '1,2,3', 'all in sync')

  async function allGone(end: (brokerId: number) => Promise<void>): Promise<void> {
    expect(await write('value-1')).to.equal(ErrorCode.NONE)
    await end(3)
    expect(await told()).to.deep.equal({ leader: 1, isr: [1, 2], elr: [], last: [] })
    expect(await write('value-2')).to.equal(ErrorCode.NONE)
    await end(2)
    expect(await told()).to.deep.equal({ leader: 1, isr: [1], elr: [2], last: [] })
    expect(await write('value-3'), 'too few').to.equal(ErrorCode.NOT_ENOUGH_REPLICAS)
    await end(1)
    expect(await told()).to.deep.equal({ leader: -1, isr: [], elr: [2, 1], last: [1] })
  }

  it('one that ended cleanly leads again, though another led last', async () => {
    await allGone((id) => cluster.stopBroker(id))
    await cluster.startBroker(3)
    await cluster.pass(2000)
    expect(await told(), 'lacks value-2').to.deep.equal({ leader: -1, isr: [], elr: [2, 1], last: [1] })
    await cluster.startBroker(2)
    await cluster.until(() => cluster.partition('t').leader === 2, '2 leads')
    await cluster.until(() => cluster.partition('t').isr.length === 2, '3 has caught up')
    expect(await told()).to.deep.equal({ leader: 2, isr: [2, 3], elr: [], last: [] })
    expect(await read()).to.equal('value-1,value-2')
    expect(await write('value-4')).to.equal(ErrorCode.NONE)
    await cluster.startBroker(1)
    await whole()
    expect(await read()).to.equal('value-1,value-2,value-4')
  })

  it('one that was killed does not, until who led last is back', async () => {
    await allGone((id) => cluster.kill(id))
    await cluster.startBroker(2)
    await cluster.startBroker(3)
    await cluster.pass(2000)
    expect(await told()).to.deep.equal({ leader: -1, isr: [], elr: [1], last: [1] })
    await cluster.startBroker(1)
    await whole()
    expect(await read()).to.equal('value-1,value-2')
  })

  it('one that comes back with an empty disk does not lead over one that is eligible', async () => {
    await allGone((id) => cluster.stopBroker(id))
    cluster.replaceDisk(1, '/data')
    await cluster.startBroker(1)
    await cluster.pass(2000)
    expect(await told()).to.deep.equal({ leader: -1, isr: [], elr: [2], last: [1] })
    await cluster.startBroker(2)
    await cluster.startBroker(3)
    await whole()
    expect(await read()).to.equal('value-1,value-2')
  })

  it('without the feature the last one stays in sync and leads again', async () => {
    const updates = [{ feature: 'eligible.leader.replicas.version', maxVersionLevel: 0, upgradeType: 2 }]
    const { errorCode } = await cluster.ask(4, UpdateFeatures, 1, { timeoutMs: 5000, featureUpdates: updates })
    expect(errorCode).to.equal(ErrorCode.NONE)
    expect(await write('value-1')).to.equal(ErrorCode.NONE)
    for (const id of [3, 2]) await cluster.kill(id)
    expect(await told()).to.deep.equal({ leader: 1, isr: [1], elr: [], last: [] })
    await cluster.kill(1)
    expect(await told()).to.deep.equal({ leader: -1, isr: [1], elr: [], last: [] })
    for (const id of [2, 3, 1]) await cluster.startBroker(id)
    await whole()
    expect(await read()).to.equal('value-1')
  })
})
