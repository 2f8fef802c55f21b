import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  ListOffsets,
  Metadata,
  Produce,
} from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

interface NewTopic {
  name: string
  numPartitions?: number
  replicationFactor?: number
  assignments?: { partitionIndex: number; brokerIds: number[] }[]
  configs?: { name: string; value: string | null }[]
}

async function create(c: Scene, v: number, topics: NewTopic[], validateOnly = false) {
  const full = topics.map((topic) => ({
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...topic,
  }))
  await c.send(CreateTopics, v, { topics: full, timeoutMs: 10_000, validateOnly })
}

const versions = versionsOf(CreateTopics)

perVersion('CreateTopics {v}', versions, (c, v) => create(c, v, [{ name: c.name(), numPartitions: 3 }]))
perVersion('CreateTopics {v}: with the defaults', versions, (c, v) =>
  create(c, v, [{ name: c.name(), numPartitions: -1, replicationFactor: -1 }]),
)
perVersion('CreateTopics {v}: with configs', versions, (c, v) =>
  create(c, v, [{ name: c.name(), configs: [{ name: 'retention.ms', value: '1234' }] }]),
)
perVersion('CreateTopics {v}: only validated', versions, (c, v) => create(c, v, [{ name: c.name() }], true))
perVersion('CreateTopics {v}: one that exists', versions, async (c, v) => {
  const { name } = await c.setUpTopic()
  await create(c, v, [{ name, numPartitions: 0 }])
})

const refused: readonly (readonly [string, (c: Scene) => NewTopic[]])[] = [
  ['no partitions', (c) => [{ name: c.name(), numPartitions: 0 }]],
  ['-2 partitions', (c) => [{ name: c.name(), numPartitions: -2 }]],
  ['no replicas', (c) => [{ name: c.name(), replicationFactor: 0 }]],
  ['-2 replicas', (c) => [{ name: c.name(), replicationFactor: -2 }]],
  ['more replicas than brokers', (c) => [{ name: c.name(), replicationFactor: 5 }]],
  ['more than 10000 partitions', (c) => [{ name: c.name(), numPartitions: 10_001 }]],
  ['an empty name', () => [{ name: '' }]],
  ['dots for a name', () => [{ name: '.' }, { name: '..' }]],
  ['a slash in the name', () => [{ name: 'a/b' }]],
  ['a name of 250 characters', () => [{ name: 'n'.repeat(250) }]],
  ['a name of 249 characters', (c) => [{ name: `${c.name()}${'n'.repeat(249 - c.name().length)}` }]],
  ['the metadata topic', () => [{ name: '__cluster_metadata' }]],
  [
    'the same name twice, beside another',
    (c) => {
      const name = c.name()
      return [{ name }, { name }, { name: c.name() }]
    },
  ],
  ['an unknown config', (c) => [{ name: c.name(), configs: [{ name: 'no.such.key', value: '1' }] }]],
  ['a config that is no number', (c) => [{ name: c.name(), configs: [{ name: 'retention.ms', value: 'soon' }] }]],
  ['a config out of bounds', (c) => [{ name: c.name(), configs: [{ name: 'segment.bytes', value: '1' }] }]],
  ['a null config', (c) => [{ name: c.name(), configs: [{ name: 'retention.ms', value: null }] }]],
  ['a cleanup policy that is none', (c) => [{ name: c.name(), configs: [{ name: 'cleanup.policy', value: 'shred' }] }]],
  ['an empty cleanup policy', (c) => [{ name: c.name(), configs: [{ name: 'cleanup.policy', value: '' }] }]],
  [
    'a config twice',
    (c) => [{ name: c.name(), configs: ['1', '2'].map((value) => ({ name: 'retention.ms', value })) }],
  ],
  ['one bad beside one good', (c) => [{ name: c.name() }, { name: 'a b' }]],
  ['no topics', () => []],
]
for (const [what, topics] of refused) perVersion(`CreateTopics {v}: ${what}`, [2, 7], (c, v) => create(c, v, topics(c)))

const assignments: readonly (readonly [string, Partial<NewTopic>])[] = [
  [
    'good',
    {
      assignments: [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 1, brokerIds: [1] },
      ],
    },
  ],
  ['with a replication factor', { replicationFactor: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
  ['with a partition count', { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
  ['unknown broker', { assignments: [{ partitionIndex: 0, brokerIds: [99] }] }],
  ['broker twice', { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }],
  ['hole', { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }],
  ['no brokers', { assignments: [{ partitionIndex: 0, brokerIds: [] }] }],
]
for (const [what, topic] of assignments) {
  perVersion(`CreateTopics {v}: assignment, ${what}`, [2, 7], (c, v) =>
    create(c, v, [{ name: c.name(), numPartitions: -1, replicationFactor: -1, ...topic }]),
  )
}

perVersion('CreateTopics {v}: names that collide', [2, 7], async (c, v) => {
  const base = c.name().replace('.', '')
  await create(c, v, [{ name: `${base}.x` }])
  await create(c, v, [{ name: `${base}_x` }])
})

const byName = (v: number, names: string[]) =>
  v >= 6 ? { topics: names.map((name) => ({ name })), timeoutMs: 5000 } : { topicNames: names, timeoutMs: 5000 }

perVersion('DeleteTopics {v}', versionsOf(DeleteTopics), async (c, v) => {
  const { name } = await c.setUpTopic()
  await c.send(DeleteTopics, v, byName(v, [name]))
  await c.sendUntil(
    Metadata,
    5,
    { topics: [{ name }], allowAutoTopicCreation: false },
    (answer) => answer.topics[0]?.errorCode !== 0,
  )
})
perVersion('DeleteTopics {v}: unknown and invalid', versionsOf(DeleteTopics), async (c, v) => {
  await c.send(DeleteTopics, v, byName(v, [c.name('absent'), 'a b']))
})
perVersion('DeleteTopics {v}: twice the same', [1, 6], async (c, v) => {
  const { name } = await c.setUpTopic()
  await c.send(DeleteTopics, v, byName(v, [name, name]))
})
scenario('DeleteTopics v6: by id, by an unknown id, id with name, neither', async (c) => {
  const { name, id } = await c.setUpTopic()
  await c.send(DeleteTopics, 6, { topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAABA' }], timeoutMs: 5000 })
  await c.send(DeleteTopics, 6, { topics: [{ topicId: id, name }], timeoutMs: 5000 })
  await c.send(DeleteTopics, 6, { topics: [{}], timeoutMs: 5000 })
  await c.send(DeleteTopics, 6, { topics: [{ topicId: id }], timeoutMs: 5000 })
})

interface MorePartitions {
  count: number
  assignments?: { brokerIds: number[] }[] | null
}
async function grow(c: Scene, v: number, name: string, more: MorePartitions, validateOnly = false) {
  await c.send(CreatePartitions, v, { topics: [{ name, assignments: null, ...more }], timeoutMs: 5000, validateOnly })
}
perVersion('CreatePartitions {v}', versionsOf(CreatePartitions), async (c, v) => {
  const { name } = await c.setUpTopic({ partitions: 2 })
  await grow(c, v, name, { count: 4 }, true)
  for (const count of [1, 2, 0, -1, 10_003]) await grow(c, v, name, { count })
  await grow(c, v, name, { count: 3, assignments: [{ brokerIds: [1] }] })
  await grow(c, v, name, { count: 5 })
  await grow(c, v, name, { count: 6, assignments: [{ brokerIds: [99] }] })
  await grow(c, v, name, { count: 6, assignments: [] })
  await grow(c, v, c.name('absent'), { count: 6 })
})
perVersion('CreatePartitions {v}: the same topic twice', [0, 3], async (c, v) => {
  const { name } = await c.setUpTopic()
  const topics = [3, 4].map((count) => ({ name, count, assignments: null }))
  await c.send(CreatePartitions, v, { topics, timeoutMs: 5000, validateOnly: false })
})

perVersion('DeleteRecords {v}', versionsOf(DeleteRecords), async (c, v) => {
  const { name } = await c.setUpTopic()
  const records = batch(['a', 'b', 'c', 'd'])
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  await c.quiet(Produce, 7, { acks: -1, timeoutMs: 5000, topicData })
  for (const offset of [2, 1, 9, -2, -1]) {
    const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
    await c.send(DeleteRecords, v, { topics, timeoutMs: 5000 })
    const listed = [{ name, partitions: [{ partitionIndex: 0, timestamp: -2 }] }]
    await c.send(ListOffsets, 7, { replicaId: -1, topics: listed })
  }
  const partitions = [{ partitionIndex: 7, offset: 0 }]
  await c.send(DeleteRecords, v, { topics: [{ name, partitions }], timeoutMs: 5000 })
  await c.send(DeleteRecords, v, { topics: [{ name: c.name('absent'), partitions }], timeoutMs: 5000 })
})
