const { Kafka, logLevel } = require('kafkajs')
const { Broker } = require('odradek')
const { Fetch } = require('odradek/protocol')
const ask = require('./ask')

let broker
beforeAll(async () => {
  broker = await Broker.create({ topics: ['orders'] })
})
afterAll(() => broker.close())
afterEach(() => jest.useRealTimers())

const atTheEnd = {
  maxWaitMs: 20,
  minBytes: 1,
  topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
}

test('the broker goes on while time stands still in the test', async () => {
  jest.useFakeTimers()
  // Nothing is there to fetch: the broker answers when the 20 ms are over, in real time.
  const { responses } = await ask(broker.bootstrapServers, Fetch, 4, atTheEnd)
  expect(responses[0].partitions[0].errorCode).toBe(0)
  await expect(broker.groupReady('nobody', { timeoutMs: 10 })).rejects.toThrow(/not ready/)
  expect(jest.getTimerCount()).toBe(0)
})

test('kafkajs produces in a test that lives in another year', async () => {
  // kafkajs needs these three. Time may not be more than an hour ahead: Kafka refuses such records (message.timestamp.after.max.ms).
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'], now: new Date('2001-01-01') })
  const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
  const [{ baseOffset }] = await producer.send({ topic: 'orders', messages: [{ value: 'second' }] })
  expect(baseOffset).toBe('1')
  await producer.disconnect()
})

test('a broker can be started and closed on fake timers', async () => {
  jest.useFakeTimers()
  const other = await Broker.create()
  const { responses } = await ask(other.bootstrapServers, Fetch, 4, { ...atTheEnd, topics: [] })
  expect(responses).toEqual([])
  await other.close()
})
