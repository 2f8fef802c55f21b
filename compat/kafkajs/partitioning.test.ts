import { expect } from 'chai'
import { Partitioners } from 'kafkajs'
import { closeAll, connectedAdmin, connectedProducer, createTopic, eventually, numbered, readAll } from './support.js'

const keys = Array.from({ length: 40 }, (_, i) => `m${i}`)

describe('kafkajs partitioners', () => {
  afterEach(closeAll)

  const partitioners = [
    ['the default (murmur2) partitioner', Partitioners.DefaultPartitioner],
    ['the legacy partitioner', Partitioners.LegacyPartitioner],
  ] as const
  for (const [name, createPartitioner] of partitioners) {
    it(`keeps one key on one partition with ${name}`, async () => {
      const topic = await createTopic(4)
      const producer = await connectedProducer({ createPartitioner })
      for (let round = 0; round < 3; round++) await producer.send({ topic, messages: numbered(keys.length) })
      const records = await readAll(topic, 3 * keys.length)
      const partitions = new Map<string, Set<number>>()
      for (const record of records) {
        partitions.set(record.key!, (partitions.get(record.key!) ?? new Set()).add(record.partition))
      }
      expect([...partitions.keys()].sort()).to.deep.equal([...keys].sort())
      expect([...partitions.values()].every((seen) => seen.size === 1)).to.equal(true)
      expect(new Set(records.map((record) => record.partition)).size).to.equal(4)
    })
  }

  it('spreads records without a key over all partitions', async () => {
    const topic = await createTopic(4)
    const producer = await connectedProducer()
    await producer.send({ topic, messages: Array.from({ length: 40 }, (_, i) => ({ value: `n${i}` })) })
    const records = await readAll(topic, 40)
    const counts = [0, 1, 2, 3].map((partition) => records.filter((record) => record.partition === partition).length)
    expect(counts).to.deep.equal([10, 10, 10, 10])
  })

  it('obeys a partition named in the message and a partitioner of the user', async () => {
    const topic = await createTopic(3)
    const producer = await connectedProducer({
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? Number(message.value!.toString()) % 3,
    })
    const messages = [{ value: '0' }, { value: '1' }, { value: '2' }, { value: '4' }, { value: '0', partition: 2 }]
    await producer.send({ topic, messages })
    const records = await readAll(topic, 5)
    expect(records.map(({ partition, value }) => `${partition}:${value}`)).to.have.members([
      '0:0',
      '1:1',
      '1:4',
      '2:2',
      '2:0',
    ])
  })

  it('sees partitions that were added after its first metadata', async () => {
    const topic = await createTopic(1)
    const admin = await connectedAdmin()
    const producer = await connectedProducer({ metadataMaxAge: 20 })
    await producer.send({ topic, messages: [{ value: 'before' }] })
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await eventually('a record on the new partition', async () => {
      const answers = await producer.send({ topic, messages: [{ value: 'after', partition: 2 }] })
      return answers[0]?.partition === 2
    })
  })
})
