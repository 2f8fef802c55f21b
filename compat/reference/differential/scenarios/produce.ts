import { ListOffsets, Produce } from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'

interface TopicName {
  readonly name: string
  readonly id: string
}

/** One partition of one topic, by id from version 13 on. */
export function produceTo(v: number, topic: TopicName, records: Buffer | null, acks = -1, index = 0) {
  const partitionData = [{ index, records }]
  const data = v >= 13 ? { topicId: topic.id, partitionData } : { name: topic.name, partitionData }
  return { acks, timeoutMs: 5000, topicData: [data] }
}

export async function noteEnd(c: Scene, topic: TopicName): Promise<void> {
  const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  await c.send(ListOffsets, 7, { replicaId: -1, topics })
}

const versions = versionsOf(Produce)

perVersion('Produce {v}', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  await c.send(Produce, v, produceTo(v, topic, batch(['a', 'b'])))
  await c.send(Produce, v, produceTo(v, topic, batch(['c']), 1))
  await noteEnd(c, topic)
})

perVersion('Produce {v}: an unknown topic', versions, async (c, v) => {
  const absent = { name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' }
  await c.send(Produce, v, produceTo(v, absent, batch(['a'])))
})

perVersion('Produce {v}: an unknown partition', versions, async (c, v) => {
  const topic = await c.setUpTopic()
  await c.send(Produce, v, produceTo(v, topic, batch(['a']), -1, 5))
})

perVersion('Produce {v}: an invalid name, or the zero id', [3, 12, 13], async (c, v) => {
  await c.send(Produce, v, produceTo(v, { name: 'a b', id: 'AAAAAAAAAAAAAAAAAAAAAA' }, batch(['a'])))
})

for (const acks of [2, -2, 100]) {
  perVersion(`Produce {v}: acks=${acks}`, [3, 13], async (c, v) => {
    const topic = await c.setUpTopic()
    await c.send(Produce, v, produceTo(v, topic, batch(['a']), acks))
    await noteEnd(c, topic)
  })
}

perVersion('Produce {v}: one good and one bad partition', [3, 8, 12], async (c, v) => {
  const { name } = await c.setUpTopic()
  const partitionData = [
    { index: 0, records: batch(['a']) },
    { index: 3, records: batch(['b']) },
  ]
  await c.send(Produce, v, { acks: -1, timeoutMs: 5000, topicData: [{ name, partitionData }] })
})

perVersion('Produce {v}: no topics', [3, 13], async (c, v) => {
  await c.send(Produce, v, { acks: -1, timeoutMs: 5000, topicData: [] })
})

perVersion('Produce {v}: acks=0 has no answer', [3, 12, 13], async (c, v) => {
  const topic = await c.setUpTopic()
  const connection = await c.connect()
  connection.write(connection.frameOf(Produce, v, produceTo(v, topic, batch(['a']), 0)))
  const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  // The next answer on the connection is that of the next request.
  await c.sendOn(connection, ListOffsets, 1, { replicaId: -1, topics })
})

perVersion('Produce {v}: acks=0 to an unknown topic closes the connection', [3, 12, 13], async (c, v) => {
  const connection = await c.connect()
  const absent = { name: c.name('absent'), id: 'AAAAAAAAAAAAAAAAAAAABA' }
  connection.write(connection.frameOf(Produce, v, produceTo(v, absent, batch(['a']), 0)))
  c.noteOutcome('acks=0', await connection.next())
})

perVersion('Produce {v}: acks=0 with a corrupt batch closes the connection', [3, 13], async (c, v) => {
  const topic = await c.setUpTopic()
  const connection = await c.connect()
  const records = batch(['a'])
  records[records.length - 1]! ^= 1
  connection.write(connection.frameOf(Produce, v, produceTo(v, topic, records, 0)))
  c.noteOutcome('acks=0', await connection.next())
})

perVersion('Produce {v}: exactly max.message.bytes, and one byte more', [3, 13], async (c, v) => {
  const topic = await c.setUpTopic({ configs: { 'max.message.bytes': '200' } })
  const fits = batch(['x'.repeat(200 - batch(['']).length - 1)])
  for (const size of [fits.length, fits.length + 1, 201, 200]) {
    const records = batch(['x'.repeat(Math.max(0, size - batch(['']).length - 1))])
    c.note('size', records.length)
    await c.send(Produce, v, produceTo(v, topic, records))
  }
})

perVersion('Produce {v}: LogAppendTime', [3, 8, 13], async (c, v) => {
  const topic = await c.setUpTopic({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
  await c.send(Produce, v, produceTo(v, topic, batch(['a', 'b'])))
})

perVersion('Produce {v}: a compacted topic wants keys', [3, 8, 13], async (c, v) => {
  const topic = await c.setUpTopic({ configs: { 'cleanup.policy': 'compact' } })
  const { buildBatch } = await import('../../../../protocol/batch/index.js')
  await c.send(
    Produce,
    v,
    produceTo(v, topic, buildBatch([{ key: 'k', value: 'v' }, { value: 'none' }, { value: 'x' }])),
  )
  await c.send(Produce, v, produceTo(v, topic, buildBatch([{ key: '', value: 'empty' }])))
  await noteEnd(c, topic)
})

scenario('Produce v7: min.insync.replicas above the replicas', async (c) => {
  const topic = await c.setUpTopic({ configs: { 'min.insync.replicas': '2' } })
  await c.send(Produce, 7, produceTo(7, topic, batch(['a'])))
})

perVersion('Produce {v}: a transactional batch without a transactional id', [3, 11, 12, 13], async (c, v) => {
  const topic = await c.setUpTopic()
  const options = { transactional: true, producerId: 5, producerEpoch: 0, baseSequence: 0 }
  await c.send(Produce, v, produceTo(v, topic, batch(['a'], options)))
})
