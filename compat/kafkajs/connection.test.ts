import { connect } from 'node:net'
import { expect } from 'chai'
import { currentTarget } from '../fixture.js'
import { join } from './member.js'
import { deadAddress, WatchedSockets } from './sockets.js'
import {
  closeAll,
  closing,
  connectedAdmin,
  createTopic,
  eventually,
  kafka,
  numbered,
  produce,
  type Received,
  readAll,
  received,
  rejection,
  unique,
  values,
} from './support.js'

const apiKeys = { produce: 0, fetch: 1, metadata: 3, offsetCommit: 8, heartbeat: 12, syncGroup: 14 }

describe('kafkajs connections', () => {
  afterEach(closeAll)

  it('finds the whole cluster from any broker', async () => {
    const topic = await createTopic(2)
    await produce(topic, numbered(4))
    const admin = await connectedAdmin()
    const { brokers } = await admin.describeCluster()
    for (const { host, port } of brokers) {
      const client = kafka({ brokers: [`${host}:${port}`] })
      const other = closing(client.admin())
      await other.connect()
      expect((await other.describeCluster()).brokers).to.deep.equal(brokers)
      expect(await readAll(topic, 4, { brokers: [`${host}:${port}`] })).to.have.length(4)
    }
  })

  it('passes by bootstrap addresses where nobody listens', async () => {
    const client = kafka({ brokers: [await deadAddress(), ...currentTarget().brokers] })
    const admin = closing(client.admin())
    await admin.connect()
    expect(await admin.listTopics()).to.be.an('array')
  })

  it('says that it cannot connect when nobody is there', async () => {
    const admin = kafka({ brokers: [await deadAddress()], retry: { retries: 1, initialRetryTime: 10 } }).admin()
    expect((await rejection(admin.connect())).message).to.match(/ECONNREFUSED/)
  })

  it('a producer whose connection dies after the request sends again', async () => {
    const topic = await createTopic()
    const sockets = new WatchedSockets()
    const producer = closing(kafka({ socketFactory: sockets.factory }).producer({ allowAutoTopicCreation: false }))
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'before' }] })
    sockets.cutAfter(apiKeys.produce)
    await producer.send({ topic, messages: [{ value: 'cut' }] })
    await producer.send({ topic, messages: [{ value: 'after' }] })
    expect(sockets.cuts).to.equal(1)
    const got = values(await readAll(topic, 3))
    // At least once: the broker may have written the first attempt as well.
    expect(got[0]).to.equal('before')
    expect(got).to.include('cut')
  })

  it('a consumer whose connections die goes on, and misses nothing', async () => {
    const topic = await createTopic(2)
    const sockets = new WatchedSockets()
    const consumer = closing(
      kafka({ socketFactory: sockets.factory }).consumer({
        groupId: unique('group'),
        heartbeatInterval: 100,
        maxWaitTimeInMs: 50,
        retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 10 },
      }),
    )
    const got: Received[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ topic: from, partition, message }) => {
        got.push(received(from, partition, message))
      },
    })
    const wanted: string[] = []
    for (const [round, cut] of [
      () => sockets.cutAfter(apiKeys.fetch),
      () => sockets.cutAfter(apiKeys.heartbeat),
      () => sockets.cutAfter(apiKeys.offsetCommit),
      () => sockets.cutAll(),
    ].entries()) {
      cut()
      await produce(topic, numbered(5, `r${round}-`))
      wanted.push(...numbered(5, `r${round}-`).map((message) => String(message.value)))
      await eventually(`round ${round}`, () => wanted.every((value) => got.some((record) => record.value === value)))
    }
  })

  it('an admin whose connection dies in the middle of a call fails that call and serves the next', async () => {
    const sockets = new WatchedSockets()
    const admin = closing(kafka({ socketFactory: sockets.factory }).admin())
    await admin.connect()
    sockets.cutAfter(apiKeys.metadata)
    expect((await rejection(admin.listTopics())).message).to.match(/ECONNRESET/)
    expect(await admin.listTopics()).to.be.an('array')
    expect(sockets.cuts).to.equal(1)
  })

  it('garbage on one connection does not disturb a running member', async () => {
    const topic = await createTopic()
    const member = await join({ groupId: unique('group'), subscribe: { topics: [topic], fromBeginning: true } })
    const { brokers } = await (await connectedAdmin()).describeCluster()
    const { host, port } = brokers[0]!
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff), Buffer.from([0, 0, 0, 0])]) {
      await new Promise<void>((resolve) => {
        const socket = connect({ host, port }, () => socket.end(bytes))
        socket.on('error', () => undefined)
        socket.on('close', () => resolve())
        socket.resume()
      })
    }
    await produce(topic, numbered(3))
    await member.receives(3)
    expect(member.joins).to.equal(1)
  })

  it('many clients come and go', async () => {
    const topic = await createTopic()
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => produce(topic, numbered(1, `c${round}-${i}-`))))
    }
    expect(await readAll(topic, 50)).to.have.length(50)
  })
})
