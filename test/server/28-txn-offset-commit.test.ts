import { expect } from 'chai'
import {
  AddOffsetsToTxn,
  DeleteGroups,
  ErrorCode,
  FindCoordinator,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
  TxnOffsetCommit,
} from '../../protocol/index.js'
import { RunningNode } from '../support/running-node.js'
import { TransactionalProducer } from '../support/transactional.js'

describe('server/28-txn-offset-commit', () => {
  let node: RunningNode
  let producer: TransactionalProducer
  beforeEach(async () => {
    node = await RunningNode.start()
    await node.topic('t')
    await node.client.send(FindCoordinator, 3, { key: 'g' })
    producer = new TransactionalProducer(node.client, 'tx')
    await producer.init()
  })
  afterEach(() => node.close())

  const addOffsets = async () => {
    const { transactionalId, producerId, producerEpoch } = producer
    const request = { transactionalId, producerId, producerEpoch, groupId: 'g' }
    expect((await node.client.send(AddOffsetsToTxn, 3, request)).errorCode).to.equal(0)
  }
  const commit = async (
    version: number,
    committedOffset: number,
    more: Partial<RequestInput<typeof TxnOffsetCommit>> = {},
    where: { name?: string; partitionIndex?: number } = {},
  ): Promise<number> => {
    const { transactionalId, producerId, producerEpoch } = producer
    const { name = 't', partitionIndex = 0 } = where
    const partitions = [{ partitionIndex, committedOffset, committedMetadata: 'note' }]
    const topics = [{ name, partitions }]
    const answer = await node.client.send(TxnOffsetCommit, version, {
      transactionalId,
      groupId: 'g',
      producerId,
      producerEpoch,
      topics,
      ...more,
    })
    return answer.topics[0]!.partitions[0]!.errorCode
  }
  const committed = async (requireStable = false) => {
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const answer = await node.client.send(OffsetFetch, 7, { groupId: 'g', topics, requireStable })
    const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
    return errorCode === 0 ? committedOffset : errorCode
  }
  const unstable = ErrorCode.UNSTABLE_OFFSET_COMMIT

  for (const version of [0, 1, 2, 3, 4, 5]) {
    it(`v${version}: counts when the transaction commits, and not when it aborts`, async () => {
      for (const commits of [true, false]) {
        const before = await committed()
        if (version < 5) await addOffsets()
        expect(await commit(version, commits ? 7 : 8)).to.equal(0)
        expect(await committed()).to.equal(before)
        expect(await committed(true)).to.equal(unstable)
        expect(await producer.end(version < 5 ? 3 : 5, commits)).to.equal(0)
        expect(await committed(true)).to.equal(7)
      }
    })
  }

  it('refuses a group that is not part of the transaction: before v5, where it becomes so by itself', async () => {
    for (const version of [0, 1, 2, 3]) expect(await commit(version, 1)).to.equal(ErrorCode.INVALID_TXN_STATE)
    expect(await commit(4, 1)).to.equal(ErrorCode.TRANSACTION_ABORTABLE)
    expect(await commit(5, 1)).to.equal(0)
    expect(await producer.end(5, true)).to.equal(0)
    expect(await committed(true)).to.equal(1)
  })

  it('refuses who is not the producer, fenced ones, and nobody’s id', async () => {
    const { producerId, producerEpoch } = producer
    await producer.init()
    expect(await commit(5, 1, { producerEpoch })).to.equal(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(await commit(5, 1, { producerId: producerId + 1 })).to.equal(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(await commit(5, 1, { transactionalId: 'other' })).to.equal(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    expect(await commit(5, 1, { producerId: -1, producerEpoch: -1 })).to.not.equal(0)
    expect(await committed(true)).to.equal(-1)
  })

  it('answers unknown topics by themselves and does not touch the transaction for them; an empty group id is none', async () => {
    expect(await commit(5, 1, {}, { name: 'nope' })).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await commit(5, 1, {}, { partitionIndex: 7 })).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await producer.end(4, true), 'nothing is open').to.equal(ErrorCode.INVALID_TXN_STATE)
    expect(await commit(5, 1, { groupId: '' })).to.equal(ErrorCode.INVALID_GROUP_ID)
  })

  it('KIP-447: checks generation and member', async () => {
    const member = { generationIdOrMemberEpoch: 3, memberId: 'm' }
    expect(await commit(5, 1, member), 'no group').to.equal(ErrorCode.ILLEGAL_GENERATION)
    await node.client.send(OffsetCommit, 8, {
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }],
    })
    expect(await commit(5, 1, member), 'nobody there').to.equal(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await commit(5, 1, { memberId: 'm' }), 'without generation while nobody is there').to.equal(0)
  })

  it('a commit outside of the transaction that came later stays; deleting the group drops what is pending', async () => {
    expect(await commit(5, 1)).to.equal(0)
    const partitions = [{ partitionIndex: 0, committedOffset: 50, committedMetadata: null }]
    await node.client.send(OffsetCommit, 8, { groupId: 'g', topics: [{ name: 't', partitions }] })
    await producer.end(5, true)
    expect(await committed(true)).to.equal(50)
    expect(await commit(5, 2)).to.equal(0)
    const { results } = await node.client.send(DeleteGroups, 2, { groupsNames: ['g'] })
    expect(results[0]!.errorCode).to.equal(0)
    await producer.end(5, true)
    expect(await committed(true)).to.equal(-1)
  })
})
