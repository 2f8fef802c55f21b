import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import { ErrorCode, Fetch, Produce } from '../../protocol/index.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/00-produce', () => {
  it('works', () => {
    const broker = new ReplicaBroker()
    broker.createTopic('t')
    const records = buildBatch([{ value: 'hello', timestamp: broker.clock.now() }])
    const response = broker.now(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    })
    expect(response).to.have.nested.property('responses[0].partitionResponses[0].errorCode', ErrorCode.NONE)
    expect(
      broker.now(Fetch, 12, {
        maxWaitMs: 10,
        minBytes: 1,
        maxBytes: 1000,
        topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
      }),
    ).to.have.nested.property('responses[0].partitions[0].highWatermark', 1)
  })
})
