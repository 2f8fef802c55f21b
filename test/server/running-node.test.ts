/** What a whole broker does over time and when its settings change while it runs. */
import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import {
  CreatePartitions,
  DeleteTopics,
  DescribeConfigs,
  DescribeGroups,
  ErrorCode,
  Fetch,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  SyncGroup,
} from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'

const HOUR = 3_600_000

describe('server/running-node', () => {
  let node: RunningNode
  const start = async (values: Record<string, string> = {}) => {
    node = await RunningNode.start(values)
    return node
  }
  afterEach(async () => {
    await node.close()
    expect(node.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
    expect(node.clock.pendingTimers).to.equal(0)
  })

  async function produce(topic: string, value: string, fields: { producerId?: number; baseSequence?: number } = {}) {
    const batchFields = fields.producerId === undefined ? {} : { producerEpoch: 0, ...fields }
    const records = buildBatch([{ value, timestamp: node.clock.now() }], batchFields)
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const { responses } = await node.client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    return responses[0]!.partitionResponses[0]!
  }

  async function logStart(topic: string): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }]
    const answer = await node.client.send(ListOffsets, 7, { replicaId: -1, topics })
    return answer.topics[0]!.partitions[0]!.offset
  }

  async function config(resourceType: number, resourceName: string, key: string) {
    const resources = [{ resourceType, resourceName, configurationKeys: [key] }]
    const { results } = await node.client.send(DescribeConfigs, 4, { resources, includeSynonyms: true })
    return results[0]!.configs[0]!
  }

  async function commit(groupId: string, topic: string, committedOffset: number): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const answer = await node.client.send(OffsetCommit, 8, { groupId, topics: [{ name: topic, partitions }] })
    return answer.topics[0]!.partitions[0]!.errorCode
  }

  async function committed(groupId: string, topic: string): Promise<number> {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    const answer = await node.client.send(OffsetFetch, 5, { groupId, topics })
    return answer.topics[0]!.partitions[0]!.committedOffset
  }

  const findCoordinator = (key: string) => node.client.send(FindCoordinator, 2, { key, keyType: 0 })

  it('behaviour 71: a deleted topic takes the offsets that groups have committed along', async () => {
    await start()
    await node.topic('t')
    await node.topic('u')
    expect((await findCoordinator('g')).errorCode).to.equal(0)
    for (const groupId of ['g', 'h']) {
      for (const topic of ['t', 'u']) expect(await commit(groupId, topic, 7)).to.equal(0)
    }
    await node.client.send(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
    await node.topic('t')
    for (const groupId of ['g', 'h']) {
      expect(await committed(groupId, 't')).to.equal(-1)
      expect(await committed(groupId, 'u')).to.equal(7)
    }
  })

  it('deletes by the retention of a topic, when the check comes', async () => {
    await start({ 'log.retention.check.interval.ms': '1000' })
    await node.topic('t', { 'retention.ms': String(HOUR) })
    await produce('t', 'old')
    node.clock.advance(HOUR)
    expect(await logStart('t')).to.equal(0)
    node.clock.advance(2000)
    expect(await logStart('t')).to.equal(1)
    expect((await produce('t', 'new')).baseOffset).to.equal(1)
  })

  it('behaviour 78: a default for all brokers reaches topics, what DescribeConfigs says and what the log does', async () => {
    await start({ 'log.retention.check.interval.ms': '1000' })
    await node.topic('t')
    await node.topic('own', { 'retention.ms': String(1000 * HOUR) })
    await produce('t', 'x')
    await produce('own', 'x')
    expect(await node.alterBroker('log.retention.ms', '5000')).to.equal(0)
    const shown = await config(2, 't', 'retention.ms')
    expect(shown).to.include({ value: '5000', configSource: 3 })
    node.clock.advance(7000)
    expect([await logStart('t'), await logStart('own')]).to.deep.equal([1, 0])
    expect(await node.alterBroker('log.retention.ms', null)).to.equal(0)
    expect((await config(2, 't', 'retention.ms')).value).to.equal('604800000')
    await produce('t', 'stays')
    node.clock.advance(10 * HOUR)
    expect(await logStart('t')).to.equal(1)
  })

  it('behaviours 78, 79, details 25: a change is in force when its answer leaves', async () => {
    await start()
    await node.topic('t')
    const big = 'x'.repeat(2000)
    for (const [name, broker] of [
      ['message.max.bytes', ''],
      ['message.max.bytes', '1'],
    ] as const) {
      expect(await node.alterBroker(name, '1000', broker)).to.equal(0)
      expect((await produce('t', big)).errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
      expect(await node.alter('t', 'max.message.bytes', '100000')).to.equal(0)
      expect((await produce('t', big)).errorCode).to.equal(0)
      expect(await node.alter('t', 'max.message.bytes', null)).to.equal(0)
      expect((await produce('t', big)).errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
      expect(await node.alterBroker(name, null, broker)).to.equal(0)
      expect((await produce('t', big)).errorCode).to.equal(0)
    }
    expect(await node.alterBroker('log.message.timestamp.type', 'LogAppendTime')).to.equal(0)
    expect((await produce('t', 'x')).logAppendTimeMs).to.equal(node.clock.now())
  })

  it('takes over max.connections and max.connections.per.ip while it runs', async () => {
    await start()
    const stays = (address?: string) => !node.connect(address).closed
    expect(await node.alterBroker('max.connections.per.ip', '2')).to.equal(0)
    expect([stays('10.0.0.1'), stays('10.0.0.1'), stays('10.0.0.1')]).to.deep.equal([true, true, false])
    expect(await node.alterBroker('max.connections.per.ip.overrides', '10.0.0.1:3,10.0.0.2:0')).to.equal(0)
    expect([stays('10.0.0.1'), stays('10.0.0.1'), stays('10.0.0.2')]).to.deep.equal([true, false, false])
    // With the test's own connection there are four.
    expect(await node.alterBroker('max.connections', '5')).to.equal(0)
    expect([stays('10.0.0.3'), stays('10.0.0.4')]).to.deep.equal([true, false])
    expect(await node.alterBroker('max.connections', null)).to.equal(0)
    expect(stays('10.0.0.4')).to.equal(true)
  })

  it('refuses overrides per address that say nothing', async () => {
    await start()
    for (const bad of ['10.0.0.1', '10.0.0.1:x', ':5', 'a:1,b']) {
      expect(await node.alterBroker('max.connections.per.ip.overrides', bad), bad).to.equal(ErrorCode.INVALID_REQUEST)
    }
  })

  it('takes over producer.id.expiration.ms while it runs', async () => {
    await start({ 'producer.id.expiration.check.interval.ms': '1000' })
    await node.topic('t')
    const gap = async () => {
      await produce('t', 'first', { producerId: 9, baseSequence: 0 })
      node.clock.advance(10_000)
      return (await produce('t', 'second', { producerId: 9, baseSequence: 5 })).errorCode
    }
    expect(await gap()).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await node.alterBroker('producer.id.expiration.ms', '5000')).to.equal(0)
    node.clock.advance(10_000)
    // Nothing is known of the producer any more: it may start anywhere.
    expect(await gap()).to.equal(ErrorCode.NONE)
  })

  it('closes connections that are idle for connections.max.idle.ms, and not one whose request waits', async () => {
    await start({ 'connections.max.idle.ms': '60000' })
    await node.topic('t')
    const [idle, waits] = [node.connect(), node.connect()]
    const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
    const fetch = waits.send(Fetch, 11, { maxWaitMs: 200_000, minBytes: 1, topics })
    node.clock.advance(75_000)
    expect([idle.closed, waits.closed]).to.deep.equal([true, false])
    node.clock.advance(200_000)
    expect((await fetch).responses[0]!.partitions[0]!.errorCode).to.equal(0)
  })

  it('expires offsets of a group that has gone, when the check comes', async () => {
    await start({ 'offsets.retention.minutes': '60', 'offsets.retention.check.interval.ms': '60000' })
    await node.topic('t')
    await findCoordinator('g')
    await commit('g', 't', 3)
    node.clock.advance(59 * 60_000)
    expect(await committed('g', 't')).to.equal(3)
    node.clock.advance(2 * 60_000)
    expect(await committed('g', 't')).to.equal(-1)
    const { groups } = await node.client.send(DescribeGroups, 6, { groups: ['g'] })
    expect(groups[0]!.errorCode).to.equal(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it('behaviour 91: a socket that closes takes no member along; its session does', async () => {
    await start()
    await findCoordinator('g')
    const member = node.connect()
    const join = {
      groupId: 'g',
      memberId: '',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }
    const { memberId, generationId } = await member.send(JoinGroup, 2, join)
    await member.send(SyncGroup, 2, { groupId: 'g', generationId, memberId, assignments: [] })
    member.destroy()
    node.clock.advance(29_000)
    const beat = async () => (await node.client.send(Heartbeat, 3, { groupId: 'g', generationId, memberId })).errorCode
    expect(await beat()).to.equal(ErrorCode.NONE)
    node.clock.advance(30_001)
    expect(await beat()).to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('coordinates groups by the partitions that __consumer_offsets has, whatever the setting says', async () => {
    await start({ 'offsets.topic.num.partitions': '50' })
    // Somebody made the topic by hand, with one partition.
    await node.topic('__consumer_offsets', { 'cleanup.policy': 'compact' })
    await node.topic('t')
    for (let i = 0; i < 10; i++) {
      expect((await findCoordinator(`g${i}`)).errorCode).to.equal(0)
      expect(await commit(`g${i}`, 't', i), `g${i}`).to.equal(0)
      expect(await committed(`g${i}`, 't')).to.equal(i)
    }
    const topics = [{ name: '__consumer_offsets', count: 3, assignments: null }]
    await node.client.send(CreatePartitions, 3, { topics, timeoutMs: 1000, validateOnly: false })
    for (let i = 0; i < 10; i++) expect(await commit(`g${i}`, 't', i), `g${i}`).to.equal(0)
  })

  it('makes __consumer_offsets once for all who ask at the same time, and says why when it cannot', async () => {
    await start()
    const clients = Array.from({ length: 5 }, () => node.connect())
    const found = await Promise.all(clients.map((client) => client.send(FindCoordinator, 2, { key: 'g', keyType: 0 })))
    expect(found.map(({ errorCode, nodeId }) => [errorCode, nodeId])).to.deep.equal(clients.map(() => [0, 1]))
    await node.close()
    await start({ 'offsets.topic.replication.factor': '3' })
    for (let round = 0; round < 2; round++) {
      expect((await findCoordinator('g')).errorCode).to.equal(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    }
    expect(node.lines.filter(({ level, text }) => level === 'warn' && text.includes('__consumer_offsets'))).to.not.be
      .empty
  })

  it('answers who waits when it closes, and takes nobody in afterwards', async () => {
    await start()
    await node.topic('t')
    const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
    const fetch = node.connect().send(Fetch, 11, { maxWaitMs: 2 ** 31 - 1, minBytes: 1, topics })
    await node.close()
    expect((await fetch).responses[0]!.partitions[0]!.errorCode).to.equal(0)
    expect(node.connect().closed).to.equal(true)
    await node.close()
  })

  it('says once that a setting changes nothing here', async () => {
    await start({ 'num.network.threads': '9' })
    await node.topic('t')
    for (const value of ['10', '11']) {
      await node.alterBroker('num.io.threads', value)
      await node.alter('t', 'remote.copy.lag.ms', value)
      await node.alter('t', 'retention.ms', value)
    }
    const about = (name: string) => node.lines.filter(({ text }) => text.includes(name)).length
    expect(about('num.network.threads')).to.equal(1)
    expect(about('num.io.threads')).to.equal(1)
    expect(about('remote.copy.lag.ms')).to.equal(1)
    expect(about('retention.ms')).to.equal(0)
  })

  it('says what could not be auto-created in one line, however many names there are', async () => {
    await start()
    await node.topic('a_b')
    const names = (count: number, of: (i: number) => string) =>
      Array.from({ length: count }, (_, i) => ({ name: of(i) }))
    const before = node.lines.length
    const answer = await node.client.send(Metadata, 4, {
      topics: names(20_000, (i) => `x${i}`),
      allowAutoTopicCreation: true,
    })
    // As many partitions as no request may create.
    expect(new Set(answer.topics.map(({ errorCode }) => errorCode))).to.deep.equal(
      new Set([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]),
    )
    await node.client.send(Metadata, 4, { topics: [{ name: 'a.b' }], allowAutoTopicCreation: true })
    const lines = node.lines.slice(before)
    expect(lines.length).to.be.within(1, 3)
    for (const { text } of lines) expect(text.length).to.be.below(1000)
  })
})
