import { expect } from 'chai'
import { DeleteRecords, ErrorCode, type RequestInput } from '../../protocol/index.js'
import { batchOf, fetchNow, produceNow } from '../support/produce-fetch.js'
import { type Outcome, ReplicaBroker } from '../support/replica-broker.js'

describe('server/21-delete-records', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t')
    for (let i = 0; i < 5; i++) produceNow(broker, batchOf(broker, ['x']))
  })
  const request = (offset: number, name = 't'): RequestInput<typeof DeleteRecords> => ({
    timeoutMs: 1000,
    topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
  })
  const answerOf = (outcome: Outcome<typeof DeleteRecords>) => {
    if (typeof outcome === 'string') throw new Error(outcome)
    const { lowWatermark, errorCode } = outcome.topics[0]!.partitions[0]!
    return [errorCode, lowWatermark]
  }
  const remove = (offset: number, version = 2, name?: string) =>
    answerOf(broker.now(DeleteRecords, version, request(offset, name)))

  it('moves the log start up, in every version; below it nothing happens', () => {
    for (const version of [0, 1, 2]) expect(remove(version + 1, version)).to.deep.equal([ErrorCode.NONE, version + 1])
    expect(remove(1)).to.deep.equal([ErrorCode.NONE, 3])
    expect(fetchNow(broker, { fetchOffset: 2 }).errorCode).to.equal(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(remove(-1)).to.deep.equal([ErrorCode.NONE, 5])
  })

  it('refuses offsets beyond the high watermark and negative ones', () => {
    for (const offset of [6, -2, Number.MIN_SAFE_INTEGER]) {
      expect(remove(offset)).to.deep.equal([ErrorCode.OFFSET_OUT_OF_RANGE, -1])
    }
  })

  it('refuses topics whose policy is not to delete, internal topics and unknown ones', () => {
    broker.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
    expect(remove(0, 2, 'compacted')).to.deep.equal([ErrorCode.POLICY_VIOLATION, -1])
    expect(remove(0, 2, '__consumer_offsets')).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
    broker.createTopic('__consumer_offsets')
    expect(remove(0, 2, '__consumer_offsets')).to.deep.equal([ErrorCode.INVALID_TOPIC_EXCEPTION, -1])
    expect(remove(0, 2, 'nope')).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  })

  it('does a partition that is named twice once, with the later offset', () => {
    const partitions = [4, 2].map((offset) => ({ partitionIndex: 0, offset }))
    const outcome = broker.now(DeleteRecords, 2, { timeoutMs: 1, topics: [{ name: 't', partitions }] })
    expect(answerOf(outcome)).to.deep.equal([ErrorCode.NONE, 2])
  })

  it('needs the leader', () => {
    broker.elect('t', 0, 2)
    expect(remove(1)).to.deep.equal([ErrorCode.NOT_LEADER_OR_FOLLOWER, -1])
  })
})
