import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { Broker } from 'odradek'
import { Metadata } from 'odradek/protocol'
import { ask } from './ask.js'

describe('brokers', () => {
  it('live two in one process and know nothing of each other', async () => {
    const [east, west] = await Promise.all([Broker.create({ topics: ['east'] }), Broker.create({ topics: ['west'] })])
    const topicsOf = async (broker) => {
      const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      const topics = await admin.listTopics()
      await admin.disconnect()
      return topics.filter((name) => !name.startsWith('__'))
    }
    assert.deepEqual(await Promise.all([topicsOf(east), topicsOf(west)]), [['east'], ['west']])
    const { clusterId } = await ask(west.bootstrapServers, Metadata, 9, { topics: [], allowAutoTopicCreation: false })
    assert.equal(clusterId, west.clusterId)
    assert.notEqual(east.port, west.port)
    await Promise.all([east.close(), west.close()])
  })

  it('go with their scope (`await using` where the language has it)', async () => {
    const broker = await Broker.create()
    await broker[Symbol.asyncDispose]()
    const { port } = broker
    const next = await Broker.create({ port })
    assert.equal(next.port, port)
    await next.close()
  })
})
