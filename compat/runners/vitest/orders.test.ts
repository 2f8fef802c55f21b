import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { Broker } from 'odradek'
import { afterAll, beforeAll, expect, test } from 'vitest'

let broker: Broker
let producer: Producer
let consumer: Consumer
const seen: [key: string, value: string][] = []

beforeAll(async () => {
  broker = await Broker.create({ topics: [{ name: 'orders', partitions: 3 }] })
  const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
  producer = kafka.producer()
  // kafkajs does not disconnect before its fetch is answered: 5 seconds by default.
  consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic: 'orders' })
  await consumer.run({
    eachMessage: async ({ message }) => void seen.push([String(message.key), String(message.value)]),
  })
  // From here on nothing that is produced can be missed.
  await broker.groupReady('billing')
})

afterAll(async () => {
  await consumer.disconnect()
  await producer.disconnect()
  await broker.close()
})

test('the orders of one customer come in order', async () => {
  const customers = ['ann', 'bob', 'cem']
  for (let step = 0; step < 10; step += 1) {
    await producer.send({ topic: 'orders', messages: customers.map((key) => ({ key, value: `step ${step}` })) })
  }
  await expect.poll(() => seen.length, { interval: 5 }).toBe(30)
  for (const customer of customers) {
    const values = seen.filter(([key]) => key === customer).map(([, value]) => value)
    expect(values).toEqual(Array.from({ length: 10 }, (_, step) => `step ${step}`))
  }
})
