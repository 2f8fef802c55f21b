/** Replication throttles (KIP-73): three brokers on a virtual clock. */
import { expect } from 'chai'
import { buildBatch } from '../../../protocol/batch/builder.js'
import { DescribeLogDirs, ErrorCode, Produce } from '../../../protocol/index.js'
import { VirtualCluster } from '../../support/virtual-cluster.js'

const RECORD_BYTES = 10_000
const RATE = 50_000
const RECORDS = 100
/** One answer more than the rate allows, and what the first window may hold. */
const SLACK_BYTES = 3 * RECORD_BYTES

describe('cluster/replication/throttle', function () {
  this.timeout(60_000)
  let cluster: VirtualCluster
  const begin = async (): Promise<void> => {
    cluster = await VirtualCluster.start({
      brokerIds: [1, 2, 3],
      values: {
        'replica.fetch.max.bytes': String(RECORD_BYTES),
        'replica.fetch.response.max.bytes': String(RECORD_BYTES),
        'replica.lag.time.max.ms': '2000',
        'replication.quota.window.num': '3',
      },
    })
  }
  afterEach(() => cluster.close())

  async function write(topic: string, acks: number, timeoutMs = 5000): Promise<number> {
    const records = buildBatch([{ value: Buffer.alloc(RECORD_BYTES - 100), timestamp: cluster.clock.now() }])
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const { leader } = cluster.partition(topic)
    const { responses } = await cluster.ask(leader, Produce, 9, { acks, timeoutMs, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode
  }

  async function sizeAt(brokerId: number, topic: string): Promise<number> {
    const topics = [{ topic, partitions: [0] }]
    const { results } = await cluster.ask(brokerId, DescribeLogDirs, 4, { topics })
    return results[0]!.topics[0]?.partitions[0]?.partitionSize ?? 0
  }

  /** Broker 3 is away while the topic grows, and out of its ISR. */
  async function leaveBehind(topic: string): Promise<void> {
    await cluster.kill(3)
    for (let count = 0; count < RECORDS; count++) expect(await write(topic, -1)).to.equal(ErrorCode.NONE)
    expect(cluster.partition(topic).isr).to.not.include(3)
  }

  const hasAll = async (topic: string): Promise<boolean> => (await sizeAt(3, topic)) === (await sizeAt(1, topic))

  /** How much more the broker has after each second. */
  async function growth(topic: string, seconds: number): Promise<number[]> {
    const sizes = [await sizeAt(3, topic)]
    for (let second = 0; second < seconds; second++) {
      await cluster.pass(1000)
      sizes.push(await sizeAt(3, topic))
    }
    return sizes.slice(1).map((size, index) => size - sizes[index]!)
  }

  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

  for (const side of ['leader', 'follower'] as const) {
    it(`keeps the rate on the ${side}'s side, and holds nothing back when it is removed`, async () => {
      await begin()
      await cluster.topic('t', [1, 2, 3])
      await leaveBehind('t')
      const brokerId = side === 'leader' ? 1 : 3
      if (side === 'follower') await cluster.alter(4, 1, { 'leader.replication.throttled.rate': '1' })
      const setRate = (rate: string | null) =>
        cluster.alter(4, brokerId, { [`${side}.replication.throttled.rate`]: rate })
      const pairs = '0:1,0:3,1:2'
      await cluster.alter(2, 't', { [`${side}.replication.throttled.replicas`]: side === 'leader' ? pairs : '*' })
      if (side === 'leader') await setRate(String(RATE))
      await cluster.startBroker(3)
      if (side === 'follower') await setRate(String(RATE))
      const slow = await growth('t', 8)
      expect(sum(slow)).to.be.within(8 * RATE - 3 * SLACK_BYTES, 8 * RATE + SLACK_BYTES)
      for (const bytes of slow.slice(1)) expect(bytes, slow.join()).to.be.within(RATE - SLACK_BYTES, RATE + SLACK_BYTES)
      await setRate(null)
      await cluster.pass(50)
      expect(await hasAll('t'), 'all of it').to.equal(true)
      await cluster.until(() => cluster.partition('t').isr.length === 3, 'it is in sync')
    })
  }

  it('what is in sync is not held back on the side of the leader, though what it gets counts', async () => {
    await begin()
    await cluster.topic('t', [1, 2, 3])
    await leaveBehind('t')
    await cluster.alter(4, 1, { 'leader.replication.throttled.rate': '1000' })
    await cluster.alter(2, 't', { 'leader.replication.throttled.replicas': '*' })
    await cluster.startBroker(3)
    await cluster.pass(1000)
    const before = await sizeAt(3, 't')
    const fromMs = cluster.clock.monotonic()
    for (let count = 0; count < 10; count++) expect(await write('t', -1)).to.equal(ErrorCode.NONE)
    expect(cluster.clock.monotonic() - fromMs).to.be.below(500)
    await cluster.pass(1000)
    expect((await sizeAt(3, 't')) - before, 'the one that is not gets no more').to.equal(0)
  })

  it('other topics go on beside one that is held back', async () => {
    await begin()
    await cluster.topic('slow', [1, 3])
    await cluster.topic('free', [1, 3])
    await leaveBehind('slow')
    await cluster.alter(4, 3, { 'follower.replication.throttled.rate': '1000' }).catch(() => {})
    await cluster.startBroker(3)
    await cluster.alter(4, 3, { 'follower.replication.throttled.rate': '1000' })
    await cluster.alter(2, 'slow', { 'follower.replication.throttled.replicas': '0:3' })
    await cluster.until(() => cluster.partition('free').isr.includes(3), 'in sync')
    const before = await sizeAt(3, 'slow')
    expect(before).to.be.below(RECORDS * RECORD_BYTES)
    for (let count = 0; count < 5; count++) expect(await write('free', -1)).to.equal(ErrorCode.NONE)
    await cluster.pass(1000)
    expect(await sizeAt(3, 'slow')).to.be.within(before, before + SLACK_BYTES)
    await cluster.alter(2, 'slow', { 'follower.replication.throttled.replicas': null })
    await cluster.pass(50)
    expect(await hasAll('slow')).to.equal(true)
  })

  it('a rate that is no number is refused', async () => {
    await begin()
    for (const rate of ['much', '-1']) {
      const refused = await cluster.alter(4, 1, { 'leader.replication.throttled.rate': rate }).then(
        () => null,
        (error: Error) => error.message,
      )
      expect(refused, rate).to.match(/leader\.replication\.throttled\.rate/)
    }
  })
})
