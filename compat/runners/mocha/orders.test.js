import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'
import { Broker } from 'odradek'

describe('orders', () => {
  let broker
  let producer
  let consumer
  const seen = []

  before(async () => {
    broker = await Broker.create({ topics: [{ name: 'orders', partitions: 3 }] })
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
    producer = kafka.producer()
    // kafkajs does not disconnect before its fetch is answered: 5 seconds by default, and Mocha's patience is 2.
    consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 })
    await Promise.all([producer.connect(), consumer.connect()])
    await consumer.subscribe({ topic: 'orders' })
    await consumer.run({
      eachMessage: async ({ message }) => void seen.push([String(message.key), String(message.value)]),
    })
    // From here on nothing that is produced can be missed.
    await broker.groupReady('billing')
  })

  after(async () => {
    await consumer.disconnect()
    await producer.disconnect()
    await broker.close()
  })

  it('of one customer come in order', async () => {
    const customers = ['ann', 'bob', 'cem']
    for (let step = 0; step < 10; step += 1) {
      await producer.send({ topic: 'orders', messages: customers.map((key) => ({ key, value: `step ${step}` })) })
    }
    while (seen.length < 30) await new Promise((resolve) => setTimeout(resolve, 5))
    for (const customer of customers) {
      const values = seen.filter(([key]) => key === customer).map(([, value]) => value)
      assert.deepEqual(
        values,
        Array.from({ length: 10 }, (_, step) => `step ${step}`),
      )
    }
  })
})
