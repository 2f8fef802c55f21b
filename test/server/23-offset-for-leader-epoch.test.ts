import { expect } from 'chai'
import { ErrorCode, OffsetForLeaderEpoch } from '../../protocol/index.js'
import { batchOf, produceNow } from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/23-offset-for-leader-epoch', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t')
  })
  const append = (count: number) => {
    for (let i = 0; i < count; i++) produceNow(broker, batchOf(broker, ['x']))
  }
  const ask = (leaderEpoch: number, more: { version?: number; currentLeaderEpoch?: number; topic?: string } = {}) => {
    const { version = 4, currentLeaderEpoch = -1, topic = 't' } = more
    const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }]
    const outcome = broker.now(OffsetForLeaderEpoch, version, { replicaId: -1, topics: [{ topic, partitions }] })
    if (typeof outcome === 'string') throw new Error(outcome)
    const answer = outcome.topics[0]!.partitions[0]!
    return [answer.errorCode, answer.leaderEpoch, answer.endOffset]
  }

  it('answers the ends of epochs (KIP-101, KIP-279), in every version', () => {
    append(2)
    broker.elect('t', 0, 1) // epoch 1 begins at 2
    append(3)
    broker.elect('t', 0, 1)
    broker.elect('t', 0, 1) // epoch 2 wrote nothing, 3 is current
    append(1)
    for (const version of [2, 3, 4]) {
      expect(ask(0, { version })).to.deep.equal([ErrorCode.NONE, 0, 2])
      expect(ask(1, { version })).to.deep.equal([ErrorCode.NONE, 1, 5])
      expect(ask(2, { version })).to.deep.equal([ErrorCode.NONE, 1, 5])
      expect(ask(3, { version })).to.deep.equal([ErrorCode.NONE, 3, 6])
      expect(ask(4, { version })).to.deep.equal([ErrorCode.NONE, -1, -1])
      expect(ask(-1, { version })).to.deep.equal([ErrorCode.NONE, -1, -1])
    }
  })

  it('knows the epoch of a fresh topic', () => {
    expect(ask(0)).to.deep.equal([ErrorCode.NONE, 0, 0])
  })

  it('checks the current leader epoch, the leader and the topic', () => {
    broker.elect('t', 0, 1)
    expect(ask(0, { currentLeaderEpoch: 0 })).to.deep.equal([ErrorCode.FENCED_LEADER_EPOCH, -1, -1])
    expect(ask(0, { currentLeaderEpoch: 2 })).to.deep.equal([ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1])
    expect(ask(0, { currentLeaderEpoch: -2 })).to.deep.equal([ErrorCode.FENCED_LEADER_EPOCH, -1, -1])
    expect(ask(0, { topic: 'nope' })).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1])
    broker.elect('t', 0, 2)
    expect(ask(0)).to.deep.equal([ErrorCode.NOT_LEADER_OR_FOLLOWER, -1, -1])
  })
})
