import { expect } from 'chai'
import { DescribeConfigs, ErrorCode, IncrementalAlterConfigs, type RequestInput } from '../../protocol/index.js'
import { AdminBroker } from '../support/admin-broker.js'

type Request = RequestInput<typeof DescribeConfigs>
const TOPIC = 2
const BROKER = 4

describe('server/32-describe-configs', () => {
  let broker: AdminBroker
  before(async () => {
    broker = await AdminBroker.start({
      profile: 'kafka',
      config: { 'ssl.keystore.password': 'secret', 'log.roll.hours': 2 },
    })
    await broker.topic('t', 1, { 'segment.bytes': '2000000', 'cleanup.policy': 'compact, delete' })
  })
  after(() => broker.close())

  const describeOne = async (
    resourceType: number,
    resourceName: string,
    configurationKeys: string[] | null = null,
    options: Request = {},
    version = 4,
  ) => {
    const { results } = await broker.send(DescribeConfigs, version, {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: true,
      ...options,
    })
    const [result] = results
    if (result === undefined) throw new Error('no result')
    return { ...result, find: (name: string) => result.configs.find((config) => config.name === name) }
  }
  const errorOf = async (type: number, name: string) => (await describeOne(type, name)).errorCode

  it('shows the rates of replication that are set', async () => {
    const name = 'leader.replication.throttled.rate'
    const set = async (resourceName: string, configOperation: number, value: string | null) => {
      const resources = [{ resourceType: BROKER, resourceName, configs: [{ name, configOperation, value }] }]
      const { responses } = await broker.send(IncrementalAlterConfigs, 1, { resources })
      expect(responses[0]!.errorCode).to.equal(ErrorCode.NONE)
    }
    expect((await describeOne(BROKER, '1')).find(name)).to.equal(undefined)
    await set('', 0, '5000')
    await set('1', 0, '1000')
    const shown = { isSensitive: false, readOnly: false, configType: 5 }
    expect((await describeOne(BROKER, '1')).find(name)).to.deep.include({
      ...shown,
      value: '1000',
      synonyms: [
        { name, value: '1000', source: 2 },
        { name, value: '5000', source: 3 },
      ],
    })
    expect((await describeOne(BROKER, '')).find(name)).to.deep.include({ ...shown, value: '5000' })
    for (const id of ['', '1']) await set(id, 1, null)
  })

  it('shows a topic over its broker, in every version (behaviours 72, 74)', async () => {
    for (let version = 1; version <= 4; version++) {
      const result = await describeOne(TOPIC, 't', null, {}, version)
      expect(result).to.include({ errorCode: 0, errorMessage: '', resourceName: 't', resourceType: TOPIC })
      expect(result.configs).to.have.length(37)
      expect(result.find('segment.bytes')).to.deep.include({
        value: '2000000',
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [
          { name: 'segment.bytes', value: '2000000', source: 1 },
          { name: 'log.segment.bytes', value: '1073741824', source: 5 },
        ],
        configType: version < 3 ? 0 : 3,
      })
      expect(result.find('cleanup.policy')?.value).to.equal('compact,delete')
      expect(result.find('min.insync.replicas')).to.deep.include({
        value: '1',
        configSource: 3,
        synonyms: [
          { name: 'min.insync.replicas', value: '1', source: 3 },
          { name: 'min.insync.replicas', value: '1', source: 5 },
        ],
      })
      expect(result.find('segment.ms')?.value).to.equal('7200000')
    }
  })

  it('leaves out unknown keys, and takes an empty list for all (behaviour 72, details 14)', async () => {
    const some = await describeOne(TOPIC, 't', ['retention.ms', 'nonsense'])
    expect(some.configs.map(({ name }) => name)).to.deep.equal(['retention.ms'])
    expect((await describeOne(TOPIC, 't', [])).configs).to.have.length(37)
    const bare = await describeOne(TOPIC, 't', ['segment.bytes'], {
      includeSynonyms: false,
      includeDocumentation: true,
    })
    expect(bare.configs[0]?.synonyms).to.deep.equal([])
    expect(bare.configs[0]?.documentation).to.be.a('string')
    expect(some.configs[0]?.documentation).to.equal(null)
  })

  it('says what is wrong with a resource (behaviour 73)', async () => {
    expect(await errorOf(TOPIC, 'unknown')).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await errorOf(TOPIC, 'a/b')).to.equal(ErrorCode.INVALID_TOPIC_EXCEPTION)
    for (const name of ['2', 'one']) expect(await errorOf(BROKER, name)).to.equal(ErrorCode.INVALID_REQUEST)
    expect(await errorOf(77, 'x')).to.equal(ErrorCode.INVALID_REQUEST)
    for (const type of [8, 16, 32]) expect(await errorOf(type, '')).to.equal(ErrorCode.INVALID_REQUEST)
    const resources = [
      { resourceType: TOPIC, resourceName: 't', configurationKeys: null },
      { resourceType: 77, resourceName: 'x', configurationKeys: null },
    ]
    const { results } = await broker.send(DescribeConfigs, 4, { resources })
    expect(results.map(({ errorCode }) => errorCode)).to.deep.equal([42, 42])
  })

  it('describes groups and subscriptions that nobody set with defaults (behaviour 73)', async () => {
    const group = await describeOne(32, 'any')
    expect(group.configs).to.have.length(21)
    expect(group.find('consumer.session.timeout.ms')).to.deep.include({
      value: '45000',
      configSource: 5,
      synonyms: [{ name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 }],
    })
    const metrics = await describeOne(16, 'any')
    expect(metrics.configs.map(({ name, value }) => [name, value])).to.deep.equal([
      ['interval.ms', '300000'],
      ['match', ''],
      ['metrics', ''],
    ])
  })

  it('describes this broker, hides secrets, shows what is set for all', async () => {
    const mine = await describeOne(BROKER, '1')
    expect(mine.find('num.partitions')).to.include({ value: '1', readOnly: true, configSource: 5 })
    expect(mine.find('log.roll.hours')).to.include({ value: '2', configSource: 4 })
    expect(mine.find('background.threads')).to.include({ readOnly: false })
    expect(mine.find('node.id')).to.include({ value: '1', configSource: 4 })
    expect(mine.find('ssl.keystore.password')).to.deep.include({
      value: null,
      isSensitive: true,
      synonyms: [{ name: 'ssl.keystore.password', value: null, source: 4 }],
    })
    expect(mine.find('unstable.api.versions.enable')).to.equal(undefined)
    const all = await describeOne(BROKER, '')
    expect(all.configs.map(({ name, value, configSource }) => [name, value, configSource])).to.deep.equal([
      ['min.insync.replicas', '1', 3],
    ])
  })

  it('answers so much and no more: a small request cannot ask for gigabytes', async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `g${i}`)
    const resources = names.map((resourceName) => ({ resourceType: 32, resourceName, configurationKeys: ['none'] }))
    const { results } = await broker.send(DescribeConfigs, 4, { resources })
    const refused = results.filter(({ errorCode }) => errorCode === ErrorCode.INVALID_REQUEST)
    // A group has 21 configs, and 400,000 are looked at.
    expect(results.length - refused.length).to.equal(Math.ceil(400_000 / 21))
    expect(refused[0]?.errorMessage).to.include('too large')
  })

  it('dynamic broker defaults reach topics (behaviour 78)', async () => {
    await broker.send(IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: BROKER,
          resourceName: '',
          configs: [{ name: 'log.retention.ms', configOperation: 0, value: '7' }],
        },
      ],
    })
    expect((await describeOne(TOPIC, 't')).find('retention.ms')).to.deep.include({
      value: '7',
      configSource: 3,
      synonyms: [
        { name: 'log.retention.ms', value: '7', source: 3 },
        { name: 'log.retention.hours', value: '168', source: 5 },
      ],
    })
  })

  it('a topic tells where its value comes from now, also when the value is the same', async () => {
    await broker.topic('same')
    const ofTopic = async () => (await describeOne(TOPIC, 'same', ['max.message.bytes'])).find('max.message.bytes')
    const name = 'message.max.bytes'
    const behind = { name, value: '1048588', source: 5 }
    expect(await ofTopic()).to.deep.include({ value: '1048588', configSource: 5, synonyms: [behind] })
    const set = (configOperation: number, value: string | null) =>
      broker.send(IncrementalAlterConfigs, 1, {
        resources: [{ resourceType: BROKER, resourceName: '', configs: [{ name, configOperation, value }] }],
      })
    await set(0, '1048588')
    expect(await ofTopic()).to.deep.include({ configSource: 3, synonyms: [{ ...behind, source: 3 }, behind] })
    await set(1, null)
    expect(await ofTopic()).to.deep.include({ configSource: 5, synonyms: [behind] })
  })
})
