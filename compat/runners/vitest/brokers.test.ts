import { Kafka, logLevel } from 'kafkajs'
import { Broker } from 'odradek'
import { Metadata } from 'odradek/protocol'
import { expect, test } from 'vitest'
import { ask } from './ask'

test('two brokers live in one process and know nothing of each other', async () => {
  await using east = await Broker.create({ topics: ['east'] })
  await using west = await Broker.create({ topics: ['west'] })
  const topicsOf = async (broker: Broker) => {
    const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const topics = await admin.listTopics()
    await admin.disconnect()
    return topics.filter((name) => !name.startsWith('__'))
  }
  expect(await Promise.all([topicsOf(east), topicsOf(west)])).toEqual([['east'], ['west']])
  const { clusterId } = await ask(west.bootstrapServers, Metadata, 9, { topics: [], allowAutoTopicCreation: false })
  expect(clusterId).toBe(west.clusterId)
  expect(east.port).not.toBe(west.port)
})

test('a broker goes with its scope', async () => {
  let port = 0
  {
    await using broker = await Broker.create()
    port = broker.port
  }
  await using next = await Broker.create({ port })
  expect(next.port).toBe(port)
})
