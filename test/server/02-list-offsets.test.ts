import { expect } from 'chai'
import { compress, prepareCodec } from '../../lib/log/compression/index.js'
import { ErrorCode, ListOffsets } from '../../protocol/index.js'
import { batchOf, produceNow } from '../support/produce-fetch.js'
import { type Outcome, ReplicaBroker } from '../support/replica-broker.js'

const VERSIONS = Array.from({ length: 11 }, (_, index) => index + 1)

describe('server/02-list-offsets', () => {
  let broker: ReplicaBroker
  let start: number
  beforeEach(() => {
    broker = new ReplicaBroker()
    broker.createTopic('t', { partitions: 2 })
    start = broker.clock.now()
  })
  /** A batch with these timestamps, relative to the start. */
  const append = (...timestamps: number[]) => {
    const records = timestamps.map((at) => ({ value: 'x', timestamp: start + at }))
    expect(produceNow(broker, batchOf(broker, records)).errorCode).to.equal(ErrorCode.NONE)
  }
  interface Asked {
    topic?: string
    partitionIndex?: number
    currentLeaderEpoch?: number
    isolationLevel?: number
    replicaId?: number
  }
  const request = (timestamp: number, { topic = 't', isolationLevel = 0, replicaId = -1, ...more }: Asked = {}) => ({
    replicaId,
    isolationLevel,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp, ...more }] }],
  })
  const answerOf = (outcome: Outcome<typeof ListOffsets>) => {
    if (typeof outcome === 'string') throw new Error(outcome)
    return outcome.topics[0]!.partitions[0]!
  }
  const list = (timestamp: number, version = 7, asked?: Asked) =>
    answerOf(broker.now(ListOffsets, version, request(timestamp, asked)))

  it('answers earliest and latest in every version', () => {
    append(0, 1, 2)
    broker.partition('t').deleteRecords(1)
    for (const version of VERSIONS) {
      const epoch = version >= 4 ? 0 : -1
      const none = { errorCode: ErrorCode.NONE, timestamp: -1, leaderEpoch: epoch }
      expect(list(-1, version), `v${version}`).to.include({ ...none, offset: 3 })
      expect(list(-2, version), `v${version}`).to.include({ ...none, offset: 1 })
    }
  })

  it('behaviour 60, details 7: the named offsets need their versions, below them and below -6 UNSUPPORTED_VERSION', () => {
    append(5, 9, 9, 7)
    const since = new Map([
      [-3, 7],
      [-4, 8],
      [-5, 9],
      [-6, 11],
      [-7, 99],
    ])
    for (const [timestamp, minVersion] of since) {
      for (const version of VERSIONS) {
        const expected = version >= minVersion ? ErrorCode.NONE : ErrorCode.UNSUPPORTED_VERSION
        expect(list(timestamp, version).errorCode, `${timestamp} v${version}`).to.equal(expected)
      }
    }
    expect(list(-3, 7)).to.include({ offset: 1, timestamp: start + 9, leaderEpoch: 0 })
    expect(list(-4, 8)).to.include({ offset: 0, timestamp: -1 })
    for (const timestamp of [-5, -6]) expect(list(timestamp, 11)).to.include({ offset: -1, timestamp: -1 })
  })

  it('behaviour 61, details 7: by time: the first record at or after it, with its own timestamp; none is -1 without an error', () => {
    append(0, 10)
    append(20, 15)
    expect(list(start)).to.include({ offset: 0, timestamp: start, leaderEpoch: 0 })
    expect(list(start + 5)).to.include({ offset: 1, timestamp: start + 10 })
    expect(list(start + 12)).to.include({ offset: 2, timestamp: start + 20 })
    expect(list(start + 21)).to.include({ errorCode: ErrorCode.NONE, offset: -1, timestamp: -1, leaderEpoch: -1 })
    expect(list(0)).to.include({ offset: 0 })
  })

  it('behaviour 61, details 7: looks into compressed batches', async () => {
    await prepareCodec(4)
    for (const compression of [1, 4]) {
      const records = [0, 50].map((at) => ({ value: 'x', timestamp: start + compression * 100 + at }))
      produceNow(broker, batchOf(broker, records, { compression, compress }))
    }
    expect(list(start + 101)).to.include({ offset: 1, timestamp: start + 150 })
    expect(list(start + 401)).to.include({ offset: 3, timestamp: start + 450 })
  })

  it('behaviour 61, details 7: the same partition twice is INVALID_REQUEST for it alone, once', () => {
    const partitions = [0, 1, 0].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    const outcome = broker.now(ListOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions }] })
    if (typeof outcome === 'string') throw new Error(outcome)
    expect(outcome.topics[0]!.partitions.map((one) => one.errorCode)).to.deep.equal([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.NONE,
    ])
  })

  it('behaviour 62, details 7: latest with read_committed is the last stable offset; by time nothing beyond it is found', () => {
    append(0)
    const batch = batchOf(broker, ['tx'], { transactional: true, producerId: 9, producerEpoch: 0, baseSequence: 0 })
    broker.partition('t').append(batch, -1, start)
    append(30)
    expect(list(-1, 7, { isolationLevel: 1 })).to.include({ offset: 1 })
    expect(list(-1, 7)).to.include({ offset: 3 })
    expect(list(start + 20, 7, { isolationLevel: 1 })).to.include({ errorCode: ErrorCode.NONE, offset: -1 })
    expect(list(start + 20, 7)).to.include({ offset: 2 })
  })

  it('behaviour 62, details 7: carries the leader epoch: 0 on a fresh topic, -1 before v4', () => {
    expect(list(-1, 4)).to.include({ offset: 0, leaderEpoch: 0 })
    expect(list(-2, 4)).to.include({ offset: 0, leaderEpoch: 0 })
    expect(list(-1, 3)).to.include({ leaderEpoch: -1 })
    broker.elect('t', 0, 1)
    expect(list(-1, 4)).to.include({ leaderEpoch: 1 })
  })

  it('checks the leader and its epoch', () => {
    expect(list(-1, 7, { currentLeaderEpoch: 1 }).errorCode).to.equal(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(list(-1, 7, { topic: 'nope' })).to.include({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, offset: -1 })
    expect(list(-1, 7, { partitionIndex: 5 }).errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    broker.elect('t', 0, 2)
    expect(list(-1, 7, { currentLeaderEpoch: 0 }).errorCode).to.equal(ErrorCode.FENCED_LEADER_EPOCH)
    expect(list(-1, 7).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(list(-1, 7, { replicaId: -2 }).errorCode).to.equal(ErrorCode.NONE)
  })

  it('waits for a new leader’s first commit before it tells the end (KIP-207)', () => {
    broker.createTopic('r', { replicas: [1, 2] })
    produceNow(broker, batchOf(broker, ['x']), { topic: 'r', acks: 1 })
    broker.elect('r', 0, 1)
    expect(list(-1, 7, { topic: 'r' }).errorCode).to.equal(ErrorCode.OFFSET_NOT_AVAILABLE)
    expect(list(-2, 7, { topic: 'r' }).errorCode).to.equal(ErrorCode.NONE)
    for (const version of VERSIONS) {
      const expected = version >= 5 ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.LEADER_NOT_AVAILABLE
      for (const at of [-1, start + 1])
        expect(list(at, version, { topic: 'r' }).errorCode, `v${version}`).to.equal(expected)
    }
    // A follower may be the one whom the commit waits for.
    expect(list(-1, 7, { topic: 'r', replicaId: 2 })).to.include({ errorCode: ErrorCode.NONE, offset: 1 })
    for (const replicaId of [2, -2]) {
      const late = list(start + 1_000, 7, { topic: 'r', replicaId })
      expect(late).to.include({ errorCode: ErrorCode.NONE, offset: -1, timestamp: -1 })
    }
    broker.elect('r', 0, 1, [1])
    expect(list(-1, 7, { topic: 'r' })).to.include({ errorCode: ErrorCode.NONE, offset: 1 })
  })
})
