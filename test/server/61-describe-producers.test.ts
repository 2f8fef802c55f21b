import { expect } from 'chai'
import { PartitionShardLog } from '../../lib/broker/partition/shard-log.js'
import { DescribeProducers, ErrorCode, type RequestInput } from '../../protocol/index.js'
import { idempotentBatch } from '../support/idempotent.js'
import { produceNow } from '../support/produce-fetch.js'
import { ReplicaBroker } from '../support/replica-broker.js'

describe('server/61-describe-producers', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker({ config: { 'message.timestamp.before.max.ms': String(2 ** 52) } })
    broker.createTopic('t', { partitions: 2 })
  })
  const ask = (topics: RequestInput<typeof DescribeProducers>['topics']) => {
    const outcome = broker.now(DescribeProducers, 0, { topics })
    if (typeof outcome === 'string') throw new Error(outcome)
    return outcome.topics
  }
  const ofPartition = (partitionIndex: number) =>
    ask([{ name: 't', partitionIndexes: [partitionIndex] }])[0]!.partitions[0]!

  it('tells of idempotent producers', () => {
    produceNow(broker, idempotentBatch({ producerId: 7, producerEpoch: 2, baseSequence: 0 }, ['a', 'b']))
    produceNow(broker, idempotentBatch({ producerId: 9, baseSequence: 5 }, ['a']))
    const none = { coordinatorEpoch: -1, currentTxnStartOffset: -1, lastTimestamp: 1000 }
    expect(ofPartition(0)).to.deep.equal({
      partitionIndex: 0,
      errorCode: 0,
      errorMessage: null,
      activeProducers: [
        { producerId: 7, producerEpoch: 2, lastSequence: 1, ...none },
        { producerId: 9, producerEpoch: 0, lastSequence: 5, ...none },
      ],
    })
    expect(ofPartition(1).activeProducers).to.deep.equal([])
  })

  it('tells of transactions: where the open one begins, and whose marker came last', () => {
    const log = new PartitionShardLog(broker.partition('t'))
    const producer = { producerId: 7, producerEpoch: 1 }
    const record = { key: Buffer.from('k'), value: null }
    log.append([record, record], 1000)
    log.append([record, record], 2000, producer)
    const [open] = ofPartition(0).activeProducers
    // A coordinator's batches have no sequences.
    expect(open).to.deep.equal({
      ...producer,
      lastSequence: -1,
      lastTimestamp: 2000,
      coordinatorEpoch: -1,
      currentTxnStartOffset: 2,
    })
    log.appendMarker({ ...producer, coordinatorEpoch: 3, commit: true }, 3000)
    const ended = { coordinatorEpoch: 3, currentTxnStartOffset: -1, lastTimestamp: 3000 }
    expect(ofPartition(0).activeProducers[0]).to.include(ended)
  })

  it('tells of what a follower remembers', () => {
    produceNow(broker, idempotentBatch({ producerId: 7, baseSequence: 0 }, ['a']))
    broker.elect('t', 0, 2)
    const { errorCode, activeProducers } = ofPartition(0)
    expect(errorCode).to.equal(ErrorCode.NONE)
    expect(activeProducers.map(({ producerId }) => producerId)).to.deep.equal([7])
  })

  it('answers what is not there with its error, and a partition once', () => {
    broker.createTopic('elsewhere', { replicas: [2] })
    const answers = ask([
      { name: 't', partitionIndexes: [1, 2, -1, 1] },
      { name: 'nope', partitionIndexes: [0] },
      { name: 'elsewhere', partitionIndexes: [0] },
      { name: 'a b', partitionIndexes: [0] },
    ])
    const codes = answers.map(({ name, partitions }) => [name, ...partitions.map((one) => one.errorCode)])
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(codes).to.deep.equal([
      ['t', 0, unknown, unknown],
      ['nope', unknown],
      ['elsewhere', ErrorCode.NOT_LEADER_OR_FOLLOWER],
      ['a b', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ])
    const messages = answers.map(({ partitions }) => partitions.map((one) => one.errorMessage !== null))
    expect(messages).to.deep.equal([[false, false, false], [true], [false], [true]])
  })
})
