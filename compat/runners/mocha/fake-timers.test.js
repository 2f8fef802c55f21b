import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'
import { Broker } from 'odradek'
import { Fetch } from 'odradek/protocol'
import sinon from 'sinon'
import { ask } from './ask.js'

describe('fake timers', () => {
  let broker
  let clock
  before(async () => {
    broker = await Broker.create({ topics: ['orders'] })
  })
  after(() => broker.close())
  afterEach(() => clock.restore())

  /** Not these three: sockets and streams of Node itself stand still without them, in any client. */
  const toNotFake = ['nextTick', 'setImmediate', 'queueMicrotask']
  const atTheEnd = {
    maxWaitMs: 20,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
  }

  it('do not stop the broker', async () => {
    clock = sinon.useFakeTimers({ toNotFake })
    // Nothing is there to fetch: the broker answers when the 20 ms are over, in real time.
    const { responses } = await ask(broker.bootstrapServers, Fetch, 4, atTheEnd)
    assert.equal(responses[0].partitions[0].errorCode, 0)
    await assert.rejects(broker.groupReady('nobody', { timeoutMs: 10 }), /not ready/)
    assert.equal(clock.countTimers(), 0)
  })

  it('let kafkajs produce in another year', async () => {
    // Time may not be more than an hour ahead: Kafka refuses such records (message.timestamp.after.max.ms).
    clock = sinon.useFakeTimers({ toNotFake, now: new Date('2001-01-01') })
    const producer = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
    const [{ baseOffset }] = await producer.send({ topic: 'orders', messages: [{ value: 'second' }] })
    assert.equal(baseOffset, '1')
    await producer.disconnect()
  })

  it('do not keep a broker from starting and closing', async () => {
    clock = sinon.useFakeTimers({ toNotFake })
    const other = await Broker.create()
    const { responses } = await ask(other.bootstrapServers, Fetch, 4, { ...atTheEnd, topics: [] })
    assert.deepEqual(responses, [])
    await other.close()
  })
})
