import { expect } from 'chai'
import type { Producer, Transaction } from 'kafkajs'
import {
  closeAll,
  closing,
  connectedAdmin,
  connectedProducer,
  createTopic,
  eventually,
  kafka,
  numbered,
  produce,
  readAll,
  rejection,
  unique,
  values,
} from './support.js'

describe('kafkajs transactions with offsets', () => {
  afterEach(closeAll)

  const transactional = (transactionalId = unique('tx')): Promise<Producer> =>
    connectedProducer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })

  const offsetsOf = (consumerGroupId: string, topic: string, offset: string) => ({
    consumerGroupId,
    topics: [{ topic, partitions: [{ partition: 0, offset }] }],
  })

  /** kafkajs does not wait here for a coordinator that begins, nor for the markers of the last transaction. */
  async function sendOffsets(transaction: Transaction, offsets: ReturnType<typeof offsetsOf>): Promise<void> {
    await eventually('offsets are taken', () => transaction.sendOffsets(offsets).then(() => true))
  }

  async function committed(groupId: string, topic: string): Promise<string | undefined> {
    const admin = await connectedAdmin()
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return found?.partitions[0]?.offset
  }

  it('an offset counts when the transaction commits, and not when it aborts', async () => {
    const [topic, groupId] = [await createTopic(), unique('group')]
    const producer = await transactional()
    const one = await producer.transaction()
    await sendOffsets(one, offsetsOf(groupId, topic, '5'))
    expect(await committed(groupId, topic), 'pending').to.equal('-1')
    await one.commit()
    await eventually('the offset', async () => (await committed(groupId, topic)) === '5')
    const other = await producer.transaction()
    await sendOffsets(other, offsetsOf(groupId, topic, '9'))
    await other.abort()
    // The abort has been applied when the next transaction of the same producer has.
    const last = await producer.transaction()
    await sendOffsets(last, offsetsOf(unique('group'), topic, '1'))
    await last.commit()
    expect(await committed(groupId, topic)).to.equal('5')
  })

  it('reads, writes and commits exactly once, over transactions that abort', async () => {
    const [input, output, groupId] = [await createTopic(), await createTopic(), unique('group')]
    await produce(input, numbered(40))
    const producer = await transactional()
    const consumer = closing(kafka().consumer({ groupId, maxWaitTimeInMs: 50, maxBytes: 400 }))
    await consumer.connect()
    await consumer.subscribe({ topics: [input], fromBeginning: true })
    let [rounds, done] = [0, 0]
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset }) => {
        // A few at a time, whatever a broker puts into one answer.
        const some = batch.messages.slice(0, 7)
        const transaction = await producer.transaction()
        const messages = some.map(({ key, value }) => ({ key, value: `${value}!` }))
        await transaction.send({ topic: output, messages })
        const next = String(Number(some.at(-1)!.offset) + 1)
        await transaction.sendOffsets(offsetsOf(groupId, input, next))
        if (rounds++ % 3 === 1) {
          await transaction.abort()
          consumer.seek({ topic: input, partition: 0, offset: some[0]!.offset })
          return
        }
        await transaction.commit()
        resolveOffset(some.at(-1)!.offset)
        done = Number(next)
      },
    })
    await eventually('all of it', () => done === 40)
    expect(rounds).to.be.greaterThan(6)
    await eventually('the last offset', async () => (await committed(groupId, input)) === '40')
    expect(values(await readAll(output, 40))).to.deep.equal(numbered(40).map(({ value }) => `${value}!`))
  })

  it('a fenced producer commits no offsets', async () => {
    const [topic, groupId, transactionalId] = [await createTopic(), unique('group'), unique('tx')]
    const first = await transactional(transactionalId)
    const late = await first.transaction()
    await sendOffsets(late, offsetsOf(groupId, topic, '3'))
    const second = await transactional(transactionalId)
    const transaction = await second.transaction()
    await rejection(late.sendOffsets(offsetsOf(groupId, topic, '4')))
    await sendOffsets(transaction, offsetsOf(groupId, topic, '7'))
    await transaction.commit()
    await eventually('the successor’s', async () => (await committed(groupId, topic)) === '7')
  })
})
