import { expect } from 'chai'
import { ErrorCode, InitProducerId, Produce } from '../../protocol/index.js'
import { idempotentBatch } from '../support/idempotent.js'
import { RunningNode } from '../support/running-node.js'

describe('server/22-init-producer-id', () => {
  let node: RunningNode
  beforeEach(async () => {
    node = await RunningNode.start()
  })
  afterEach(() => node.close())
  const init = (version: number, more: { producerId?: number; producerEpoch?: number; timeout?: number } = {}) => {
    const { timeout = 60_000, ...identity } = more
    return node.client.send(InitProducerId, version, {
      transactionalId: null,
      transactionTimeoutMs: timeout,
      ...identity,
    })
  }

  it('gives every producer an id of its own, over the end of a block', async () => {
    const given = new Set<number>()
    for (let i = 0; i < 2100; i++) {
      const answer = await init(i % 6)
      expect(answer).to.include({ errorCode: 0, throttleTimeMs: 0, producerEpoch: 0 })
      given.add(answer.producerId)
    }
    expect(given.size).to.equal(2100)
  })

  it('KIP-360: a producer that names its id gets a new one; half an identity is INVALID_REQUEST', async () => {
    const { producerId } = await init(5)
    const next = await init(5, { producerId, producerEpoch: 0 })
    expect(next).to.include({ errorCode: 0, producerEpoch: 0 })
    expect(next.producerId).to.not.equal(producerId)
    const refused = { errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
    expect(await init(3, { producerId })).to.include(refused)
    expect(await init(4, { producerEpoch: 3 })).to.include(refused)
  })

  it('does not look at the timeout', async () => {
    for (const timeout of [0, -1, 2 ** 31 - 1]) expect(await init(1, { timeout })).to.include({ errorCode: 0 })
  })

  it('serves a producer from its id to a retry that was there already', async () => {
    await node.topic('t')
    const { producerId, producerEpoch } = await init(5)
    const produce = async (baseSequence: number) => {
      const records = idempotentBatch({ producerId, producerEpoch, baseSequence }, ['a', 'b'])
      const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
      const { responses } = await node.client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
      return [errorCode, baseOffset]
    }
    expect(await produce(0)).to.deep.equal([0, 0])
    expect(await produce(2)).to.deep.equal([0, 2])
    expect(await produce(0), 'again').to.deep.equal([0, 0])
    expect(await produce(6), 'a gap').to.deep.equal([ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1])
  })
})
