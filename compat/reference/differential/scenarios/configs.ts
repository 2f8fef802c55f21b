import {
  AlterConfigs,
  CreateTopics,
  DescribeConfigs,
  IncrementalAlterConfigs,
  ListConfigResources,
} from '../../../../protocol/index.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

const types = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 }

async function describe(c: Scene, v: number, type: number, name: string, keys: string[] | null, more: object = {}) {
  const resources = [{ resourceType: type, resourceName: name, configurationKeys: keys }]
  await c.send(DescribeConfigs, v, { resources, ...more })
}

const describeVersions = versionsOf(DescribeConfigs)

perVersion('DescribeConfigs {v}: all of a topic', describeVersions, async (c, v) => {
  const { name } = await c.setUpTopic({ configs: { 'retention.ms': '777', 'cleanup.policy': 'compact' } })
  await describe(c, v, types.topic, name, null)
})
perVersion('DescribeConfigs {v}: with synonyms', describeVersions, async (c, v) => {
  const { name } = await c.setUpTopic({ configs: { 'retention.ms': '777' } })
  await describe(c, v, types.topic, name, null, { includeSynonyms: true })
})
perVersion('DescribeConfigs {v}: with documentation', [3, 4], async (c, v) => {
  const { name } = await c.setUpTopic()
  await describe(c, v, types.topic, name, ['retention.ms'], { includeDocumentation: true })
})
perVersion('DescribeConfigs {v}: some, unknown and no keys', describeVersions, async (c, v) => {
  const { name } = await c.setUpTopic()
  await describe(c, v, types.topic, name, ['retention.ms', 'no.such.key'])
  await describe(c, v, types.topic, name, ['no.such.key'])
  const answer = await c.quiet(DescribeConfigs, v, {
    resources: [{ resourceType: types.topic, resourceName: name, configurationKeys: [] }],
  })
  c.note('with an empty list of keys', (answer?.results[0]?.configs.length ?? 0) > 0)
})
perVersion('DescribeConfigs {v}: resources that are not there', describeVersions, async (c, v) => {
  for (const [type, name] of [
    [types.topic, c.name('absent')],
    [types.topic, 'a b'],
    [types.topic, ''],
    [types.broker, '77'],
    [types.broker, 'x'],
    [0, 'x'],
    [99, 'x'],
    [-1, 'x'],
  ] as const) {
    await describe(c, v, type, name, ['retention.ms'])
  }
})
const brokerKeys = [
  'num.partitions',
  'log.retention.hours',
  'message.max.bytes',
  'auto.create.topics.enable',
  'log.cleanup.policy',
]
perVersion('DescribeConfigs {v}: of a broker', describeVersions, async (c, v) => {
  await describe(c, v, types.broker, '1', brokerKeys)
  await describe(c, v, types.broker, '1', brokerKeys, { includeSynonyms: true })
  await describe(c, v, types.broker, '', brokerKeys)
})
perVersion('DescribeConfigs {v}: of a group and of client metrics', describeVersions, async (c, v) => {
  await describe(c, v, types.group, c.name('group'), null)
  await describe(c, v, types.clientMetrics, c.name('metrics'), null)
})

async function alter(c: Scene, v: number, name: string, configs: Record<string, string | null>, validateOnly = false) {
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const resources = [{ resourceType: types.topic, resourceName: name, configs: entries }]
  await c.send(AlterConfigs, v, { resources, validateOnly })
}

async function settled(c: Scene, name: string, key: string, value: string): Promise<void> {
  const resources = [{ resourceType: types.topic, resourceName: name, configurationKeys: null }]
  await c.sendUntil(DescribeConfigs, 4, { resources }, (answer) =>
    (answer.results[0]?.configs ?? []).some((config) => config.name === key && config.value === value),
  )
}

perVersion('AlterConfigs {v}', versionsOf(AlterConfigs), async (c, v) => {
  const { name } = await c.setUpTopic({ configs: { 'retention.ms': '777', 'segment.bytes': '2000000' } })
  await alter(c, v, name, { 'retention.ms': '5' }, true)
  await alter(c, v, name, { 'max.message.bytes': '5000' })
  await settled(c, name, 'max.message.bytes', '5000')
  await alter(c, v, name, { 'no.such.key': '1' })
  await alter(c, v, name, { 'retention.ms': 'soon' })
  await alter(c, v, name, { 'retention.ms': null })
  await alter(c, v, name, { 'segment.bytes': '1' })
  await alter(c, v, c.name('absent'), { 'retention.ms': '1' })
  await alter(c, v, 'a b', { 'retention.ms': '1' })
  await alter(c, v, '', { 'retention.ms': '1' })
})

perVersion('AlterConfigs {v}: other resources', versionsOf(AlterConfigs), async (c, v) => {
  for (const [resourceType, resourceName] of [
    [types.broker, '77'],
    [types.broker, 'x'],
    [0, 'x'],
    [99, 'x'],
  ] as const) {
    const resources = [{ resourceType, resourceName, configs: [{ name: 'log.retention.ms', value: '1' }] }]
    await c.send(AlterConfigs, v, { resources, validateOnly: true })
  }
})

const op = { set: 0, remove: 1, append: 2, subtract: 3 }

interface Change {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

async function change(c: Scene, v: number, type: number, name: string, configs: Change[], validateOnly = false) {
  await c.send(IncrementalAlterConfigs, v, {
    resources: [{ resourceType: type, resourceName: name, configs }],
    validateOnly,
  })
}

const good: readonly (readonly [string, Change, string, string])[] = [
  ['set', { name: 'retention.ms', configOperation: op.set, value: '99' }, 'retention.ms', '99'],
  ['delete', { name: 'segment.bytes', configOperation: op.remove, value: null }, 'segment.bytes', '1073741824'],
  [
    'append',
    { name: 'cleanup.policy', configOperation: op.append, value: 'compact' },
    'cleanup.policy',
    'delete,compact',
  ],
  [
    'append what is there',
    { name: 'cleanup.policy', configOperation: op.append, value: 'delete' },
    'cleanup.policy',
    'delete',
  ],
  [
    'subtract what is not there',
    { name: 'cleanup.policy', configOperation: op.subtract, value: 'compact' },
    'cleanup.policy',
    'delete',
  ],
]
for (const [what, config, key, value] of good) {
  perVersion(`IncrementalAlterConfigs {v}: ${what}`, [0, 1], async (c, v) => {
    const { name } = await c.setUpTopic({ configs: { 'segment.bytes': '2000000', 'cleanup.policy': 'delete' } })
    await change(c, v, types.topic, name, [config])
    await settled(c, name, key, value)
  })
}

const bad: readonly (readonly [string, Change[]])[] = [
  ['set null', [{ name: 'retention.ms', configOperation: op.set, value: null }]],
  ['an unknown key', [{ name: 'no.such.key', configOperation: op.set, value: '1' }]],
  ['delete an unknown key', [{ name: 'no.such.key', configOperation: op.remove, value: null }]],
  ['append to what is no list', [{ name: 'retention.ms', configOperation: op.append, value: '1' }]],
  ['subtract from what is no list', [{ name: 'retention.ms', configOperation: op.subtract, value: '1' }]],
  ['append a bad member', [{ name: 'cleanup.policy', configOperation: op.append, value: 'shred' }]],
  ['a bad value', [{ name: 'retention.ms', configOperation: op.set, value: 'soon' }]],
  ['a key twice', [1, 2].map((n) => ({ name: 'retention.ms', configOperation: op.set, value: String(n) }))],
  ['an unknown operation', [{ name: 'retention.ms', configOperation: 9, value: '1' }]],
  ['nothing', []],
  ['an empty key', [{ name: '', configOperation: op.set, value: '1' }]],
]
for (const [what, configs] of bad) {
  perVersion(`IncrementalAlterConfigs {v}: ${what}`, [0, 1], async (c, v) => {
    const { name } = await c.setUpTopic()
    await change(c, v, types.topic, name, configs)
  })
}

perVersion('IncrementalAlterConfigs {v}: resources that are not there', [0, 1], async (c, v) => {
  const set = [{ name: 'retention.ms', configOperation: op.set, value: '1' }]
  for (const name of [c.name('absent'), 'a b', '']) await change(c, v, types.topic, name, set)
  for (const name of ['77', 'x']) await change(c, v, types.broker, name, set)
  for (const type of [0, 99]) await change(c, v, type, 'x', set)
})

perVersion('IncrementalAlterConfigs {v}: of a broker', [0, 1], async (c, v) => {
  const set = (name: string, value: string) => [{ name, configOperation: op.set, value }]
  await change(c, v, types.broker, '1', set('log.dirs', '/x'), true)
  await change(c, v, types.broker, '1', set('log.cleaner.threads', 'many'), true)
  await change(c, v, types.broker, '1', set('my.own.key', 'x'), true)
  await change(c, v, types.broker, '', set('log.retention.ms', '12345678'), true)
})

perVersion('IncrementalAlterConfigs {v}: a resource twice', [0, 1], async (c, v) => {
  const { name } = await c.setUpTopic()
  const configs = [{ name: 'retention.ms', configOperation: op.set, value: '1' }]
  const resources = [1, 2].map(() => ({ resourceType: types.topic, resourceName: name, configs }))
  await c.send(IncrementalAlterConfigs, v, { resources, validateOnly: false })
})

scenario('dynamic defaults of the brokers reach topics', async (c) => {
  const { name } = await c.setUpTopic()
  const change1 = (configOperation: number, value: string | null) => [
    { name: 'log.segment.bytes', configOperation, value },
  ]
  await change(c, 1, types.broker, '', change1(op.set, '3000000'))
  await settled(c, name, 'segment.bytes', '3000000')
  await change(c, 1, types.broker, '', change1(op.remove, null))
  await settled(c, name, 'segment.bytes', '1073741824')
})

scenario('CreateTopics with every config that a topic has', async (c) => {
  const all = await c.quiet(CreateTopics, 7, {
    topics: [{ name: c.name(), numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    validateOnly: true,
  })
  c.note('names', (all?.topics[0]?.configs ?? []).map((config) => config.name).sort())
})

perVersion('ListConfigResources {v}', versionsOf(ListConfigResources), async (c, v) => {
  const { name } = await c.setUpTopic()
  for (const resourceTypes of v === 0 ? [undefined] : [[], [2], [4], [8], [16], [32], [0], [99]]) {
    const answer = await c.quiet(ListConfigResources, v, resourceTypes === undefined ? {} : { resourceTypes })
    const configResources = answer?.configResources.filter((one) => one.resourceType !== 2 || one.resourceName === name)
    c.note(`types ${resourceTypes?.join()}`, answer === null ? 'closed' : { ...answer, configResources })
  }
})

perVersion('IncrementalAlterConfigs {v}: what a running broker takes', [0, 1], async (c, v) => {
  const values: Readonly<Record<string, readonly string[]>> = {
    'num.io.threads': ['4', '16', '3', '17', '0'],
    'background.threads': ['5', '20', '4', '21'],
    'log.cleaner.threads': ['2', '3', '0'],
    'num.network.threads': ['1', '6', '7'],
    'num.replica.fetchers': ['2', '3'],
    'log.cleaner.dedupe.buffer.size': ['1048576', '1048577'],
    'log.cleanup.policy': ['compact,compact', 'compact, delete'],
    'max.connections': ['0', '5'],
    'max.connections.per.ip': ['0', '5'],
    'max.connection.creation.rate': ['0', '5'],
    'leader.replication.throttled.rate': ['-1', '0', 'x'],
  }
  for (const [name, texts] of Object.entries(values)) {
    for (const value of texts) {
      for (const id of ['1', '']) await change(c, v, types.broker, id, [{ name, configOperation: op.set, value }], true)
    }
  }
  for (const value of ['*', '*,/x', '/x', '/x,/x', '']) {
    await change(c, v, types.broker, '1', [{ name: 'cordoned.log.dirs', configOperation: op.set, value }], true)
  }
})

perVersion('IncrementalAlterConfigs {v}: members of lists', [0, 1], async (c, v) => {
  const { name } = await c.setUpTopic()
  const lists = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas']
  for (const list of lists) {
    for (const value of ['*', '0:1,', ',', '0:1 , 1:2', '*,0:1', '0', '0:1:2']) {
      await change(c, v, types.topic, name, [{ name: list, configOperation: op.set, value }], true)
    }
  }
  for (const value of [' compact', ',', 'delete,', '', 'compact,compact']) {
    for (const configOperation of [op.append, op.subtract]) {
      await change(c, v, types.topic, name, [{ name: 'cleanup.policy', configOperation, value }], true)
    }
  }
})
