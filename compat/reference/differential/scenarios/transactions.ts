import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DescribeTransactions,
  EndTxn,
  InitProducerId,
  ListTransactions,
  Produce,
  WriteTxnMarkers,
} from '../../../../protocol/index.js'
import { batch } from '../batches.js'
import { perVersion, scenario, versionsOf } from '../scenario.js'
import { addRequest, type Identity, TransactionScene } from '../transaction-scene.js'

const initVersions = versionsOf(InitProducerId, 0, 5)
const absent: Identity = { transactionalId: 'nobody', producerId: 9_000_000, producerEpoch: 0 }

perVersion('InitProducerId {v}: transactional, again and again', initVersions, async (c, v) => {
  const t = new TransactionScene(c)
  const transactionalId = c.name('tx')
  await t.ready(transactionalId)
  for (let i = 0; i < 3; i++) await t.init(v, { transactionalId, transactionTimeoutMs: 60_000 })
})

perVersion('InitProducerId {v}: timeouts and ids', [0, 5], async (c, v) => {
  const t = new TransactionScene(c)
  const transactionalId = c.name('tx')
  await t.ready(transactionalId)
  for (const transactionTimeoutMs of [0, -1, 900_001, 1, 900_000])
    await t.init(v, { transactionalId, transactionTimeoutMs })
  await t.init(v, { transactionalId: '', transactionTimeoutMs: 60_000 })
})

perVersion('InitProducerId {v}: who the producer believes to be', [3, 4, 5], async (c, v) => {
  const t = new TransactionScene(c)
  const { transactionalId, producerId } = await t.begun()
  const init = (id: number, producerEpoch: number) =>
    t.init(v, { transactionalId, transactionTimeoutMs: 60_000, producerId: id, producerEpoch })
  await init(producerId, 0)
  await init(producerId, 0)
  await init(producerId, 1)
  await init(producerId, 7)
  await init(producerId + 1_000_000, 2)
  await init(producerId, -1)
  await init(-1, 2)
  await t.init(v, { transactionalId, transactionTimeoutMs: 60_000 })
  await init(producerId, 2)
  const unused = c.name('unused')
  await t.ready(unused)
  await t.init(v, { transactionalId: unused, transactionTimeoutMs: 60_000, producerId, producerEpoch: 3 })
})

for (const named of [false, true]) {
  for (const endVersion of [3, 5]) {
    const end = `EndTxn v${endVersion}`
    scenario(
      `InitProducerId ${named ? 'with' : 'without'} identity while a transaction is open, then ${end}`,
      async (c) => {
        const t = new TransactionScene(c)
        const topic = await c.setUpTopic()
        const who = await t.begun()
        const { transactionalId, producerId, producerEpoch } = who
        await t.quietAdd(who, topic.name)
        await c.quiet(Produce, 9, t.produceRequest(9, who, topic))
        const request = {
          transactionalId,
          transactionTimeoutMs: 60_000,
          ...(named ? { producerId, producerEpoch } : {}),
        }
        await c.send(InitProducerId, 5, request)
        await t.noteLog(topic, 2)
        await t.init(5, request)
        await t.produce(9, who, topic, 1)
        await t.produce(12, who, topic, 1)
        await t.add(3, who, topic.name)
        await t.end(endVersion, who, true)
        await t.end(endVersion, who, false)
      },
    )
  }
}

perVersion('AddPartitionsToTxn {v}', versionsOf(AddPartitionsToTxn), async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic({ partitions: 2 })
  const who = await t.begun()
  await t.add(v, who, topic.name, [0])
  await t.add(v, who, topic.name, [0, 1])
  await t.add(v, who, topic.name, [0, 7])
  await t.add(v, who, c.name('absent'), [0])
  await t.add(v, { ...who, producerEpoch: 1 }, topic.name)
  await t.add(v, { ...who, producerId: who.producerId + 1_000_000 }, topic.name)
  await t.add(v, absent, topic.name)
  await t.add(v, { ...who, transactionalId: '' }, topic.name)
  await c.send(DescribeTransactions, 0, { transactionalIds: [who.transactionalId] })
  await t.end(3, who, true)
  await t.noteLog(topic, 1)
})

perVersion('AddPartitionsToTxn {v}: verify only', [4, 5], async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic({ partitions: 2 })
  const who = await t.begun()
  const verify = (as: Identity, partitions: number[]) =>
    c.send(AddPartitionsToTxn, v, addRequest(v, as, topic.name, partitions, true).request)
  await verify(who, [0])
  await t.quietAdd(who, topic.name)
  await verify(who, [0, 1])
  await verify(who, [0, 9])
  await verify({ ...who, producerEpoch: 5 }, [0])
  await verify({ ...who, producerId: who.producerId + 1_000_000 }, [0])
  await verify(absent, [0])
  await verify({ ...who, transactionalId: '' }, [0])
  await t.end(3, who, true)
  await t.noteLog(topic, 1)
  await verify(who, [0])
})

perVersion('AddPartitionsToTxn {v}: several transactions', [4, 5], async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const both = [await t.begun(), await t.begun()]
  const topics = [{ name: topic.name, partitions: [0] }]
  await c.send(AddPartitionsToTxn, v, { transactions: both.map((who) => ({ ...who, verifyOnly: false, topics })) })
})

perVersion('AddOffsetsToTxn {v}', versionsOf(AddOffsetsToTxn), async (c, v) => {
  const t = new TransactionScene(c)
  const who = await t.begun()
  const groupId = c.name('group')
  await c.send(AddOffsetsToTxn, v, { ...who, groupId })
  await c.send(AddOffsetsToTxn, v, { ...who, groupId: '' })
  await c.send(AddOffsetsToTxn, v, { ...who, groupId, producerEpoch: 3 })
  await c.send(AddOffsetsToTxn, v, { ...absent, groupId })
  await c.send(AddOffsetsToTxn, v, { ...who, groupId, transactionalId: '' })
})

perVersion('EndTxn {v}: nothing open', versionsOf(EndTxn), async (c, v) => {
  const t = new TransactionScene(c)
  let who = await t.begun()
  who = await t.end(v, who, true)
  who = await t.end(v, who, false)
  who = await t.end(v, who, false)
  await t.end(v, who, true)
  await t.end(v, { ...who, producerEpoch: 9 }, true)
  await t.end(v, { ...who, producerId: who.producerId + 1_000_000 }, true)
  await t.end(v, absent, true)
  await t.end(v, { ...who, transactionalId: '' }, true)
})

for (const committed of [true, false]) {
  const what = committed ? 'commit' : 'abort'
  perVersion(`EndTxn {v}: ${what}, again, and the other`, versionsOf(EndTxn), async (c, v) => {
    const t = new TransactionScene(c)
    const topic = await c.setUpTopic()
    const before = await t.begun()
    await t.quietAdd(before, topic.name)
    await t.produce(9, before, topic)
    const after = await t.end(v, before, committed)
    await t.noteLog(topic, 2)
    await t.end(v, before, committed)
    await t.end(v, before, !committed)
    await t.end(v, { ...before, producerEpoch: 5 }, committed)
    await c.send(DescribeTransactions, 0, { transactionalIds: [before.transactionalId] })
    await t.add(3, after, topic.name)
    await t.produce(9, after, topic, v >= 5 ? 0 : 1)
    await t.end(v, after, committed)
    await t.noteLog(topic, 4)
  })
}

perVersion('Produce {v}: a partition that was not added', versionsOf(Produce), async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const who = await t.begun()
  await t.produce(v, who, topic)
  await t.produce(v, who, topic, 1)
  await t.produce(v, { ...who, producerEpoch: 3 }, topic)
  await t.produce(v, { ...who, producerId: who.producerId + 1_000_000 }, topic)
  await t.produce(v, absent, topic)
  await t.produce(v, { ...who, transactionalId: '' }, topic)
})

perVersion('Produce {v}: in a transaction', versionsOf(Produce), async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const who = await t.begun()
  await t.quietAdd(who, topic.name)
  await t.produce(v, who, topic)
  await t.produce(v, who, topic)
  await t.produce(v, who, topic, 1)
  await t.produce(v, who, topic, 5)
  const { producerId, producerEpoch } = who
  const plain = batch(['x'], { producerId, producerEpoch, baseSequence: 2 })
  const data = v >= 13 ? { topicId: topic.id } : { name: topic.name }
  const topicData = [{ ...data, partitionData: [{ index: 0, records: plain }] }]
  await c.send(Produce, v, { acks: -1, timeoutMs: 5000, topicData })
  await t.end(v >= 12 ? 5 : 3, who, false)
  await t.noteLog(topic, 3)
  await t.completed(who)
  await t.produce(v, who, topic, 2)
})

perVersion('Produce {v}: a new epoch that does not begin at 0, and two producers', [9, 12], async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic({ partitions: 2 })
  const [one, other] = [await t.begun(), await t.begun()]
  await t.quietAdd(one, topic.name)
  await t.produce(v, one, topic, 4)
  const records = ({ producerId, producerEpoch }: Identity) =>
    batch(['a'], { transactional: true, producerId, producerEpoch, baseSequence: 0 })
  const partitionData = [
    { index: 0, records: records(one) },
    { index: 1, records: records(other) },
  ]
  const { transactionalId } = one
  await c.send(Produce, v, {
    transactionalId,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic.name, partitionData }],
  })
})

perVersion('Produce {v}: a transactional batch beside a plain one, without transactional id', [9, 12], async (c, v) => {
  const topic = await c.setUpTopic({ partitions: 2 })
  const transactional = batch(['a'], { transactional: true, producerId: 5, producerEpoch: 0, baseSequence: 0 })
  const partitionData = [
    { index: 0, records: batch(['a']) },
    { index: 1, records: transactional },
    { index: 9, records: batch(['a']) },
  ]
  await c.send(Produce, v, { acks: -1, timeoutMs: 5000, topicData: [{ name: topic.name, partitionData }] })
})

perVersion('WriteTxnMarkers {v}', versionsOf(WriteTxnMarkers), async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const who = await t.begun()
  await t.quietAdd(who, topic.name)
  await t.produce(9, who, topic)
  const write = (name: string, partitionIndexes: number[], more: object = {}) =>
    c.send(WriteTxnMarkers, v, {
      markers: [
        {
          producerId: who.producerId,
          producerEpoch: 0,
          transactionResult: false,
          topics: [{ name, partitionIndexes }],
          coordinatorEpoch: 5,
          transactionVersion: 0,
          ...more,
        },
      ],
    })
  await c.send(WriteTxnMarkers, v, { markers: [] })
  await write(topic.name, [0, 7])
  await write(c.name('absent'), [0])
  await write(topic.name, [0], { coordinatorEpoch: 4 })
  await write(topic.name, [0], { producerEpoch: 3, transactionResult: true })
  await write(topic.name, [0], { producerEpoch: 2 })
  await write(topic.name, [0], { producerId: who.producerId + 1_000_000, producerEpoch: 2 })
  if (v >= 2) await write(topic.name, [0], { producerEpoch: 3, transactionVersion: 2 })
  await t.noteLog(topic, v >= 2 ? 5 : 4)
})

scenario('WriteTxnMarkers v2: transaction version 2 and an open transaction', async (c) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const who = await t.begun()
  await t.quietAdd(who, topic.name)
  await t.produce(9, who, topic)
  for (const producerEpoch of [0, 1, 1]) {
    const topics = [{ name: topic.name, partitionIndexes: [0] }]
    const marker = { producerId: who.producerId, producerEpoch, topics, coordinatorEpoch: 0 }
    await c.send(WriteTxnMarkers, 2, { markers: [{ ...marker, transactionResult: true, transactionVersion: 2 }] })
  }
  await t.noteLog(topic, 3)
})

scenario('DescribeTransactions', async (c) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic({ partitions: 2 })
  const who = await t.begun()
  const describe = () => c.send(DescribeTransactions, 0, { transactionalIds: [who.transactionalId] })
  await describe()
  await t.add(3, who, topic.name, [0, 1])
  await describe()
  await t.end(3, who, true)
  await t.noteLog(topic, 1)
  await t.completed(who)
  await describe()
  await c.send(DescribeTransactions, 0, { transactionalIds: ['', c.name('unused'), who.transactionalId] })
  await c.send(DescribeTransactions, 0, { transactionalIds: [] })
})

scenario('DescribeTransactions: an id twice', async (c) => {
  const who = await new TransactionScene(c).begun()
  await c.send(DescribeTransactions, 0, { transactionalIds: [who.transactionalId, who.transactionalId] })
})

perVersion('ListTransactions {v}', versionsOf(ListTransactions), async (c, v) => {
  const t = new TransactionScene(c)
  const topic = await c.setUpTopic()
  const prefix = c.name('list')
  const [one, other] = [await t.begun(`${prefix}-a`), await t.begun(`${prefix}-b`)]
  await t.quietAdd(one, topic.name)
  const producerIdFilters = [one.producerId, other.producerId]
  const list = (more: object) => c.send(ListTransactions, v, { stateFilters: [], producerIdFilters, ...more })
  await list({})
  await list({ stateFilters: ['Ongoing'] })
  await list({ stateFilters: ['ongoing', 'Nonsense', 'Empty', 'Nonsense'] })
  await list({ stateFilters: ['Dead'] })
  await list({ producerIdFilters: [other.producerId] })
  await list({ producerIdFilters: [9_000_000] })
  if (v >= 1) for (const durationFilter of [-1, 0, 10_000_000]) await list({ durationFilter })
  if (v < 2) return
  for (const end of ['-a', '', '.*', '-[b-c]', '-A', '(?i)-A']) {
    await list({ transactionalIdPattern: `${prefix.replaceAll('.', '[.]')}${end}` })
  }
  for (const transactionalIdPattern of ['', null, '[', 'a(?=b)', '*']) await list({ transactionalIdPattern })
})

perVersion('Produce {v}: to an internal topic', [3, 8, 12], async (c, v) => {
  const t = new TransactionScene(c)
  await t.begun()
  for (const partitionIndex of [0, 99]) {
    const partitionData = [{ index: partitionIndex, records: batch(['a']) }]
    await c.send(Produce, v, { acks: -1, timeoutMs: 5000, topicData: [{ name: '__transaction_state', partitionData }] })
  }
})
