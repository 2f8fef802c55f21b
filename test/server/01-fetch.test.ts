import { expect } from 'chai'
import { appendMarker } from '../../lib/broker/partition/append-marker.js'
import { type Logger, silentLogger } from '../../lib/host/logger.js'
import { compress, prepareCodec } from '../../lib/log/compression/index.js'
import { buildEndTxnMarker } from '../../protocol/batch/control.js'
import * as header from '../../protocol/batch/header.js'
import { ErrorCode, Fetch, type RequestInput, ZERO_UUID } from '../../protocol/index.js'
import {
  baseOffsets,
  batchOf,
  type FetchOptions,
  fetchAnswer,
  fetchNow,
  fetchRequest,
  produceNow,
} from '../support/produce-fetch.js'
import { FakeConnection, ReplicaBroker } from '../support/replica-broker.js'

const VERSIONS = Array.from({ length: 15 }, (_, index) => index + 4)
const OUT_OF_RANGE = {
  errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
}

describe('server/01-fetch', () => {
  let broker: ReplicaBroker
  let errors: unknown[]
  beforeEach(() => {
    errors = []
    const logger: Logger = { ...silentLogger, error: (message, fields) => void errors.push(message, fields) }
    broker = new ReplicaBroker({ logger })
    broker.createTopic('t', { partitions: 3 })
  })
  afterEach(() => expect(errors).to.deep.equal([]))
  /** One batch of so many records. */
  const append = (count: number, options: { topic?: string; partition?: number; bytes?: number } = {}) => {
    const values = Array.from({ length: count }, () => 'x'.repeat(options.bytes ?? 1))
    expect(produceNow(broker, batchOf(broker, values), options).errorCode).to.equal(ErrorCode.NONE)
  }
  const fetch = (options?: FetchOptions) => fetchNow(broker, options)
  const waiting = (options: FetchOptions, connection?: FakeConnection) =>
    broker.send(Fetch, options.version ?? 12, fetchRequest(broker, { maxWaitMs: 500, ...options }), connection)
  const parked = () => broker.replicas.purgatories.fetch.size
  /** A fetch of several partitions of topic `t`. */
  const several = (
    partitions: { partition: number; partitionMaxBytes?: number; fetchOffset?: number }[],
    maxBytes = 1e6,
  ) => {
    const topics = [
      { topic: 't', partitions: partitions.map((one) => ({ fetchOffset: 0, partitionMaxBytes: 1e6, ...one })) },
    ]
    const outcome = broker.now(Fetch, 12, { maxWaitMs: 0, minBytes: 0, maxBytes, sessionEpoch: -1, topics })
    if (typeof outcome === 'string') throw new Error(outcome)
    return outcome.responses.flatMap((one) => one.partitions)
  }

  it('reads in every version', () => {
    append(2)
    append(1)
    for (const version of VERSIONS) {
      const answer = fetch({ version })
      expect(answer, `v${version}`).to.include({ errorCode: ErrorCode.NONE, highWatermark: 3, lastStableOffset: 3 })
      expect(baseOffsets(answer.records)).to.deep.equal([0, 2])
      expect(answer.abortedTransactions).to.equal(null)
      expect(answer.preferredReadReplica).to.equal(-1)
    }
  })

  it('behaviour 50, details 5: an offset inside a batch gives the whole batch; the end is empty; outside is OFFSET_OUT_OF_RANGE', () => {
    append(3)
    append(3)
    expect(baseOffsets(fetch({ fetchOffset: 4 }).records)).to.deep.equal([3])
    expect(fetch({ fetchOffset: 6 })).to.include({ errorCode: ErrorCode.NONE, highWatermark: 6 })
    expect(fetch({ fetchOffset: 6 }).records).to.have.length(0)
    expect(broker.partition('t').deleteRecords(3)).to.equal(ErrorCode.NONE)
    for (const fetchOffset of [7, 2, -1, Number.MAX_SAFE_INTEGER]) {
      expect(fetch({ fetchOffset }), `offset ${fetchOffset}`).to.include(OUT_OF_RANGE)
    }
  })

  it('behaviour 51: any error answers at once', async () => {
    const topics = [
      {
        topic: 't',
        partitions: [
          { partition: 0, fetchOffset: 0, partitionMaxBytes: 9 },
          { partition: 1, fetchOffset: 9, partitionMaxBytes: 9 },
        ],
      },
    ]
    const outcome = broker.now(Fetch, 12, { maxWaitMs: 5000, minBytes: 100, maxBytes: 100, sessionEpoch: -1, topics })
    expect(outcome).to.be.an('object')
    expect(fetchNow(broker, { topic: 'nope', maxWaitMs: 5000 }).errorCode).to.equal(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    )
    expect(parked()).to.equal(0)
  })

  it('behaviour 52, details 6: the first non-empty partition yields a whole batch whatever the limits; later ones nothing when they are used up', () => {
    append(1, { partition: 1, bytes: 500 })
    append(1, { partition: 2, bytes: 500 })
    const sizes = (...args: Parameters<typeof several>) => several(...args).map((one) => one.records!.length > 0)
    const all = [{ partition: 0 }, { partition: 1 }, { partition: 2 }]
    expect(sizes(all, 1)).to.deep.equal([false, true, false])
    expect(sizes(all, 0)).to.deep.equal([false, true, false])
    expect(
      sizes([
        { partition: 1, partitionMaxBytes: 0 },
        { partition: 2, partitionMaxBytes: 10 },
      ]),
    ).to.deep.equal([true, false])
    expect(sizes(all)).to.deep.equal([false, true, true])
  })

  it('behaviour 52, details 6: gives no more batches than fit', () => {
    for (let i = 0; i < 5; i++) append(1, { bytes: 100 })
    const size = fetch().records!.length / 5
    expect(baseOffsets(fetch({ partitionMaxBytes: size * 2 + 1 }).records)).to.deep.equal([0, 1])
    expect(baseOffsets(fetch({ maxBytes: size * 3 }).records)).to.deep.equal([0, 1, 2])
  })

  it('behaviour 53: v13+ an unknown id is UNKNOWN_TOPIC_ID, the others are served', () => {
    append(1)
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }]
    for (const unknown of ['topic-000000000000999A', ZERO_UUID]) {
      const topics = [
        { topicId: unknown, partitions },
        { topicId: broker.topicId('t'), partitions },
      ]
      const outcome = broker.now(Fetch, 13, { maxWaitMs: 500, minBytes: 1, maxBytes: 1e6, sessionEpoch: -1, topics })
      if (typeof outcome === 'string') throw new Error(outcome)
      const answers = outcome.responses.map((one) => one.partitions[0]!)
      expect(answers.map((one) => one.errorCode)).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.NONE])
      expect(baseOffsets(answers[1]!.records)).to.deep.equal([0])
    }
  })

  it('behaviour 54, details 15: the current leader epoch is checked unless negative', () => {
    broker.elect('t', 0, 1)
    broker.elect('t', 0, 1)
    append(1)
    const errorOf = (currentLeaderEpoch: number) => fetch({ currentLeaderEpoch }).errorCode
    expect([3, 2, 1, -1, -5].map(errorOf)).to.deep.equal([
      ErrorCode.UNKNOWN_LEADER_EPOCH,
      ErrorCode.NONE,
      ErrorCode.FENCED_LEADER_EPOCH,
      ErrorCode.NONE,
      ErrorCode.NONE,
    ])
  })

  it('behaviour 55: v12+ answers a diverged log with the epoch and end to truncate to', () => {
    append(3)
    broker.elect('t', 0, 1)
    append(2)
    // Epoch 0 ended at 3: offset 5 in it never existed here.
    const diverged = fetch({ fetchOffset: 5, lastFetchedEpoch: 0, maxWaitMs: 5000 })
    expect(diverged).to.include({ errorCode: ErrorCode.NONE, highWatermark: 5 })
    expect(diverged.records).to.have.length(0)
    expect(diverged.divergingEpoch).to.deep.equal({ epoch: 0, endOffset: 3 })
    const committed = fetch({ fetchOffset: 5, lastFetchedEpoch: 0, isolationLevel: 1 })
    expect(committed.abortedTransactions, 'nothing was read').to.equal(null)
    expect(baseOffsets(fetch({ fetchOffset: 3, lastFetchedEpoch: 0 }).records)).to.deep.equal([3])
    expect(baseOffsets(fetch({ fetchOffset: 3, lastFetchedEpoch: 1 }).records)).to.deep.equal([3])
    expect(fetch({ fetchOffset: 3, lastFetchedEpoch: 7 })).to.include(OUT_OF_RANGE)
  })

  it('behaviour 56: zstd is served as it is stored, v4 included', async () => {
    await prepareCodec(4)
    const records = batchOf(broker, ['zzzzzzzzzzzzzzzzzzzzzzzzzz'], { compression: 4, compress })
    expect(produceNow(broker, records, { version: 7 }).errorCode).to.equal(ErrorCode.NONE)
    for (const version of VERSIONS) {
      const answer = fetch({ version })
      expect(answer.errorCode).to.equal(ErrorCode.NONE)
      expect(header.compressionCode(answer.records!)).to.equal(4)
    }
  })

  describe('read_committed', () => {
    const transaction = { transactional: true, producerId: 9, producerEpoch: 0 }
    /** A batch within the transaction, as a coordinator-verified producer would send it. */
    const inTransaction = (baseSequence: number) => {
      const { clock } = broker
      const batch = batchOf(broker, ['t'], { ...transaction, baseSequence })
      expect(broker.partition('t').append(batch, -1, clock.now())).to.include({ errorCode: ErrorCode.NONE })
    }
    const end = (type: 'abort' | 'commit') => {
      const timestamp = broker.clock.now()
      const marker = buildEndTxnMarker({ type, coordinatorEpoch: 0, producerId: 9, producerEpoch: 0, timestamp })
      expect(broker.partition('t').appendAsCoordinator(marker, 0, timestamp)).to.include({ errorCode: ErrorCode.NONE })
    }
    const committed = (options: FetchOptions = {}) => fetch({ isolationLevel: 1, ...options })

    it('behaviour 57, details 10: shows nothing beyond the last stable offset, and waits for it', async () => {
      append(1)
      inTransaction(0)
      append(1)
      expect(committed()).to.include({ highWatermark: 3, lastStableOffset: 1 })
      expect(baseOffsets(committed().records)).to.deep.equal([0])
      expect(committed().abortedTransactions).to.deep.equal([])
      expect(baseOffsets(fetch().records)).to.deep.equal([0, 1, 2])
      const later = waiting({ fetchOffset: 1, isolationLevel: 1 })
      append(1)
      expect(parked()).to.equal(1)
      end('commit')
      expect(parked()).to.equal(0)
      const answer = fetchAnswer(await later)
      expect(baseOffsets(answer.records)).to.deep.equal([1, 2, 3, 4])
      expect(answer).to.include({ highWatermark: 5, lastStableOffset: 5 })
      expect(answer.abortedTransactions).to.deep.equal([])
    })

    it('behaviour 57, details 10: lists the aborted transactions that overlap what was read', () => {
      append(1)
      inTransaction(0)
      end('abort')
      append(1)
      expect(committed().abortedTransactions).to.deep.equal([{ producerId: 9, firstOffset: 1 }])
      expect(committed({ fetchOffset: 3 }).abortedTransactions).to.deep.equal([])
      expect(fetch().abortedTransactions).to.equal(null)
    })

    it('lists them by their first offset, whichever ended first: kafkajs does not sort', () => {
      const of = (producerId: number) => ({ producerId, producerEpoch: 0, transactional: true, baseSequence: 0 })
      for (const producerId of [1, 2])
        broker.partition('t').append(batchOf(broker, ['t'], of(producerId)), -1, broker.clock.now())
      for (const producerId of [2, 1]) {
        const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: false }
        appendMarker(broker.partition('t'), marker, 0, broker.clock.now())
      }
      const offsets = committed().abortedTransactions!.map(({ producerId, firstOffset }) => [producerId, firstOffset])
      expect(offsets).to.deep.equal([
        [1, 0],
        [2, 1],
      ])
    })
  })

  describe('sessions', () => {
    const partitionsOf = (...partitions: number[]) => [
      {
        topic: 't',
        partitions: partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1e6 })),
      },
    ]
    const session = (
      sessionId: number,
      sessionEpoch: number,
      more: Partial<RequestInput<typeof Fetch>> = {},
      version = 12,
    ) => {
      const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1e6, sessionId, sessionEpoch, topics: [], ...more }
      const outcome = broker.now(Fetch, version, request)
      if (typeof outcome === 'string') throw new Error(outcome)
      return outcome
    }
    const told = (answer: ReturnType<typeof session>) =>
      answer.responses.flatMap((one) => one.partitions.map((partition) => partition.partitionIndex))

    it('behaviour 58, details 18: a wrong epoch and an unknown id fail at top level and spoil nothing', () => {
      const { sessionId } = session(0, 0, { topics: partitionsOf(0) })
      expect(sessionId).to.be.greaterThan(0)
      const refused = { sessionId: 0, responses: [] }
      expect(session(sessionId, 5)).to.deep.include({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, ...refused })
      expect(session(sessionId + 1, 1)).to.deep.include({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ...refused })
      expect(session(sessionId, 1, {}, 13).errorCode).to.equal(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
      expect(session(sessionId, 1)).to.deep.include({ errorCode: ErrorCode.NONE, sessionId })
    })

    it('behaviour 59, details 18: records and errors come every time, the silent are left out', () => {
      append(1, { partition: 1 })
      const first = session(0, 0, { topics: partitionsOf(0, 1, 2, 7) })
      expect(told(first)).to.deep.equal([0, 1, 2, 7])
      const { sessionId } = first
      expect(told(session(sessionId, 1))).to.have.members([1, 7])
      expect(told(session(sessionId, 2))).to.have.members([1, 7])
      const moved = [{ topic: 't', partitions: [{ partition: 1, fetchOffset: 1, partitionMaxBytes: 1e6 }] }]
      const forgottenTopicsData = [{ topic: 't', partitions: [7] }]
      expect(told(session(sessionId, 3, { topics: moved, forgottenTopicsData }))).to.deep.equal([])
      append(1, { partition: 2 })
      expect(told(session(sessionId, 4))).to.deep.equal([2])
    })

    it('tells that a topic of the session is gone', () => {
      const { sessionId } = session(0, 0, { topics: partitionsOf(0) })
      broker.deleteTopic('t')
      expect(session(sessionId, 1).responses[0]!.partitions[0]!.errorCode).to.equal(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      )
      broker.createTopic('t')
      expect(told(session(sessionId, 2))).to.deep.equal([0])
    })
  })

  describe('waiting', () => {
    it('is answered in the turn of the append that satisfies it, with all that it brought', async () => {
      const first = waiting({})
      expect(parked()).to.equal(1)
      append(2)
      expect(parked()).to.equal(0)
      expect(baseOffsets(fetchAnswer(await first).records)).to.deep.equal([0])
      expect(broker.timers.size).to.equal(0)
      expect(broker.connection.listeners.size).to.equal(0)
    })

    it('waits for minBytes over all partitions', async () => {
      append(1, { bytes: 300 })
      const topics = [
        { topic: 't', partitions: [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1e6 })) },
      ]
      const later = broker.send(Fetch, 12, { maxWaitMs: 500, minBytes: 700, maxBytes: 1e6, sessionEpoch: -1, topics })
      append(1, { partition: 1, bytes: 10 })
      expect(parked()).to.equal(1)
      append(1, { partition: 1, bytes: 300 })
      expect(parked()).to.equal(0)
      const outcome = await later
      if (typeof outcome === 'string') throw new Error(outcome)
      expect(outcome.responses[0]!.partitions.map((one) => baseOffsets(one.records))).to.deep.equal([[0], [0, 1]])
    })

    it('reads again what has changed since, and answers for the others as before', async () => {
      append(2, { partition: 2 })
      const places = [0, 2, 1].map((partition) => ({
        partition,
        fetchOffset: partition === 2 ? 2 : 0,
        partitionMaxBytes: 1e6,
      }))
      const topics = [{ topic: 't', partitions: places }]
      const later = broker.send(Fetch, 12, { maxWaitMs: 500, minBytes: 1, maxBytes: 1e6, sessionEpoch: -1, topics })
      const read: number[] = []
      for (const partition of [0, 1, 2]) {
        const found = broker.partition('t', partition)
        const readAsEver = found.read.bind(found)
        found.read = (...args) => {
          read.push(partition)
          return readAsEver(...args)
        }
      }
      append(3, { partition: 1 })
      const outcome = await later
      if (typeof outcome === 'string') throw new Error(outcome)
      const answered = outcome.responses[0]!.partitions
      expect(answered.map((one) => one.partitionIndex)).to.deep.equal([0, 2, 1])
      expect(answered.map((one) => baseOffsets(one.records))).to.deep.equal([[], [], [0]])
      expect(answered.map((one) => one.highWatermark)).to.deep.equal([0, 2, 3])
      expect(read).to.deep.equal([1])
    })

    it('ends when the time is up, with what there is', async () => {
      append(1)
      const later = waiting({ minBytes: 1e5 })
      broker.clock.advance(499)
      expect(parked()).to.equal(1)
      broker.clock.advance(1)
      expect(baseOffsets(fetchAnswer(await later).records)).to.deep.equal([0])
    })

    it('does not wait at all with maxWaitMs 0 or minBytes 0', () => {
      expect(fetch({ maxWaitMs: 0 }).records).to.have.length(0)
      expect(fetch({ maxWaitMs: 5000, minBytes: 0 }).records).to.have.length(0)
    })

    it('hears of a new leader, a new epoch, a deleted topic and deleted records', async () => {
      append(3)
      const moved = waiting({ version: 10, fetchOffset: 3 })
      broker.elect('t', 0, 2)
      expect(fetchAnswer(await moved).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      broker.elect('t', 0, 1)
      const fenced = waiting({ fetchOffset: 3, currentLeaderEpoch: 2 })
      broker.elect('t', 0, 1)
      expect(fetchAnswer(await fenced).errorCode).to.equal(ErrorCode.FENCED_LEADER_EPOCH)
      const deleted = [waiting({ fetchOffset: 3 }), waiting({ version: 13, fetchOffset: 3 })]
      broker.deleteTopic('t')
      const codes = (await Promise.all(deleted)).map((outcome) => fetchAnswer(outcome).errorCode)
      expect(codes).to.deep.equal([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID])
    })

    it('leaves nothing behind when the connection goes away', async () => {
      const connection = new FakeConnection()
      const later = waiting({}, connection)
      connection.close()
      expect(await later).to.equal('closed')
      expect(parked()).to.equal(0)
      expect(broker.replicas.purgatories.fetch.watches).to.equal(0)
      expect(broker.timers.size).to.equal(0)
      expect(connection.listeners.size).to.equal(0)
    })

    it('is answered when the broker closes', async () => {
      const later = waiting({})
      broker.replicas.close()
      expect(fetchAnswer(await later).records).to.have.length(0)
    })
  })
})
