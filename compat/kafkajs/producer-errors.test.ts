import { expect } from 'chai'
import {
  closeAll,
  connectedProducer,
  createTopic,
  produce,
  protocolErrorOf,
  readAll,
  rejection,
  unique,
  values,
} from './support.js'

describe('kafkajs producer errors', () => {
  afterEach(closeAll)

  const quick = { retry: { retries: 0 } }

  it('an unknown topic that must not be made', async () => {
    const producer = await connectedProducer(quick)
    const error = await rejection(producer.send({ topic: unique('absent'), messages: [{ value: 'v' }] }))
    expect(protocolErrorOf(error)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('an invalid topic name', async () => {
    const producer = await connectedProducer(quick)
    const error = await rejection(producer.send({ topic: 'not a name', messages: [{ value: 'v' }] }))
    expect(protocolErrorOf(error)).to.equal('INVALID_TOPIC_EXCEPTION')
  })

  it('a partition that does not exist', async () => {
    const topic = await createTopic(2)
    const producer = await connectedProducer(quick)
    // kafkajs drops a message for a partition that its metadata does not have: nothing is sent and nothing is written.
    const answers = await producer.send({ topic, messages: [{ value: 'lost', partition: 7 }] })
    expect(answers).to.deep.equal([])
    await produce(topic, [{ value: 'kept', partition: 1 }])
    expect(values(await readAll(topic, 1))).to.deep.equal(['kept'])
  })

  it('a batch above max.message.bytes', async () => {
    const topic = await createTopic(1, { 'max.message.bytes': '2000' })
    const producer = await connectedProducer(quick)
    const error = await rejection(producer.send({ topic, messages: [{ value: Buffer.alloc(3000) }] }))
    expect(protocolErrorOf(error)).to.equal('MESSAGE_TOO_LARGE')
    await producer.send({ topic, messages: [{ value: 'small' }] })
    expect(values(await readAll(topic, 1))).to.deep.equal(['small'])
  })

  it('a record without a key on a compacted topic', async () => {
    const topic = await createTopic(1, { 'cleanup.policy': 'compact' })
    const producer = await connectedProducer(quick)
    const error = await rejection(producer.send({ topic, messages: [{ value: 'keyless' }] }))
    expect(protocolErrorOf(error)).to.match(/INVALID_RECORD|87/)
    await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] })
    expect(values(await readAll(topic, 1))).to.deep.equal(['v'])
  })

  it('a timestamp too far ahead', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer(quick)
    const tomorrow = String(Date.now() + 24 * 3600 * 1000)
    const error = await rejection(producer.send({ topic, messages: [{ value: 'v', timestamp: tomorrow }] }))
    expect(protocolErrorOf(error)).to.equal('INVALID_TIMESTAMP')
  })

  it('a number of acks that there is not', async () => {
    const topic = await createTopic()
    const producer = await connectedProducer(quick)
    const error = await rejection(producer.send({ topic, acks: 3, messages: [{ value: 'v' }] }))
    expect(protocolErrorOf(error)).to.equal('INVALID_REQUIRED_ACKS')
  })

  it('a failed topic in a batch of topics does not stop the others from being written', async () => {
    const [small, normal] = [await createTopic(1, { 'max.message.bytes': '500' }), await createTopic()]
    const producer = await connectedProducer(quick)
    const error = await rejection(
      producer.sendBatch({
        topicMessages: [
          { topic: small, messages: [{ value: Buffer.alloc(1000) }] },
          { topic: normal, messages: [{ value: 'written' }] },
        ],
      }),
    )
    expect(protocolErrorOf(error)).to.equal('MESSAGE_TOO_LARGE')
    expect(values(await readAll(normal, 1))).to.deep.equal(['written'])
  })
})
