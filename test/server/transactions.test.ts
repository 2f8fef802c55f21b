import { expect } from 'chai'
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DescribeTransactions,
  EndTxn,
  ErrorCode,
  InitProducerId,
  ListTransactions,
  Produce,
  WriteTxnMarkers,
} from '../../protocol/index.js'
import { idempotentBatch } from '../support/idempotent.js'
import { RunningNode } from '../support/running-node.js'
import { fetched, TransactionalProducer } from '../support/transactional.js'

const V1 = 9
const V2 = 12

describe('server/transactions', () => {
  let node: RunningNode
  beforeEach(async () => {
    node = await RunningNode.start()
    await node.topic('t', { 'message.timestamp.before.max.ms': String(2 ** 52) })
  })
  afterEach(() => node.close())
  const producer = (transactionalId = 'tx') => new TransactionalProducer(node.client, transactionalId)
  const begun = async () => {
    const one = producer()
    await one.init()
    return one
  }

  it('behaviour 105: a timeout of 0, below, or above the maximum, and an empty id are refused', async () => {
    const init = async (transactionalId: string, transactionTimeoutMs: number) =>
      (await node.client.send(InitProducerId, 5, { transactionalId, transactionTimeoutMs })).errorCode
    await producer().init()
    for (const timeout of [0, -1, 900_001]) {
      expect(await init('tx', timeout)).to.equal(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    }
    expect(await init('tx', 900_000)).to.equal(ErrorCode.NONE)
    expect(await init('', 60_000)).to.equal(ErrorCode.INVALID_REQUEST)
  })

  it('behaviour 106: a successor aborts what is open, gets an epoch two higher, and the predecessor is fenced', async () => {
    const old = await begun()
    await old.add(3, 't')
    await old.produce(V1, 't')
    const successor = producer()
    expect((await successor.init()).errorCode).to.equal(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(await successor.init()).to.include({ errorCode: 0, producerId: old.producerId, producerEpoch: 2 })
    expect(await old.produce(V1, 't')).to.deep.equal([ErrorCode.INVALID_PRODUCER_EPOCH, -1])
    for (const version of [0, 1, 2, 3]) {
      const code = version < 2 ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.PRODUCER_FENCED
      expect(await old.twin().end(version, true)).to.equal(code)
      expect(await old.twin().add(version, 't')).to.equal(code)
    }
    expect((await fetched(node.client, 't')).abortedTransactions).to.have.length(1)
  })

  it('behaviour 107: from version 12 on Produce adds the partition; EndTxn v5 gives the next epoch, and the marker has it', async () => {
    const one = await begun()
    expect(await one.produce(V2, 't')).to.deep.equal([0, 0])
    expect((await fetched(node.client, 't')).lastStableOffset).to.equal(0)
    expect(await one.end(5, true)).to.equal(0)
    expect(one.producerEpoch).to.equal(1)
    const { lastStableOffset, records } = await fetched(node.client, 't', 1)
    expect(lastStableOffset).to.equal(2)
    expect(records!.readInt16BE(51), 'the marker’s epoch').to.equal(1)
    expect(await one.produce(13, 't'), 'the next transaction').to.deep.equal([0, 2])
  })

  it('behaviour 108: a partition that was not added is refused', async () => {
    for (const version of [3, 9, 10, 11]) {
      const one = await begun()
      const code = version === 11 ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE
      expect(await one.produce(version, 't')).to.deep.equal([code, -1])
    }
    await node.alterBroker('transaction.partition.verification.enable', 'false')
    const one = await begun()
    expect(await one.produce(V1, 't'), 'without verification').to.deep.equal([0, 0])
  })

  it('takes no batch for the first of a transaction that overtakes one which was refused, and none of a past epoch', async () => {
    const { transactionalId, producerId, producerEpoch } = await begun()
    const send = async (baseSequence: number, epoch = producerEpoch, transactional = true) => {
      const records = idempotentBatch({ producerId, producerEpoch: epoch, baseSequence, transactional }, ['x'])
      const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
      const request = { transactionalId, acks: -1, timeoutMs: 1000, topicData }
      return (await node.client.send(Produce, V1, request)).responses[0]!.partitionResponses[0]!.errorCode
    }
    const one = producer()
    Object.assign(one, { producerId, producerEpoch })
    expect(await send(3)).to.equal(ErrorCode.INVALID_TXN_STATE)
    expect(await send(4, producerEpoch, false)).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    await one.add(3, 't')
    expect(await send(4)).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await send(3)).to.equal(ErrorCode.NONE)
    expect(await send(4)).to.equal(ErrorCode.NONE)
    expect(await one.end(3, true)).to.equal(ErrorCode.NONE)
    const markers = [{ producerId, producerEpoch: producerEpoch + 1, transactionResult: false, coordinatorEpoch: 0 }]
    const topics = [{ name: 't', partitionIndexes: [0] }]
    await node.client.send(WriteTxnMarkers, 1, { markers: markers.map((marker) => ({ ...marker, topics })) })
    expect(await send(5), 'not in the transaction, and of a past epoch').to.equal(ErrorCode.INVALID_PRODUCER_EPOCH)
  })

  it('writes no marker that is no producer’s', async () => {
    const write = async (producerId: number, producerEpoch: number) => {
      const topics = [{ name: 't', partitionIndexes: [0, 9] }]
      const marker = { producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0, topics }
      const { markers } = await node.client.send(WriteTxnMarkers, 2, { markers: [marker] })
      return markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode)
    }
    const nowhere = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(await write(-1, 0)).to.deep.equal([ErrorCode.INVALID_PRODUCER_ID_MAPPING, nowhere])
    expect(await write(5, -1)).to.deep.equal([ErrorCode.INVALID_PRODUCER_EPOCH, nowhere])
    expect((await fetched(node.client, 't')).highWatermark).to.equal(0)
    expect(await write(5, 0)).to.deep.equal([ErrorCode.NONE, nowhere])
  })

  it('behaviour 110: what EndTxn says with nothing open, and when it comes again', async () => {
    for (const version of [0, 4, 5]) {
      const one = await begun()
      expect(await one.end(version, true)).to.equal(ErrorCode.INVALID_TXN_STATE)
      const before = one.producerEpoch
      expect(await one.end(version, false)).to.equal(version === 5 ? 0 : ErrorCode.INVALID_TXN_STATE)
      expect(one.producerEpoch - before).to.equal(version === 5 ? 1 : 0)
    }
    for (const version of [3, 5]) {
      for (const commit of [true, false]) {
        const one = await begun()
        await one.add(3, 't')
        const again = one.twin()
        expect(await one.end(version, commit)).to.equal(0)
        expect(await again.twin().end(version, !commit)).to.equal(ErrorCode.INVALID_TXN_STATE)
        expect(await again.end(version, commit)).to.equal(0)
        expect(again.producerEpoch).to.equal(one.producerEpoch)
      }
    }
  })

  it('behaviours 111 and 112: a marker in each partition, also where nothing was produced, before the next request', async () => {
    const one = await begun()
    await one.add(3, 't')
    await one.end(3, true)
    expect(await fetched(node.client, 't')).to.include({ highWatermark: 1, lastStableOffset: 1 })
    expect(await one.add(3, 't'), 'the next transaction').to.equal(0)
  })

  it('an id that nobody has initialized, and a producer id of somebody else', async () => {
    await begun()
    const stranger = new TransactionalProducer(node.client, 'stranger')
    stranger.producerId = 5
    stranger.producerEpoch = 0
    expect(await stranger.add(3, 't')).to.equal(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(await stranger.end(3, true)).to.equal(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(await stranger.produce(V2, 't')).to.deep.equal([ErrorCode.INVALID_PRODUCER_ID_MAPPING, -1])
  })

  it('adds all partitions or none', async () => {
    const { transactionalId, producerId, producerEpoch } = await begun()
    const { resultsByTopicV3AndBelow: results } = await node.client.send(AddPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions: [0, 1] }],
    })
    expect(results[0]!.resultsByPartition).to.deep.equal([
      { partitionIndex: 0, partitionErrorCode: ErrorCode.OPERATION_NOT_ATTEMPTED },
      { partitionIndex: 1, partitionErrorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    const end = { transactionalId, producerId, producerEpoch, committed: true }
    expect((await node.client.send(EndTxn, 3, end)).errorCode).to.equal(ErrorCode.INVALID_TXN_STATE)
  })

  it('answers AddPartitionsToTxn v4 without a transaction with nothing', async () => {
    const answer = await node.client.send(AddPartitionsToTxn, 4, { transactions: [] })
    expect(answer).to.include({ errorCode: 0 })
    expect(answer.resultsByTransaction).to.deep.equal([])
  })

  it('lists by a pattern that has to fit the whole id, and refuses what is none', async () => {
    await begun()
    const list = async (transactionalIdPattern: string) => {
      const filters = { stateFilters: ['Empty', 'Nonsense'], producerIdFilters: [] }
      const answer = await node.client.send(ListTransactions, 2, { ...filters, transactionalIdPattern })
      return { ...answer, transactionStates: answer.transactionStates.map((one) => one.transactionalId) }
    }
    expect(await list('t.')).to.include({ errorCode: 0 })
    expect((await list('t.')).unknownStateFilters).to.deep.equal(['Nonsense'])
    expect((await list('t.')).transactionStates).to.deep.equal(['tx'])
    expect((await list('t')).transactionStates).to.deep.equal([])
    const before = performance.now()
    await list(`${'(x+)+'.repeat(20)}y`)
    expect(performance.now() - before, 'ms').to.be.below(1000)
    for (const pattern of ['[', '*', 'a(?=b)']) {
      expect(await list(pattern)).to.include({ errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION })
    }
  })

  it('lets no client write into the coordinator’s topic, in a transaction or not', async () => {
    const one = await begun()
    expect(await one.produce(V2, '__transaction_state')).to.deep.equal([ErrorCode.INVALID_TOPIC_EXCEPTION, -1])
    expect(await one.produce(V1, '__transaction_state')).to.deep.equal([ErrorCode.INVALID_TOPIC_EXCEPTION, -1])
  })

  it('describes what there is', async () => {
    const one = await begun()
    await one.add(3, 't')
    const transactionalIds = ['tx', 'tx', 'other', '']
    const { transactionStates } = await node.client.send(DescribeTransactions, 0, { transactionalIds })
    expect(
      transactionStates.map((each) => [each.transactionalId, each.errorCode, each.transactionState]),
    ).to.deep.equal([
      ['tx', 0, 'Ongoing'],
      ['other', ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, ''],
      ['', ErrorCode.INVALID_REQUEST, ''],
    ])
  })

  it('verifies without adding', async () => {
    const { transactionalId, producerId, producerEpoch } = await begun()
    const verify = async (epoch = producerEpoch) => {
      const topics = [{ name: 't', partitions: [0] }]
      const { resultsByTransaction } = await node.client.send(AddPartitionsToTxn, 5, {
        transactions: [{ transactionalId, producerId, producerEpoch: epoch, verifyOnly: true, topics }],
      })
      return resultsByTransaction[0]!.topicResults[0]!.resultsByPartition[0]!.partitionErrorCode
    }
    expect(await verify()).to.equal(ErrorCode.TRANSACTION_ABORTABLE)
    const one = producer()
    Object.assign(one, { producerId, producerEpoch })
    await one.add(3, 't')
    expect(await verify()).to.equal(ErrorCode.NONE)
    expect(await verify(7)).to.equal(ErrorCode.PRODUCER_FENCED)
  })

  it('ends a transaction with the offsets of a group although no group was ever heard of', async () => {
    const one = await begun()
    const { transactionalId, producerId, producerEpoch } = one
    const request = { transactionalId, producerId, producerEpoch, groupId: 'g' }
    expect((await node.client.send(AddOffsetsToTxn, 3, request)).errorCode).to.equal(0)
    expect(await one.end(3, false)).to.equal(0)
    expect((await producer().init()).errorCode).to.equal(0)
  })

  it('aborts a transaction that takes longer than its producer asked for', async () => {
    const one = producer()
    await one.init(5, { timeoutMs: 20_000 })
    await one.produce(V2, 't')
    node.clock.advance(20_000)
    expect((await fetched(node.client, 't')).lastStableOffset).to.equal(0)
    node.clock.advance(20_000)
    expect((await fetched(node.client, 't')).lastStableOffset).to.equal(2)
    // Its own next epoch is the one that fenced it: version 2 takes its end for one that comes again (as Kafka does).
    expect(await one.twin().end(5, true)).to.equal(ErrorCode.INVALID_TXN_STATE)
    expect(await one.end(3, true)).to.equal(ErrorCode.PRODUCER_FENCED)
  })
})
