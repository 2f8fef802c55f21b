import { DescribeProducers, InitProducerId, Produce, type RequestInput } from '../../../../protocol/index.js'
import { baseTimestamp, batch } from '../batches.js'
import { perVersion, type Scene, scenario, versionsOf } from '../scenario.js'
import { produceTo } from './produce.js'

/** Stable versions: the newest is served only when unstable ones are switched on. */
const versions = versionsOf(InitProducerId, 0, 5)

/** Ids come from the broker's counter, so only whether there is one is compared. */
async function init(c: Scene, v: number, request: RequestInput<typeof InitProducerId>): Promise<number> {
  let answer = await c.quiet(InitProducerId, v, request)
  // Apache Kafka asks its controller for the first block of ids while the client tries again.
  for (let i = 0; i < 1000 && answer?.errorCode === 14; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    answer = await c.quiet(InitProducerId, v, request)
  }
  const producerId = answer === null || answer.producerId < 0 ? -1 : '<id>'
  c.note(`InitProducerId v${v}`, answer === null ? 'closed' : { ...answer, producerId })
  return answer?.producerId ?? -1
}

perVersion('InitProducerId {v}: without a transactional id', versions, async (c, v) => {
  for (const transactionTimeoutMs of [60_000, 0, -1, 2_147_483_647]) {
    await init(c, v, { transactionalId: null, transactionTimeoutMs })
  }
})

perVersion('InitProducerId {v}: a producer that has an id, or half of one', [3, 4, 5], async (c, v) => {
  const nobody = { transactionalId: null, transactionTimeoutMs: 1000 }
  const producerId = await init(c, v, nobody)
  for (const identity of [
    { producerId, producerEpoch: 0 },
    { producerId, producerEpoch: 5 },
    { producerId: 9_999_999, producerEpoch: 0 },
    { producerId },
    { producerEpoch: 3 },
  ]) {
    await init(c, v, { ...nobody, ...identity })
  }
})

scenario('InitProducerId, Produce: an id that was given, its duplicates and its gaps', async (c) => {
  const topic = await c.setUpTopic()
  const producerId = await init(c, 5, { transactionalId: null, transactionTimeoutMs: 1000 })
  for (const baseSequence of [0, 1, 2, 0, 2, 9, 3]) {
    const records = batch(['v'], { producerId, producerEpoch: 0, baseSequence })
    await c.send(Produce, 13, produceTo(13, topic, records))
  }
})

const ask = (name: string, ...partitionIndexes: number[]) => ({ topics: [{ name, partitionIndexes }] })

scenario('DescribeProducers: idempotent producers', async (c) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  await c.send(DescribeProducers, 0, ask(topic.name, 0, 1))
  const write = async (producerId: number, producerEpoch: number, baseSequence: number, values: string[], at = 0) => {
    const records = batch(values, { producerId, producerEpoch, baseSequence, baseTimestamp: baseTimestamp + at })
    await c.send(Produce, 9, produceTo(9, topic, records))
  }
  await write(7, 0, 0, ['a', 'b'])
  await c.send(DescribeProducers, 0, ask(topic.name, 0, 1))
  await write(7, 0, 2, ['c'], 5)
  await write(9, 3, 40, ['d'])
  await c.send(DescribeProducers, 0, ask(topic.name, 0))
  await write(7, 4, 0, ['e'])
  await write(9, 3, 2_147_483_000, ['refused'])
  await c.send(DescribeProducers, 0, ask(topic.name, 0))
})

scenario('DescribeProducers: what is not there', async (c) => {
  const topic = await c.setUpTopic()
  await c.send(DescribeProducers, 0, ask(topic.name, 1, -1))
  await c.send(DescribeProducers, 0, ask(c.name('absent'), 0))
  await c.send(DescribeProducers, 0, ask('a b', 0))
  await c.send(DescribeProducers, 0, ask('', 0))
  await c.send(DescribeProducers, 0, ask(topic.name))
  await c.send(DescribeProducers, 0, { topics: [] })
})

scenario('DescribeProducers: a partition asked for twice', async (c) => {
  const topic = await c.setUpTopic()
  await c.send(DescribeProducers, 0, ask(topic.name, 0, 0))
})
