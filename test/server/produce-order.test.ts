import { expect } from 'chai'
import { ErrorCode, Produce } from '../../protocol/index.js'
import { batchOf, produceAnswer, produceRequest } from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/produce-order', () => {
  it('lets no request overtake one that waits for the transaction coordinator', async () => {
    for (const errorCode of [ErrorCode.NONE, ErrorCode.INVALID_TXN_STATE]) {
      let answer: (codes: readonly ErrorCode[]) => void = () => {}
      const admitted = new Promise<readonly ErrorCode[]>((resolve) => {
        answer = resolve
      })
      const broker = new ReplicaBroker({
        produceGate: { isOutdated: () => false, asks: () => true, admit: () => admitted },
      })
      broker.createTopic('t')
      const records = batchOf(broker, ['x'], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })
      const request = produceRequest(records, { version: 12, transactionalId: 'tx' })
      const produced = broker.send(Produce, 12, request)
      const [stall, ...others] = broker.connection.stalls
      expect(others).to.deep.equal([])
      const endAtStall = stall!.then(() => broker.partition('t').log.endOffset)
      answer([errorCode])
      expect(await endAtStall).to.equal(errorCode === ErrorCode.NONE ? 1 : 0)
      expect(produceAnswer(await produced).errorCode).to.equal(errorCode)
    }
  })

  it('answers a topic that is named twice once, and each of its partitions once, known or not', () => {
    const broker = new ReplicaBroker()
    broker.createTopic('t', { partitions: 2 })
    const topicData = [0, 9, 1, 9].map((index) => {
      return { name: 't', partitionData: [{ index, records: batchOf(broker, ['x']) }] }
    })
    const outcome = broker.now(Produce, 9, { acks: 1, timeoutMs: 9, topicData })
    if (typeof outcome === 'string') throw new Error(outcome)
    const answers = outcome.responses.map((one) => one.partitionResponses.map(({ index }) => index))
    expect(answers).to.deep.equal([[0, 9, 1]])
  })
})
