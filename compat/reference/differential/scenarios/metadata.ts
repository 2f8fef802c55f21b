import { CreateTopics, DeleteTopics, DescribeTopicPartitions, Metadata } from '../../../../protocol/index.js'
import { perVersion, scenario, versionsOf } from '../scenario.js'

/** Fields that exist from some version on; leaving them out of older requests keeps the values valid everywhere. */
function asked(version: number, names: string[], create = false) {
  const topics = names.map((name) => ({ name }))
  return version >= 4 ? { topics, allowAutoTopicCreation: create } : { topics }
}

perVersion('Metadata {v}: a topic of two partitions', versionsOf(Metadata), async (c, v) => {
  const { name } = await c.setUpTopic({ partitions: 2 })
  await c.send(Metadata, v, asked(v, [name]))
})

perVersion('Metadata {v}: an unknown topic', versionsOf(Metadata, 4), async (c, v) => {
  await c.send(Metadata, v, asked(v, [c.name('absent')]))
})

perVersion('Metadata {v}: an invalid topic name', versionsOf(Metadata), async (c, v) => {
  await c.send(Metadata, v, asked(v, ['not valid', '.', '', 'x'.repeat(250)]))
})

perVersion('Metadata {v}: no topics', versionsOf(Metadata, 1), async (c, v) => {
  await c.send(Metadata, v, { topics: [] })
})

perVersion('Metadata {v}: the same topic twice', [0, 5, 13], async (c, v) => {
  const { name } = await c.setUpTopic()
  await c.send(Metadata, v, asked(v, [name, name]))
})

perVersion('Metadata {v}: all topics have the one that was made', [0, 1, 9, 13], async (c, v) => {
  const { name } = await c.setUpTopic()
  const answer = await c.quiet(Metadata, v, { topics: v === 0 ? [] : null })
  c.note(
    'the topic',
    answer?.topics.filter((topic) => topic.name === name),
  )
})

perVersion('Metadata {v}: authorized operations', [8, 9, 10, 11, 12, 13], async (c, v) => {
  const { name } = await c.setUpTopic()
  const cluster = v <= 10 ? { includeClusterAuthorizedOperations: true } : {}
  const topics = [{ name }, { name: c.name('absent') }]
  await c.send(Metadata, v, {
    topics,
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: true,
    ...cluster,
  })
})

perVersion('Metadata {v}: by topic id', [10, 11, 12, 13], async (c, v) => {
  const { id } = await c.setUpTopic()
  const topics = [{ topicId: id, name: v >= 10 ? null : '' }]
  await c.send(Metadata, v, { topics, allowAutoTopicCreation: false })
})

perVersion('Metadata {v}: by an unknown topic id', [10, 12, 13], async (c, v) => {
  const topics = [{ topicId: 'AAAAAAAAAAAAAAAAAAAABA', name: null }]
  await c.send(Metadata, v, { topics, allowAutoTopicCreation: false })
})

perVersion('Metadata {v}: id and name both given, and a name alone beside them', [12, 13], async (c, v) => {
  const [a, b] = [await c.setUpTopic(), await c.setUpTopic()]
  const topics = [{ topicId: a.id, name: 'ignored' }, { name: b.name }]
  await c.send(Metadata, v, { topics, allowAutoTopicCreation: false })
})

perVersion('Metadata {v}: a topic that was deleted, by its old id', [12, 13], async (c, v) => {
  const { name, id } = await c.setUpTopic()
  await c.quiet(DeleteTopics, 5, { topicNames: [name], timeoutMs: 5000 })
  const topics = [{ topicId: id, name: null }]
  await c.sendUntil(
    Metadata,
    v,
    { topics, allowAutoTopicCreation: false },
    (answer) => answer.topics[0]?.errorCode !== 0,
  )
})

perVersion('Metadata {v}: makes a topic when asked to', [3, 4, 9, 13], async (c, v) => {
  const name = c.name('auto')
  await c.sendUntil(Metadata, v, asked(v, [name], true), (answer) => answer.topics[0]?.errorCode === 0)
})

perVersion('Metadata {v}: makes no invalid topic', [4, 13], async (c, v) => {
  await c.send(Metadata, v, asked(v, ['a/b'], true))
})

perVersion('DescribeTopicPartitions {v}', versionsOf(DescribeTopicPartitions), async (c, v) => {
  const { name } = await c.setUpTopic({ partitions: 3 })
  await c.send(DescribeTopicPartitions, v, { topics: [{ name }] })
})

scenario('DescribeTopicPartitions: unknown and invalid topics', async (c) => {
  await c.send(DescribeTopicPartitions, 0, { topics: [{ name: c.name('absent') }, { name: 'not valid' }] })
})

scenario('DescribeTopicPartitions: page by page', async (c) => {
  const { name } = await c.setUpTopic({ partitions: 5 })
  const first = await c.send(DescribeTopicPartitions, 0, { topics: [{ name }], responsePartitionLimit: 2 })
  const cursor = first?.nextCursor ?? null
  await c.send(DescribeTopicPartitions, 0, { topics: [{ name }], responsePartitionLimit: 2, cursor })
})

scenario('DescribeTopicPartitions: a cursor beyond the topics, and a negative one', async (c) => {
  const { name } = await c.setUpTopic({ partitions: 2 })
  for (const partitionIndex of [1, 7, -1]) {
    await c.send(DescribeTopicPartitions, 0, { topics: [{ name }], cursor: { topicName: name, partitionIndex } })
  }
})

scenario('Metadata: a topic made again has another id', async (c) => {
  const { name, id } = await c.setUpTopic()
  await c.quiet(DeleteTopics, 5, { topicNames: [name], timeoutMs: 5000 })
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  for (let i = 0; i < 100; i++) {
    const made = await c.quiet(CreateTopics, 7, { topics, timeoutMs: 5000, validateOnly: false })
    if (made?.topics[0]?.errorCode === 0) break
  }
  c.note('another id', (await c.setUpReady(name, 1)) !== id)
})
