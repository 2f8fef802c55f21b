import { Kafka, logLevel } from 'kafkajs'
import { Broker } from 'odradek'
import { Fetch } from 'odradek/protocol'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ask } from './ask'

let broker: Broker
beforeAll(async () => {
  broker = await Broker.create({ topics: ['orders'] })
})
afterAll(() => broker.close())
afterEach(() => void vi.useRealTimers())

const atTheEnd = {
  replicaId: -1,
  maxWaitMs: 20,
  minBytes: 1,
  maxBytes: 1024,
  isolationLevel: 0,
  topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
}

test('the broker goes on while time stands still in the test', async () => {
  vi.useFakeTimers()
  // Nothing is there to fetch: the broker answers when the 20 ms are over, in real time.
  const { responses } = await ask(broker.bootstrapServers, Fetch, 4, atTheEnd)
  expect(responses[0]!.partitions[0]!.errorCode).toBe(0)
  await expect(broker.groupReady('nobody', { timeoutMs: 10 })).rejects.toThrow(/not ready/)
  expect(vi.getTimerCount()).toBe(0)
})

test('kafkajs produces in a test that lives in another year', async () => {
  // Time may not be more than an hour ahead: Kafka refuses such records (message.timestamp.after.max.ms).
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2001-01-01') })
  const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
  const [first] = await producer.send({ topic: 'orders', messages: [{ value: 'second' }] })
  expect(first!.baseOffset).toBe('1')
  await producer.disconnect()
})

test('a broker can be started and closed on fake timers', async () => {
  vi.useFakeTimers()
  const other = await Broker.create()
  const { responses } = await ask(other.bootstrapServers, Fetch, 4, { ...atTheEnd, topics: [] })
  expect(responses).toEqual([])
  await other.close()
})
