import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { applyAll } from '../../lib/metadata/apply.js'
import { BrokerConfig, ConfigSource, configProblems } from '../../lib/metadata/broker-config.js'
import { type ConfigDef, type ConfigKind, configDefs } from '../../lib/metadata/config-defs.js'
import { canonicalText, parseConfig } from '../../lib/metadata/config-value.js'
import { honouredBrokerConfigs, ignoredTopicConfigs } from '../../lib/metadata/honoured.js'
import { emptyImage, type Image } from '../../lib/metadata/image.js'
import { profiles } from '../../lib/metadata/profiles.js'
import { effectiveTopicConfigs, TopicConfigs } from '../../lib/metadata/topic-config.js'

interface GoldenConfig {
  name: string
  type: string
  default?: string | null
  required?: boolean
  sensitive?: boolean
  internal?: boolean
  updateMode?: string
  synonyms?: string[]
  brokerSynonyms?: { name: string; factor?: number }[]
  brokerConfig?: string
  minBrokerConfig?: string
  maxBrokerConfig?: string
  valid?: Record<string, unknown>
}

const golden = JSON.parse(readFileSync('test/golden/configs.json', 'utf8')) as Record<ConfigKind, GoldenConfig[]>
const kinds: ConfigKind[] = [
  'broker',
  'topic',
  'group',
  'clientMetrics',
  'userAndClientQuota',
  'userScramAndQuota',
  'ipQuota',
  'brokerQuota',
]

function dynamic(image: Image, resourceType: number, resourceName: string, name: string, value: string | null): Image {
  return applyAll(image, [{ type: 'ConfigRecord', resourceType, resourceName, name, value }])
}

describe('metadata/config-defs', () => {
  for (const kind of kinds) {
    it(`has every ${kind} config of Apache Kafka as recorded`, () => {
      const defs = configDefs(kind)
      expect([...defs.names()]).to.deep.equal(golden[kind].map((config) => config.name))
      for (const config of golden[kind]) expectSame(defs.get(config.name)!, config, kind)
    })
  }

  it("accepts each of Kafka's own defaults", () => {
    for (const kind of kinds) {
      for (const def of configDefs(kind).all()) {
        if (def.defaultValue === null) continue
        if (def.rule?.kind === 'text' && def.defaultValue === '') continue
        expect(parseConfig(def, def.defaultValue).problem, `${kind} ${def.name}`).to.equal(null)
        if (kind !== 'broker') expect(canonicalText(def, def.defaultValue), def.name).to.equal(def.defaultValue)
      }
    }
  })

  it('knows every name that the code honours, ignores or overrides', () => {
    for (const name of honouredBrokerConfigs) expect(configDefs('broker').has(name), name).to.equal(true)
    for (const name of ignoredTopicConfigs) expect(configDefs('topic').has(name), name).to.equal(true)
    for (const profile of Object.values(profiles)) expect(configProblems(profile)).to.deep.equal([])
  })
})

function expectSame(def: ConfigDef, config: GoldenConfig, kind: ConfigKind): void {
  expect(def).to.include({
    name: config.name,
    type: config.type,
    defaultValue: config.default ?? null,
    internal: config.internal ?? false,
    required: config.required ?? false,
    minConfig: config.minBrokerConfig ?? null,
    maxConfig: config.maxBrokerConfig ?? null,
  })
  if (kind === 'broker') {
    expect(def.updateMode).to.equal(config.updateMode)
    expect(def.sensitive).to.equal((config.sensitive ?? false) || config.type === 'PASSWORD')
    expect(def.synonyms.map((s) => s.name)).to.deep.equal(config.synonyms ?? [config.name])
  }
  if (kind === 'topic') {
    const expected = (config.brokerSynonyms ?? []).map((s) => ({ name: s.name, factor: s.factor ?? 1 }))
    expect(def.synonyms).to.deep.equal(expected)
  }
  if (kind === 'group') expect(def.synonyms[0]?.name).to.equal(config.brokerConfig)
  const { valid } = config
  const { rule } = def
  expect(rule === null).to.equal(valid === undefined)
  if (rule?.kind === 'range') expect([rule.min, rule.max]).to.deep.equal([valid?.min ?? null, valid?.max ?? null])
  if (rule?.kind === 'in') expect(rule.values).to.deep.equal(valid?.in)
  if (rule?.kind === 'list') {
    expect(rule.members).to.deep.equal(valid?.in ?? [])
    expect([rule.emptyAllowed, rule.nullAllowed]).to.deep.equal([valid?.emptyAllowed, valid?.nullAllowed])
  }
}

describe('metadata/config-value', () => {
  const topic = (name: string, text: string) => parseConfig(configDefs('topic').get(name)!, text)

  it('reads each type and its bounds', () => {
    expect(topic('retention.ms', ' 100 ').value).to.equal(100)
    expect(topic('retention.ms', '-2').problem).to.include('at least -1')
    expect(topic('retention.ms', 'x').problem).to.include('whole number')
    expect(topic('segment.bytes', '99999999999').problem).to.include('between')
    expect(topic('preallocate', 'TRUE').value).to.equal(true)
    expect(topic('preallocate', 'yes').problem).to.be.a('string')
    expect(topic('cleanup.policy', 'compact, delete').value).to.deep.equal(['compact', 'delete'])
    expect(topic('cleanup.policy', '').value).to.deep.equal([])
    expect(topic('cleanup.policy', 'shrink').problem).to.include("'shrink'")
    expect(topic('compression.type', 'zip').problem).to.include('one of')
    expect(topic('compression.gzip.level', '0').problem).to.be.a('string')
    expect(topic('leader.replication.throttled.replicas', '0:1,1:2').problem).to.equal(null)
    for (const [text, ratio] of [
      ['.5', '0.5'],
      ['1e-1', '0.1'],
      ['0.5f', '0.5'],
      ['1d', '1.0'],
      ['1.', '1.0'],
    ] as const) {
      expect(topic('min.cleanable.dirty.ratio', text).problem, text).to.equal(null)
      expect(canonicalText(configDefs('topic').get('min.cleanable.dirty.ratio')!, text)).to.equal(ratio)
    }
    for (const text of ['0x1', '', 'NaN', '0b1', '1e', 'f'])
      expect(topic('min.cleanable.dirty.ratio', text).problem, text).to.be.a('string')
    for (const good of ['', ' * ', '0:1,', ',', '0:1 , 1:2'])
      expect(topic('leader.replication.throttled.replicas', good).problem, good).to.equal(null)
    for (const bad of ['0', '*,0:1', '0: 1', '0:1:2', '0:-1'])
      expect(topic('leader.replication.throttled.replicas', bad).problem, bad).to.be.a('string')
    expect(topic('min.cleanable.dirty.ratio', '1.5').problem).to.include('at most 1')
    expect(topic('flush.messages', '9223372036854775807').problem).to.equal(null)
    expect(topic('flush.messages', '9223372036854775808').problem).to.be.a('string')
  })

  it('writes values the way Java does', () => {
    const ratio = configDefs('topic').get('min.cleanable.dirty.ratio')!
    expect(canonicalText(ratio, '1')).to.equal('1.0')
    expect(canonicalText(configDefs('topic').get('retention.ms')!, ' +7')).to.equal('7')
    expect(canonicalText(configDefs('topic').get('cleanup.policy')!, 'compact , delete')).to.equal('compact,delete')
  })
})

describe('metadata/broker-config', () => {
  it('prefers dynamic for this broker, dynamic for all, static, default', () => {
    const config = new BrokerConfig({ brokerId: 1, values: { 'message.max.bytes': '10' } })
    expect(config.number('message.max.bytes')).to.equal(10)
    const changes: string[][] = []
    config.onChange((changed) => changes.push([...changed]))
    let image = dynamic(emptyImage('c'), 4, '', 'message.max.bytes', '20')
    config.applyImage(image)
    expect(config.number('message.max.bytes')).to.equal(20)
    image = dynamic(image, 4, '1', 'message.max.bytes', '30')
    config.applyImage(image)
    expect(config.number('message.max.bytes')).to.equal(30)
    config.applyImage(dynamic(image, 4, '1', 'message.max.bytes', null))
    expect(config.number('message.max.bytes')).to.equal(20)
    expect(changes).to.deep.equal([['message.max.bytes'], ['message.max.bytes'], ['message.max.bytes']])
    expect(config.number('num.partitions')).to.equal(1)
    expect(() => config.number('no.such.thing')).to.throw('no.such.thing')
  })

  it('names unknown names and bad values', () => {
    const problems = configProblems({
      'num.partitions': '0',
      nonsense: '1',
      'listener.name.a.ssl.keystore.type': 'JKS',
    })
    expect(problems.map((p) => p.name)).to.deep.equal(['num.partitions', 'nonsense'])
  })

  it('refuses a replica selector that is not there, as Kafka does when it cannot load the class', () => {
    const name = 'replica.selector.class'
    for (const value of ['', ' org.apache.kafka.common.replica.RackAwareReplicaSelector'])
      expect(configProblems({ [name]: value })).to.deep.equal([])
    const [found] = configProblems({ [name]: 'com.example.Nearest' })
    expect(found).to.include({ name })
    expect(found!.problem).to.match(
      /^replica\.selector\.class is 'com\.example\.Nearest'; .*RackAwareReplicaSelector\.$/,
    )
  })

  it('refuses times that would delete or roll every log at once, as Kafka does', () => {
    const bad = (values: Record<string, string>) => configProblems(values).map(({ name }) => name)
    for (const unit of ['hours', 'minutes', 'ms']) {
      expect(bad({ [`log.retention.${unit}`]: '0' })).to.deep.equal([`log.retention.${unit}`])
      expect(bad({ [`log.retention.${unit}`]: '-1' })).to.deep.equal([])
    }
    expect(bad({ 'log.retention.hours': '0', 'log.retention.ms': '1' })).to.deep.equal([])
    expect(bad({ 'log.roll.ms': '0' })).to.deep.equal(['log.roll.ms'])
    expect(bad({ 'log.roll.jitter.ms': '-1' })).to.deep.equal(['log.roll.jitter.ms'])
    expect(bad({ 'log.roll.ms': '1', 'log.roll.jitter.ms': '0' })).to.deep.equal([])
  })

  it('resolves what topics inherit once, until a value of the broker changes', () => {
    const config = new BrokerConfig({ brokerId: 1 })
    const nothing = new Map<string, string>()
    const before = effectiveTopicConfigs(nothing, config)
    expect(effectiveTopicConfigs(new Map(), config)).to.equal(before)
    const own = effectiveTopicConfigs(new Map([['retention.ms', '5']]), config)
    expect(own.filter((one, i) => one !== before[i]).map(({ def, text }) => [def.name, text])).to.deep.equal([
      ['retention.ms', '5'],
    ])
    config.applyImage(dynamic(emptyImage('c'), 4, '', 'log.retention.ms', '7'))
    const after = effectiveTopicConfigs(nothing, config)
    expect(after.find(({ def }) => def.name === 'retention.ms')!.text).to.equal('7')
    expect(before.find(({ def }) => def.name === 'retention.ms')!.text).to.equal('604800000')
  })

  it('resolves topic configs over hours and minutes, with sources', () => {
    const config = new BrokerConfig({ brokerId: 1, values: { 'log.retention.hours': '2' } })
    const find = (name: string) => effectiveTopicConfigs(new Map(), config).find((c) => c.def.name === name)!
    expect(find('retention.ms')).to.include({ text: '7200000', source: ConfigSource.STATIC_BROKER_CONFIG })
    expect(find('retention.ms').synonyms).to.deep.equal([])
    config.applyImage(dynamic(emptyImage('c'), 4, '', 'log.retention.ms', '5'))
    expect(find('retention.ms')).to.include({ text: '5', source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG })
    const own = effectiveTopicConfigs(new Map([['segment.bytes', '2000000']]), config)
    const segment = own.find((c) => c.def.name === 'segment.bytes')
    expect(segment?.synonyms.map((s) => [s.name, s.value, s.source])).to.deep.equal([
      ['segment.bytes', '2000000', 1],
      ['log.segment.bytes', '1073741824', 5],
    ])
    expect(own.map((c) => c.def.name)).to.have.length(37)
  })

  it('keeps parsed topic configs until something behind them changes', () => {
    const config = new BrokerConfig({ brokerId: 1 })
    const configs = new TopicConfigs(config)
    let image = emptyImage('c')
    const first = configs.of(image, 'a')
    expect(first.number('max.message.bytes')).to.equal(1048588)
    expect(configs.of(image, 'a')).to.equal(first)
    image = dynamic(image, 2, 'a', 'max.message.bytes', '7')
    expect(configs.of(image, 'a').number('max.message.bytes')).to.equal(7)
    image = dynamic(image, 4, '', 'log.retention.ms', '9')
    config.applyImage(image)
    expect(configs.of(image, 'a').number('retention.ms')).to.equal(9)
  })
})
