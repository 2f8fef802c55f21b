import { expect } from 'chai'
import { RawConnection } from './raw.js'
import { WatchedSockets } from './sockets.js'
import { closeAll, closing, connectedProducer, createTopic, kafka, numbered, readAll, values } from './support.js'

const PRODUCE = 0

describe('kafkajs idempotent producer', () => {
  afterEach(closeAll)

  const idempotent = { idempotent: true, maxInFlightRequests: 1 }

  it('writes many batches to many partitions, each record once and in order', async () => {
    const topic = await createTopic(3)
    const producer = await connectedProducer(idempotent)
    for (let round = 0; round < 10; round++) {
      const messages = [0, 1, 2].flatMap((partition) => numbered(4, `r${round}-`).map((one) => ({ ...one, partition })))
      await producer.send({ topic, messages })
    }
    const records = await readAll(topic, 120)
    expect(records).to.have.length(120)
    const expected = Array.from({ length: 10 }, (_, round) =>
      numbered(4, `r${round}-`).map(({ value }) => value),
    ).flat()
    for (const partition of [0, 1, 2]) {
      const here = records.filter((record) => record.partition === partition)
      expect(here.map(({ value }) => value)).to.deep.equal(expected)
      expect(here.map(({ offset }) => offset)).to.deep.equal(expected.map((_, offset) => offset))
    }
  })

  it('a record whose answer was lost is there exactly once', async () => {
    const topic = await createTopic()
    const sockets = new WatchedSockets()
    const producer = closing(kafka({ socketFactory: sockets.factory }).producer(idempotent))
    await producer.connect()
    const wanted: string[] = []
    for (let round = 0; round < 5; round++) {
      await producer.send({ topic, messages: [{ value: `whole ${round}` }] })
      sockets.cutAfter(PRODUCE)
      await producer.send({ topic, messages: [{ value: `cut ${round}` }] })
      wanted.push(`whole ${round}`, `cut ${round}`)
    }
    expect(sockets.cuts).to.equal(5)
    await producer.send({ topic, messages: [{ value: 'last' }] })
    expect(values(await readAll(topic, 11))).to.deep.equal([...wanted, 'last'])
  })

  it('producers side by side do not disturb each other', async () => {
    const topic = await createTopic()
    const producers = await Promise.all(Array.from({ length: 8 }, () => connectedProducer(idempotent)))
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        producers.map((producer, i) => producer.send({ topic, messages: [{ value: `p${i} r${round}` }] })),
      )
    }
    const got = values(await readAll(topic, 40))
    for (const i of producers.keys()) {
      const own = got.filter((value) => value?.startsWith(`p${i} `))
      expect(own).to.deep.equal([0, 1, 2, 3, 4].map((round) => `p${i} r${round}`))
    }
  })

  it('ids are never given twice', async () => {
    const ids = new Set<unknown>()
    const connection = closing(await RawConnection.open())
    for (let i = 0; i < 20; i++) {
      const answer = await connection.call('initProducerId', 1, { transactionalId: null, transactionTimeout: 60_000 })
      expect(answer).to.include({ errorCode: 0, producerEpoch: 0 })
      ids.add(answer.producerId)
    }
    expect(ids.size).to.equal(20)
  })
})
