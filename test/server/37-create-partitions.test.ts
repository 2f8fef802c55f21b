import { expect } from 'chai'
import { CreatePartitions, ErrorCode, Metadata, type RequestInput } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

type Topic = NonNullable<RequestInput<typeof CreatePartitions>['topics']>[number]

describe('server/37-create-partitions', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
  })
  after(() => broker.close())

  const grow = async (topics: Topic[], version = 3, validateOnly = false) => {
    const { results } = await broker.send(CreatePartitions, version, { topics, timeoutMs: 1000, validateOnly })
    return results.map(({ name, errorCode }) => [name, errorCode])
  }
  const partitionsOf = async (name: string) => {
    const { topics } = await broker.send(Metadata, 6, { topics: [{ name }], allowAutoTopicCreation: false })
    return topics[0]?.partitions.length
  }

  it('adds partitions in every version', async () => {
    await broker.topic('a')
    for (let version = 0; version <= 3; version++) {
      expect(await grow([{ name: 'a', count: version + 2, assignments: null }], version)).to.deep.equal([['a', 0]])
      expect(await partitionsOf('a')).to.equal(version + 2)
    }
  })

  it('refuses what would not be more, unknown topics, doubles', async () => {
    await broker.topic('b', 2)
    const topics = [
      { name: 'b', count: 2, assignments: null },
      { name: 'unknown', count: 2, assignments: null },
      { name: 'twice', count: 2, assignments: null },
      { name: 'twice', count: 3, assignments: null },
    ]
    expect(await grow(topics)).to.deep.equal([
      ['b', ErrorCode.INVALID_PARTITIONS],
      ['unknown', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['twice', ErrorCode.INVALID_REQUEST],
    ])
    expect(await grow([{ name: 'b', count: -1, assignments: null }])).to.deep.equal([
      ['b', ErrorCode.INVALID_PARTITIONS],
    ])
    expect(await grow([{ name: 'b', count: 10_003, assignments: null }])).to.deep.equal([
      ['b', ErrorCode.POLICY_VIOLATION],
    ])
  })

  it('takes assignments that hold', async () => {
    await broker.topic('c')
    const assigned = (count: number, ...brokers: number[][]) =>
      grow([{ name: 'c', count, assignments: brokers.map((brokerIds) => ({ brokerIds })) }])
    for (const bad of [[], [[1], [1]], [[]], [[9]], [[1, 1]]]) {
      expect(await assigned(2, ...bad)).to.deep.equal([['c', ErrorCode.INVALID_REPLICA_ASSIGNMENT]])
    }
    expect(await assigned(3, [1], [1])).to.deep.equal([['c', 0]])
  })

  it('only validates when asked to', async () => {
    await broker.topic('d')
    expect(await grow([{ name: 'd', count: 5, assignments: null }], 3, true)).to.deep.equal([['d', 0]])
    expect(await partitionsOf('d')).to.equal(1)
  })
})
