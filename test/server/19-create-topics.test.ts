import { expect } from 'chai'
import { CreateTopics, ErrorCode, type RequestInput, ZERO_UUID } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

type NewTopic = NonNullable<RequestInput<typeof CreateTopics>['topics']>[number]

describe('server/19-create-topics', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start()
  })
  after(() => broker.close())

  const create = async (version: number, topics: NewTopic[], validateOnly = false) => {
    const { topics: results } = await broker.send(CreateTopics, version, { topics, timeoutMs: 1000, validateOnly })
    return results
  }
  const topic = (name: string, more: NewTopic = {}): NewTopic => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...more,
  })
  const errorOf = async (more: NewTopic, name = 'never') => (await create(5, [topic(name, more)]))[0]?.errorCode

  it('creates in every version, and says the defaults that were taken (details 14)', async () => {
    for (let version = 2; version <= 7; version++) {
      const [created] = await create(version, [topic(`v${version}`, { numPartitions: -1, replicationFactor: -1 })])
      expect(created).to.include({ name: `v${version}`, errorCode: 0, errorMessage: null })
      expect(created?.numPartitions).to.equal(version < 5 ? -1 : 1)
      expect(created?.replicationFactor).to.equal(version < 5 ? -1 : 1)
      expect(created?.topicId === ZERO_UUID).to.equal(version < 7)
    }
  })

  it('lists all configs with their sources from v5 on (behaviours 69, 74)', async () => {
    const [created] = await create(7, [topic('configured', { configs: [{ name: 'retention.ms', value: '5' }] })])
    expect(created?.configs).to.have.length(37)
    const find = (name: string) => created?.configs?.find((config) => config.name === name)
    expect(find('retention.ms')).to.include({ value: '5', configSource: 1, readOnly: false, isSensitive: false })
    expect(find('min.insync.replicas')).to.include({ value: '1', configSource: 3 })
    expect(find('segment.ms')).to.include({ value: '604800000', configSource: 5 })
    const [failed] = await create(7, [topic('configured')])
    expect(failed).to.deep.include({ numPartitions: -1, replicationFactor: -1, configs: [] })
  })

  it('refuses counts and factors (behaviour 63)', async () => {
    for (const numPartitions of [0, -2]) expect(await errorOf({ numPartitions })).to.equal(ErrorCode.INVALID_PARTITIONS)
    for (const replicationFactor of [0, -2, 2]) {
      expect(await errorOf({ replicationFactor })).to.equal(ErrorCode.INVALID_REPLICATION_FACTOR)
    }
  })

  it('refuses more than 10000 partitions at once (behaviour 64)', async () => {
    const results = await create(5, [topic('big', { numPartitions: 9_999 }), topic('two', { numPartitions: 2 })])
    expect(results.map(({ errorCode }) => errorCode)).to.deep.equal([44, 44])
    expect(await errorOf({ numPartitions: 2 ** 31 - 1 })).to.equal(ErrorCode.POLICY_VIOLATION)
  })

  it('answers doubles once and existing ones first (behaviour 65)', async () => {
    const results = await create(5, [topic('twice'), topic('once'), topic('twice')])
    expect(results.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ['once', 0],
      ['twice', ErrorCode.INVALID_REQUEST],
    ])
    const bad = { numPartitions: 0, configs: [{ name: 'nonsense', value: '1' }] }
    expect(await errorOf(bad, 'once')).to.equal(ErrorCode.TOPIC_ALREADY_EXISTS)
  })

  it('takes manual assignments that hold (behaviour 66)', async () => {
    const manual = (assignments: NewTopic['assignments'], more: NewTopic = {}) =>
      errorOf({ numPartitions: -1, replicationFactor: -1, assignments: assignments ?? [], ...more })
    const good = [{ partitionIndex: 0, brokerIds: [1] }]
    expect(await manual(good, { replicationFactor: 1 })).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await manual(good, { numPartitions: 1 })).to.equal(ErrorCode.INVALID_REQUEST)
    const bad = [
      [{ partitionIndex: 0, brokerIds: [9] }],
      [{ partitionIndex: 0, brokerIds: [1, 1] }],
      [{ partitionIndex: 0, brokerIds: [] }],
      [{ partitionIndex: 1, brokerIds: [1] }],
      [{ partitionIndex: 2_000_000_000, brokerIds: [1] }],
      [{ partitionIndex: -1, brokerIds: [1] }],
      [...good, ...good],
    ]
    for (const assignments of bad) expect(await manual(assignments)).to.equal(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    const several = [{ partitionIndex: 1, brokerIds: [1] }, ...good]
    const [created] = await create(5, [
      topic('manual', { numPartitions: -1, replicationFactor: -1, assignments: several }),
    ])
    expect(created).to.include({ errorCode: 0, numPartitions: 2, replicationFactor: 1 })
  })

  it('refuses names (behaviours 18, 67)', async () => {
    await create(5, [topic('a_b')])
    for (const name of ['a.b', '', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(250)]) {
      expect(await errorOf({}, name), name).to.equal(ErrorCode.INVALID_TOPIC_EXCEPTION)
    }
    expect(await errorOf({}, '__cluster_metadata')).to.equal(ErrorCode.INVALID_REQUEST)
    const both = await create(5, [topic('c.d'), topic('c_d')])
    expect(both.map(({ errorCode }) => errorCode)).to.deep.equal([0, 0])
    expect(await errorOf({}, 'x'.repeat(249))).to.equal(0)
  })

  it('checks configs (behaviour 68)', async () => {
    const withConfigs = (...configs: [string, string | null][]) =>
      errorOf({ configs: configs.map(([name, value]) => ({ name, value })) }, `configs-${configs.join('-').length}`)
    expect(await withConfigs(['nonsense', '1'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await withConfigs(['retention.ms', 'soon'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await withConfigs(['retention.ms', null])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await withConfigs(['remote.storage.enable', 'true'])).to.equal(ErrorCode.INVALID_CONFIG)
    expect(await withConfigs(['cleanup.policy', ''])).to.equal(ErrorCode.NONE)
    const configs = [
      { name: 'retention.ms', value: '1' },
      { name: 'retention.ms', value: '2' },
    ]
    const [created] = await create(5, [topic('last-wins', { configs })])
    expect(created?.configs?.find(({ name }) => name === 'retention.ms')?.value).to.equal('2')
  })

  it('only validates when asked to', async () => {
    const [checked] = await create(7, [topic('dry')], true)
    expect(checked).to.include({ errorCode: 0, numPartitions: 1 })
    const [created] = await create(7, [topic('dry')])
    expect(created?.errorCode).to.equal(0)
    expect((await create(7, [topic('dry')], true))[0]?.errorCode).to.equal(ErrorCode.TOPIC_ALREADY_EXISTS)
  })
})
