import { expect } from 'chai'
import type { Consumer, Producer, Transaction } from 'kafkajs'
import {
  closeAll,
  closing,
  connectedAdmin,
  connectedProducer,
  createTopic,
  eventually,
  kafka,
  produce,
  protocolErrorOf,
  readAll,
  rejection,
  unique,
  values,
} from './support.js'

describe('kafkajs transactions', () => {
  afterEach(closeAll)

  const transactional = (transactionalId = unique('tx'), transactionTimeout = 30_000): Promise<Producer> =>
    connectedProducer({ transactionalId, idempotent: true, maxInFlightRequests: 1, transactionTimeout })

  const send = (transaction: Transaction | Producer, topic: string, ...texts: string[]) =>
    transaction.send({ topic, messages: texts.map((value) => ({ value, partition: 0 })) })

  it('shows what was committed and never what was aborted', async () => {
    const [first, second] = [await createTopic(), await createTopic()]
    const producer = await transactional()
    for (const [i, commits] of [true, false, true, false, true].entries()) {
      const transaction = await producer.transaction()
      await send(transaction, first, `${i} a`, `${i} b`)
      await send(transaction, second, `${i} c`)
      expect(transaction.isActive()).to.equal(true)
      await (commits ? transaction.commit() : transaction.abort())
    }
    expect(values(await readAll(first, 6))).to.deep.equal(['0 a', '0 b', '2 a', '2 b', '4 a', '4 b'])
    expect(values(await readAll(second, 3))).to.deep.equal(['0 c', '2 c', '4 c'])
  })

  it('a reader of what is committed waits for an open transaction, one of everything does not', async () => {
    const topic = await createTopic()
    const producer = await transactional()
    const transaction = await producer.transaction()
    await send(transaction, topic, 'open')
    await produce(topic, [{ value: 'plain', partition: 0 }])
    const follow = async (readUncommitted: boolean) => {
      const seen: (string | undefined)[] = []
      const config = { groupId: unique('group'), readUncommitted, maxWaitTimeInMs: 50 }
      const consumer: Consumer = closing(kafka().consumer(config))
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.value?.toString()) })
      return seen
    }
    const committed = await follow(false)
    const everything = await follow(true)
    await eventually('the open transaction is seen', () => everything.length === 2)
    expect(committed).to.deep.equal([])
    await transaction.commit()
    await eventually('the commit is seen', () => committed.length === 2)
    expect(committed).to.deep.equal(['open', 'plain'])
  })

  it('a successor fences its predecessor, whose transaction is aborted', async () => {
    const topic = await createTopic()
    const transactionalId = unique('tx')
    const old = await transactional(transactionalId)
    const transaction = await old.transaction()
    await send(transaction, topic, 'of the old one')
    const successor = await transactional(transactionalId)
    const next = await successor.transaction()
    await send(next, topic, 'of the new one')
    const code = protocolErrorOf(await rejection(send(transaction, topic, 'too late')))
    expect(code).to.equal('INVALID_PRODUCER_EPOCH')
    await next.commit()
    expect(values(await readAll(topic, 1))).to.deep.equal(['of the new one'])
  })

  it('a transaction that takes too long is aborted', async function () {
    this.timeout(40_000)
    const topic = await createTopic()
    const producer = await transactional(unique('tx'), 1000)
    const transaction = await producer.transaction()
    await send(transaction, topic, 'slow')
    await produce(topic, [{ value: 'plain', partition: 0 }])
    // The coordinator looks every ten seconds.
    await eventually(
      'the abort lets the plain record be read',
      async () => {
        const consumer = kafka().consumer({ groupId: unique('group'), maxWaitTimeInMs: 50 })
        await consumer.connect()
        await consumer.disconnect()
        const { length } = await readAll(topic, 1).catch(() => [])
        return length === 1
      },
      35_000,
    )
    expect(values(await readAll(topic, 1))).to.deep.equal(['plain'])
    await rejection(transaction.commit())
  })

  it('producers side by side, each with transactions of its own', async () => {
    const topic = await createTopic(3)
    const producers = await Promise.all(Array.from({ length: 6 }, () => transactional()))
    // Of several aborted transactions that began before a fetch, kafkajs passes over one only: just one producer aborts.
    const aborts = (i: number, round: number) => i === 0 && round % 3 === 2
    await Promise.all(
      producers.map(async (producer, i) => {
        for (let round = 0; round < 6; round++) {
          const transaction = await producer.transaction()
          // One partition per send: where one broker of several refuses its part, kafkajs sends the others' again, as new.
          for (const partition of [0, 1, 2]) {
            await transaction.send({ topic, messages: [{ partition, value: `${i} ${round} ${partition}` }] })
          }
          await (aborts(i, round) ? transaction.abort() : transaction.commit())
        }
      }),
    )
    const admin = await connectedAdmin()
    await eventually('all markers', async () => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return offsets.every(({ high }) => high === String(6 * 6 * 2))
    })
    const expected = producers.flatMap((_, i) =>
      [0, 1, 2, 3, 4, 5].flatMap((round) => (aborts(i, round) ? [] : [0, 1, 2].map((p) => `${i} ${round} ${p}`))),
    )
    const seen = await readAll(topic, expected.length)
    expect(values(seen).sort()).to.deep.equal(expected.sort())
  })

  it('one transaction at a time; none is over twice', async () => {
    const topic = await createTopic()
    const producer = await transactional()
    const transaction = await producer.transaction()
    expect((await rejection(producer.transaction())).message).to.match(/transaction/i)
    await send(transaction, topic, 'a')
    await transaction.commit()
    await rejection(transaction.commit())
    await rejection(send(transaction, topic, 'b'))
    expect(values(await readAll(topic, 1))).to.deep.equal(['a'])
  })

  it('each marker takes an offset', async () => {
    const topic = await createTopic()
    const producer = await transactional()
    for (const commits of [true, false]) {
      const transaction = await producer.transaction()
      await send(transaction, topic, 'x')
      await (commits ? transaction.commit() : transaction.abort())
    }
    const admin = await connectedAdmin()
    await eventually('the markers', async () => (await admin.fetchTopicOffsets(topic))[0]!.high === '4')
  })
})
