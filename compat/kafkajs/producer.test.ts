import { expect } from 'chai'
import {
  closeAll,
  connectedProducer,
  createTopic,
  eventually,
  numbered,
  produce,
  readAll,
  unique,
  values,
} from './support.js'

describe('kafkajs producer', () => {
  afterEach(closeAll)

  for (const acks of [0, 1, -1]) {
    it(`writes with acks=${acks}`, async () => {
      const topic = await createTopic()
      const producer = await connectedProducer()
      const answers = await producer.send({ topic, acks, messages: numbered(3) })
      if (acks === 0) expect(answers).to.satisfy((got: unknown[]) => got.every((answer) => answer === undefined))
      else expect(answers[0]).to.include({ topicName: topic, partition: 0, errorCode: 0, baseOffset: '0' })
      expect(values(await readAll(topic, 3))).to.deep.equal(['m0', 'm1', 'm2'])
    })
  }

  it('answers with the offset of the first record of every send', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer()
    const offsets: unknown[] = []
    for (const count of [1, 4, 2]) {
      const [answer] = await producer.send({ topic, messages: numbered(count) })
      offsets.push(answer?.baseOffset)
    }
    expect(offsets).to.deep.equal(['0', '1', '5'])
  })

  it('keeps headers: strings, buffers, several values of one name, empty ones', async () => {
    const topic = await createTopic()
    const headers = { text: 'añb', bytes: Buffer.from([0, 255, 1]), many: ['1', Buffer.from('2')], empty: '' }
    await produce(topic, [{ value: 'v', headers }])
    const [record] = await readAll(topic, 1)
    const got = record!.message.headers!
    expect(got.text?.toString()).to.equal('añb')
    expect(got.bytes).to.deep.equal(Buffer.from([0, 255, 1]))
    expect((got.many as Buffer[]).map(String)).to.deep.equal(['1', '2'])
    expect(got.empty?.toString()).to.equal('')
  })

  it('keeps null and empty keys and values apart', async () => {
    const topic = await createTopic()
    await produce(topic, [
      { key: 'k', value: null },
      { key: null, value: 'v' },
      { key: '', value: '' },
      { value: 'no key' },
    ])
    const records = await readAll(topic, 4)
    expect(records.map(({ key, value }) => [key, value])).to.deep.equal([
      ['k', null],
      [null, 'v'],
      ['', ''],
      [null, 'no key'],
    ])
  })

  it('keeps the timestamps that the client gives', async () => {
    const topic = await createTopic()
    const stamps = ['0', '1', '1609459200000', String(Date.now()), '1609459200001']
    await produce(
      topic,
      stamps.map((timestamp) => ({ value: timestamp, timestamp })),
    )
    const records = await readAll(topic, stamps.length)
    expect(records.map((record) => record.message.timestamp)).to.deep.equal(stamps)
  })

  it('stamps records itself when the topic says LogAppendTime', async () => {
    const topic = await createTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    const producer = await connectedProducer()
    const [answer] = await producer.send({ topic, messages: [{ value: 'v', timestamp: '12345' }] })
    expect(Number(answer!.logAppendTime)).to.be.within(before - 1000, Date.now() + 1000)
    const [record] = await readAll(topic, 1)
    expect(record!.message.timestamp).to.equal(answer!.logAppendTime)
  })

  it('keeps binary keys and values byte for byte', async () => {
    const topic = await createTopic()
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await produce(topic, [{ key: all, value: Buffer.concat([all, all]) }])
    const [record] = await readAll(topic, 1)
    expect(record!.message.key?.equals(all)).to.equal(true)
    expect(record!.message.value?.equals(Buffer.concat([all, all]))).to.equal(true)
  })

  it('takes a message just below a megabyte, and larger ones where the topic allows them', async () => {
    const topic = await createTopic(1, { 'max.message.bytes': '6000000' })
    const sizes = [1_000_000, 5_000_000]
    for (const size of sizes) await produce(topic, [{ key: String(size), value: Buffer.alloc(size, size % 251) }])
    const records = await readAll(topic, sizes.length)
    for (const [i, size] of sizes.entries()) {
      expect(records[i]!.message.value?.equals(Buffer.alloc(size, size % 251))).to.equal(true)
    }
  })

  it('writes 10,000 records in batches without losing or reordering one', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer()
    for (let first = 0; first < 10_000; first += 1000) {
      await producer.send({ topic, messages: numbered(1000, 'r', first) })
    }
    const records = await readAll(topic, 10_000)
    expect(values(records)).to.deep.equal(numbered(10_000, 'r').map((message) => message.value))
    expect(records.map((record) => record.offset)).to.deep.equal(records.map((_, i) => i))
  })

  it('keeps what many sends at once bring', async () => {
    const topic = await createTopic(3)
    const producer = await connectedProducer()
    await Promise.all(Array.from({ length: 100 }, (_, i) => producer.send({ topic, messages: numbered(5, `s${i}-`) })))
    const wanted = Array.from({ length: 100 }, (_, i) => numbered(5, `s${i}-`).map((message) => message.value)).flat()
    expect(values(await readAll(topic, 500)).sort()).to.deep.equal(wanted.sort())
  })

  it('makes a topic that nobody has made when the client asks for it', async () => {
    const topic = unique('auto')
    const producer = await connectedProducer({ allowAutoTopicCreation: true })
    // Apache Kafka says "unknown topic" first while it makes it, so the first attempts may fail there.
    await eventually('the first record', async () => {
      await producer.send({ topic, messages: [{ value: 'first' }] })
      return true
    })
    expect(values(await readAll(topic, 1))).to.deep.equal(['first'])
  })
})

describe('kafkajs producer.sendBatch', () => {
  afterEach(closeAll)

  it('writes to several topics at once', async () => {
    const topics = [await createTopic(), await createTopic(2), await createTopic()]
    const producer = await connectedProducer()
    const answers = await producer.sendBatch({
      topicMessages: topics.map((topic, i) => ({ topic, messages: numbered(4, `t${i}-`) })),
    })
    expect(new Set(answers.map((answer) => answer.topicName))).to.deep.equal(new Set(topics))
    for (const [i, topic] of topics.entries()) {
      const wanted = numbered(4, `t${i}-`).map((message) => message.value)
      expect(values(await readAll(topic, 4)).sort()).to.deep.equal(wanted)
    }
  })

  it('takes the same topic several times in one batch', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer()
    await producer.sendBatch({
      topicMessages: [
        { topic, messages: [{ value: 'a' }] },
        { topic, messages: [{ value: 'b' }] },
      ],
    })
    expect(values(await readAll(topic, 2)).sort()).to.deep.equal(['a', 'b'])
  })
})
