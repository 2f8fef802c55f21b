import { expect } from 'chai'
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DescribeTransactions,
  EndTxn,
  ListTransactions,
  OffsetFetch,
  type RequestInput,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '../../../protocol/index.js'
import { fetched, TransactionalProducer } from '../../support/transactional.js'
import type { VersionCase, World } from './world.js'

async function begun(world: World): Promise<TransactionalProducer> {
  const producer = new TransactionalProducer(world, world.name('tx'))
  expect((await producer.init()).errorCode).to.equal(0)
  return producer
}

const addPartitionsToTxn: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const producer = await begun(world)
  expect(await producer.add(version, name)).to.equal(0)
  expect(await producer.produce(9, name)).to.deep.equal([0, 0])
}

const addOffsetsToTxn: VersionCase = async (world, version) => {
  const { transactionalId, producerId, producerEpoch } = await begun(world)
  const request = { transactionalId, producerId, producerEpoch, groupId: world.name('group') }
  expect(await world.send(AddOffsetsToTxn, version, request)).to.deep.equal({ throttleTimeMs: 0, errorCode: 0 })
  const { transactionStates } = await world.send(DescribeTransactions, 0, { transactionalIds: [transactionalId] })
  expect(transactionStates[0]!.topics.map(({ topic }) => topic)).to.deep.equal(['__consumer_offsets'])
}

const txnOffsetCommit: VersionCase = async (world, version) => {
  const topic = await world.topic()
  const groupId = world.name('group')
  const producer = await begun(world)
  const { transactionalId, producerId, producerEpoch } = producer
  const identity = { transactionalId, producerId, producerEpoch }
  if (version < 5) await world.send(AddOffsetsToTxn, 3, { ...identity, groupId })
  const named = version >= 6 ? { topicId: topic.topicId } : { name: topic.name }
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }]
  const answer = await world.send(TxnOffsetCommit, version, {
    ...identity,
    groupId,
    topics: [{ ...named, partitions }],
  })
  expect(answer.topics).to.have.length(1)
  expect(answer.topics[0]).to.include(named)
  expect(answer.topics[0]!.partitions).to.deep.equal([{ partitionIndex: 0, errorCode: 0 }])
  const committed = async () => {
    const topics = [{ name: topic.name, partitionIndexes: [0] }]
    const { topics: found } = await world.send(OffsetFetch, 7, { groupId, topics, requireStable: true })
    const { errorCode, committedOffset } = found[0]!.partitions[0]!
    return [errorCode, committedOffset]
  }
  expect(await committed()).to.deep.equal([88, -1])
  expect(await producer.end(version >= 5 ? 5 : 3, true)).to.equal(0)
  expect(await committed()).to.deep.equal([0, 7])
}

const endTxn: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  for (const committed of [true, false]) {
    const producer = await begun(world)
    const { transactionalId, producerId } = producer
    await producer.add(3, name)
    const [, baseOffset] = await producer.produce(9, name)
    const request = { transactionalId, producerId, producerEpoch: 0, committed }
    const identity = version >= 5 ? { producerId, producerEpoch: 1 } : { producerId: -1, producerEpoch: -1 }
    const answer = await world.send(EndTxn, version, request)
    expect(answer).to.deep.equal({ throttleTimeMs: 0, errorCode: 0, ...identity })
    const { lastStableOffset, abortedTransactions } = await fetched(world, name, baseOffset)
    expect(lastStableOffset, 'the marker').to.equal(baseOffset + 2)
    expect(abortedTransactions).to.deep.equal(committed ? [] : [{ producerId, firstOffset: baseOffset }])
  }
}

const writeTxnMarkers: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const producer = await begun(world)
  await producer.add(3, name)
  await producer.produce(9, name)
  const { producerId } = producer
  const marker = {
    producerId,
    producerEpoch: version >= 2 ? 1 : 0,
    transactionResult: false,
    topics: [{ name, partitionIndexes: [0] }],
    coordinatorEpoch: 0,
    transactionVersion: version >= 2 ? 2 : 0,
  }
  const { markers } = await world.send(WriteTxnMarkers, version, { markers: [marker] })
  expect(markers).to.deep.equal([{ producerId, topics: [{ name, partitions: [{ partitionIndex: 0, errorCode: 0 }] }] }])
  expect((await fetched(world, name)).lastStableOffset).to.equal(2)
}

const describeTransactions: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const producer = await begun(world)
  await producer.add(3, name)
  const { transactionalId, producerId } = producer
  const { transactionStates } = await world.send(DescribeTransactions, version, { transactionalIds: [transactionalId] })
  const [described] = transactionStates
  expect(described!.transactionStartTimeMs).to.be.greaterThan(0)
  expect(transactionStates).to.deep.equal([
    {
      errorCode: 0,
      transactionalId,
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: described!.transactionStartTimeMs,
      producerId,
      producerEpoch: 0,
      topics: [{ topic: name, partitions: [0] }],
    },
  ])
}

const listTransactions: VersionCase = async (world, version) => {
  const { name } = await world.topic()
  const [open, other] = [await begun(world), await begun(world)]
  await open.add(3, name)
  const list = async (more: Partial<RequestInput<typeof ListTransactions>>) => {
    const producerIdFilters = [open.producerId, other.producerId]
    const answer = await world.send(ListTransactions, version, { stateFilters: [], producerIdFilters, ...more })
    expect(answer).to.include({ throttleTimeMs: 0, errorCode: 0 })
    return answer.transactionStates.map(({ transactionalId, transactionState }) => [transactionalId, transactionState])
  }
  const [first, second] = [
    [open.transactionalId, 'Ongoing'],
    [other.transactionalId, 'Empty'],
  ]
  expect(await list({})).to.have.deep.members([first, second])
  expect(await list({ stateFilters: ['Ongoing'] })).to.deep.equal([first])
  expect(await list({ producerIdFilters: [other.producerId] })).to.deep.equal([second])
  if (version >= 1) expect(await list({ durationFilter: 100_000, stateFilters: ['Ongoing'] })).to.deep.equal([])
  if (version >= 2) expect(await list({ transactionalIdPattern: `.*${other.transactionalId}` })).to.deep.equal([second])
}

export const transactionCases: ReadonlyMap<number, VersionCase> = new Map([
  [AddPartitionsToTxn.key, addPartitionsToTxn],
  [AddOffsetsToTxn.key, addOffsetsToTxn],
  [EndTxn.key, endTxn],
  [TxnOffsetCommit.key, txnOffsetCommit],
  [WriteTxnMarkers.key, writeTxnMarkers],
  [DescribeTransactions.key, describeTransactions],
  [ListTransactions.key, listTransactions],
])
