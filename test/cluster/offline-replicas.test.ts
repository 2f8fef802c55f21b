/** Log directories that fail under brokers of a cluster (KIP-112, KIP-858): somebody else leads, and clients go on. */
import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import { ErrorCode, Fetch, Metadata, Produce } from '../../protocol/index.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

describe('cluster/offline-replicas', function () {
  this.timeout(60_000)
  let cluster: VirtualCluster
  const begin = async (directories: readonly string[] = ['/a', '/b']): Promise<void> => {
    cluster = await VirtualCluster.start({ brokerIds: [1, 2, 3], directories })
  }
  afterEach(() => cluster.close())

  /** To a broker, by default the leader. */
  async function write(topic: string, value: string, to = cluster.partition(topic).leader, acks = -1): Promise<number> {
    const records = buildBatch([{ value, timestamp: cluster.clock.now() }])
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const { responses } = await cluster.ask(to, Produce, 9, { acks, timeoutMs: 5000, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode
  }

  async function read(topic: string): Promise<string> {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }]
    const request = { maxWaitMs: 0, minBytes: 0, sessionEpoch: -1, topics: [{ topic, partitions }] }
    const { responses } = await cluster.ask(cluster.partition(topic).leader, Fetch, 12, request)
    const { errorCode, records } = responses[0]!.partitions[0]!
    return errorCode === 0 ? (records!.toString('latin1').match(/value-\d/g) ?? []).join() : `error ${errorCode}`
  }

  async function offlineReplicas(topic: string, at = 2): Promise<number[]> {
    const { topics } = await cluster.ask(at, Metadata, 12, { topics: [{ name: topic }] })
    return topics[0]!.partitions[0]!.offlineReplicas
  }

  const directoryOf = (brokerId: number, topic: string): string =>
    ['/a', '/b'].find((path) => cluster.disk(brokerId, path).exists(`${topic}-0`))!

  /** The next write to this broker's disk fails, and with it the directory. */
  const breakDisk = (brokerId: number, topic: string, code = 'EIO'): void =>
    cluster.disk(brokerId, directoryOf(brokerId, topic)).failNext('append', code)

  const leads = (topic: string, ...ids: number[]): Promise<void> =>
    cluster.until(() => ids.includes(cluster.partition(topic).leader), `one of ${ids} leads`)
  const inSync = (topic: string, ...ids: number[]): Promise<void> =>
    cluster.until(() => [...cluster.partition(topic).isr].sort().join() === ids.join(), `in sync: ${ids}`)

  for (const code of ['EIO', 'ENOSPC']) {
    it(`${code} under a leader: an in-sync replica leads at once, and it comes back in sync after a restart`, async () => {
      await begin()
      await cluster.topic('t', [1, 2, 3])
      expect(await write('t', 'value-1')).to.equal(ErrorCode.NONE)
      breakDisk(1, 't', code)
      const fromMs = cluster.clock.monotonic()
      expect(await write('t', 'value-2')).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      await leads('t', 2)
      expect(cluster.clock.monotonic() - fromMs, 'virtual ms').to.be.below(100)
      expect(cluster.partition('t').isr).to.deep.equal([2, 3])
      expect(await write('t', 'value-3')).to.equal(ErrorCode.NONE)
      expect(await write('t', 'value-4', 1), 'the old leader').to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(await offlineReplicas('t')).to.deep.equal([1])
      await cluster.pass(60_000)
      expect(cluster.partition('t'), 'it stays so').to.deep.include({ leader: 2, isr: [2, 3] })
      await cluster.kill(1)
      await cluster.startBroker(1)
      await inSync('t', 1, 2, 3)
      expect(await offlineReplicas('t')).to.deep.equal([])
      await cluster.kill(2)
      await leads('t', 1)
      expect(await write('t', 'value-5')).to.equal(ErrorCode.NONE)
      expect(await read('t')).to.equal('value-1,value-3,value-5')
    })
  }

  it('a follower whose disk fails leaves the ISR at once, and comes back with an empty directory', async () => {
    await begin()
    await cluster.topic('t', [1, 2, 3])
    await cluster.topic('other', [1, 2, 3])
    expect(directoryOf(3, 't')).to.not.equal(directoryOf(3, 'other'))
    breakDisk(3, 't')
    const fromMs = cluster.clock.monotonic()
    expect(await write('t', 'value-1')).to.equal(ErrorCode.NONE)
    expect(cluster.clock.monotonic() - fromMs, 'virtual ms').to.be.below(100)
    await inSync('t', 1, 2)
    expect(await write('other', 'value-1')).to.equal(ErrorCode.NONE)
    expect(cluster.partition('other').isr, 'another directory').to.deep.equal([1, 2, 3])
    await cluster.pass(60_000)
    expect(cluster.partition('t').isr).to.deep.equal([1, 2])
    const directory = directoryOf(3, 't')
    await cluster.kill(3)
    cluster.replaceDisk(3, directory)
    await cluster.startBroker(3)
    await inSync('t', 1, 2, 3)
    await cluster.kill(1)
    await cluster.kill(2)
    expect(await read('t')).to.equal('value-1')
  })

  it('the controller takes its own failed replica out of the lead, too', async () => {
    await begin()
    const controller = [1, 2, 3].find((id) => cluster.node(id).controller.isActive)!
    const others = [1, 2, 3].filter((id) => id !== controller)
    await cluster.topic('t', [controller, ...others])
    breakDisk(controller, 't')
    expect(await write('t', 'value-1')).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    await leads('t', ...others)
    expect(await write('t', 'value-2')).to.equal(ErrorCode.NONE)
  })

  it('the only in-sync replica: nobody leads, until it is back with what it had', async () => {
    await begin()
    await cluster.topic('t', [1, 2])
    expect(await write('t', 'value-1')).to.equal(ErrorCode.NONE)
    await cluster.kill(2)
    expect(await write('t', 'value-2')).to.equal(ErrorCode.NONE)
    breakDisk(1, 't')
    expect(await write('t', 'value-3')).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    await leads('t', -1)
    await cluster.startBroker(2)
    await cluster.pass(1000)
    expect(cluster.partition('t')).to.deep.include({
      leader: -1,
      isr: [],
      eligibleLeaderReplicas: [],
      lastKnownElr: [1],
    })
    await cluster.kill(1)
    await cluster.startBroker(1)
    await leads('t', 1)
    await inSync('t', 1, 2)
    expect(await read('t')).to.equal('value-1,value-2')
  })

  it('a replica whose files were damaged while its broker was away leads nothing and is in no ISR', async () => {
    await begin(['/a'])
    await cluster.topic('t', [1, 2])
    for (const value of ['value-1', 'value-2', 'value-3']) expect(await write('t', value)).to.equal(ErrorCode.NONE)
    await cluster.kill(1)
    const file = cluster.disk(1, '/a').open('t-0/00000000000000000000.log')
    file.write(Buffer.alloc(20, 7), 10)
    file.close()
    await cluster.startBroker(1)
    await cluster.pass(2000)
    expect(cluster.partition('t')).to.deep.include({ leader: 2, isr: [2] })
    expect(await offlineReplicas('t')).to.deep.equal([1])
    // The way out that the log names: without its files it fetches everything.
    await cluster.kill(1)
    cluster.disk(1, '/a').remove('t-0')
    await cluster.startBroker(1)
    await inSync('t', 1, 2)
    await cluster.kill(2)
    await leads('t', 1)
    expect(await read('t')).to.equal('value-1,value-2,value-3')
  })

  it('a broker without any directory left stops, and the others lead', async () => {
    await begin(['/a'])
    await cluster.topic('t', [1, 2, 3])
    cluster.disk(1, '/a').failNext('append', 'EIO')
    await write('t', 'value-1', 1).catch(() => {})
    await leads('t', 2, 3)
    expect(cluster.partition('t').isr).to.deep.equal([2, 3])
    expect(await write('t', 'value-2')).to.equal(ErrorCode.NONE)
  })
})
