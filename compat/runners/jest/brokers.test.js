const { Kafka, logLevel } = require('kafkajs')
const { Broker } = require('odradek')
const { Metadata } = require('odradek/protocol')
const ask = require('./ask')

test('two brokers live in one process and know nothing of each other', async () => {
  const [east, west] = await Promise.all([Broker.create({ topics: ['east'] }), Broker.create({ topics: ['west'] })])
  const topicsOf = async (broker) => {
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
  await Promise.all([east.close(), west.close()])
})

test('a broker goes with its scope (`await using` where the language has it)', async () => {
  const broker = await Broker.create()
  await broker[Symbol.asyncDispose]()
  const { port } = broker
  const next = await Broker.create({ port })
  expect(next.port).toBe(port)
  await next.close()
})
