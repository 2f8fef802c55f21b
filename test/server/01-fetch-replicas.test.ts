import { expect } from 'chai'
import { ErrorCode } from '../../protocol/index.js'
import { baseOffsets, batchOf, type FetchOptions, fetchNow, produceNow } from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/01-fetch: leaders and followers', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t', { partitions: 3 })
  })
  const fetch = (options?: FetchOptions) => fetchNow(broker, options)

  it('a consumer below v11 needs the leader, from v16 on it learns who that is (KIP-951)', () => {
    broker.createTopic('f', { replicas: [2, 1] })
    for (const version of [10, 11]) {
      const expected = version === 10 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE
      expect(fetch({ version, topic: 'f' }).errorCode).to.equal(expected)
    }
    broker.createTopic('elsewhere', { replicas: [2] })
    for (const version of [15, 16]) {
      const answer = fetch({ version, topic: 'elsewhere' })
      expect(answer.errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      expect(answer.currentLeader.leaderId).to.equal(version === 16 ? 2 : -1)
    }
  })

  it('a fetch in the name of a broker that is no replica is refused', () => {
    expect(fetch({ replicaId: 5 }).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(fetch({ replicaId: 5, version: 15, currentLeaderEpoch: 0 }).errorCode).to.equal(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    )
  })

  it('a follower reads beyond the high watermark, a consumer does not', () => {
    broker.createTopic('r', { replicas: [1, 2] })
    expect(produceNow(broker, batchOf(broker, ['x']), { topic: 'r', acks: 1 }).errorCode).to.equal(ErrorCode.NONE)
    expect(fetch({ topic: 'r' })).to.include({ highWatermark: 0 })
    expect(fetch({ topic: 'r' }).records).to.have.length(0)
    expect(baseOffsets(fetch({ topic: 'r', replicaId: 2 }).records)).to.deep.equal([0])
    fetch({ topic: 'r', replicaId: 2, fetchOffset: 1 })
    expect(baseOffsets(fetch({ topic: 'r' }).records)).to.deep.equal([0])
  })
})
