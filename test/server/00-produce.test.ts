import { expect } from 'chai'
import * as fc from 'fast-check'
import { type Logger, silentLogger } from '../../lib/host/logger.js'
import { compress } from '../../lib/log/compression/index.js'
import { updateCrc } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { decodeBatch } from '../../protocol/batch/records.js'
import { ErrorCode, Produce, ZERO_UUID } from '../../protocol/index.js'
import {
  baseOffsets,
  batchOf,
  fetchNow,
  type ProduceOptions,
  produceAnswer,
  produceNow,
  produceRequest,
} from '../support/produce-fetch.js'
import { FakeConnection, ReplicaBroker } from '../support/replica-broker.js'

const VERSIONS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
const MINUTE_MS = 60_000

describe('server/00-produce', () => {
  let broker: ReplicaBroker
  let errors: unknown[]
  beforeEach(() => {
    errors = []
    const logger: Logger = { ...silentLogger, error: (message, fields) => void errors.push(message, fields) }
    broker = new ReplicaBroker({ logger })
    broker.createTopic('t', { partitions: 3 })
  })
  afterEach(() => expect(errors).to.deep.equal([]))
  const batch = (...values: string[]) => batchOf(broker, values.length === 0 ? ['a'] : values)
  const produce = (records: Buffer | null, options?: ProduceOptions) => produceNow(broker, records, options)
  /** A batch with some bytes of its header changed, and its CRC right again. */
  const patched = (patch: (bytes: Buffer) => void, ...values: string[]) => {
    const bytes = batch(...values)
    patch(bytes)
    updateCrc(bytes)
    return bytes
  }

  it('appends in every version, in the turn of the request', () => {
    VERSIONS.forEach((version, index) => {
      const answer = produce(batch('x'), { version })
      expect(answer, `v${version}`).to.include({ errorCode: ErrorCode.NONE, baseOffset: index, logAppendTimeMs: -1 })
    })
    expect(baseOffsets(fetchNow(broker).records)).to.deep.equal(VERSIONS.map((_, index) => index))
  })

  it('behaviour 25: an unknown or zero topic id is UNKNOWN_TOPIC_ID, an unknown or invalid name UNKNOWN_TOPIC_OR_PARTITION', () => {
    for (const topic of ['topic-000000000000999A', ZERO_UUID]) {
      expect(produce(batch(), { version: 13, topic }).errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_ID)
    }
    for (const topic of ['nope', '', '..', 'a b']) {
      expect(produce(batch(), { version: 12, topic })).to.include({
        errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        baseOffset: -1,
        logStartOffset: -1,
      })
    }
    expect(broker.image.topicsByName.size).to.equal(1)
  })

  it('behaviour 25: a partition that the topic does not have is UNKNOWN_TOPIC_OR_PARTITION, by name and by id', () => {
    for (const version of [12, 13]) {
      for (const partition of [3, -1]) {
        const { errorCode } = produce(batch(), { version, partition })
        expect(errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      }
    }
  })

  it('behaviour 26: other acks are INVALID_REQUIRED_ACKS and nothing is written', () => {
    for (const acks of [2, -2, 100])
      expect(produce(batch(), { acks }).errorCode).to.equal(ErrorCode.INVALID_REQUIRED_ACKS)
    expect(broker.partition('t').log.endOffset).to.equal(0)
  })

  it('behaviour 27, details 9: acks=0 has no answer; an error closes the connection', () => {
    expect(broker.now(Produce, 9, produceRequest(batch(), { acks: 0 }))).to.equal('no answer')
    expect(broker.partition('t').log.endOffset).to.equal(1)
    expect(broker.now(Produce, 9, produceRequest(batch(), { acks: 0, topic: 'nope' }))).to.equal('closed')
    const corrupt = batch()
    corrupt[corrupt.length - 1]! ^= 1
    expect(broker.now(Produce, 9, produceRequest(corrupt, { acks: 0 }))).to.equal('closed')
  })

  it('behaviour 28, details 17: no records, two batches and old message sets are INVALID_RECORD in every version', () => {
    const withoutRecords = patched((bytes) => header.pokeInt32(bytes, header.RECORD_COUNT, 0)).subarray(
      0,
      header.HEADER_BYTES,
    )
    header.pokeInt32(withoutRecords, header.BATCH_LENGTH, header.HEADER_BYTES - header.LOG_OVERHEAD)
    updateCrc(withoutRecords)
    const old = (magic: number) => {
      const bytes = batch()
      bytes[header.MAGIC] = magic
      return bytes
    }
    for (const version of VERSIONS) {
      for (const records of [Buffer.alloc(0), withoutRecords, Buffer.concat([batch(), batch()]), old(0), old(1)]) {
        expect(produce(Buffer.from(records), { version }).errorCode, `v${version}`).to.equal(ErrorCode.INVALID_RECORD)
      }
    }
  })

  it('behaviour 29: a bad CRC, a length below the header and magic 3 are CORRUPT_MESSAGE', () => {
    const badCrc = batch()
    badCrc[badCrc.length - 1]! ^= 1
    const tooShort = batch()
    header.pokeInt32(tooShort, header.BATCH_LENGTH, 10)
    const magic3 = batch()
    magic3[header.MAGIC] = 3
    for (const records of [badCrc, tooShort, magic3]) {
      expect(produce(records)).to.include({ errorCode: ErrorCode.CORRUPT_MESSAGE, logStartOffset: -1 })
    }
    expect(produce(badCrc)).to.include({ errorMessage: null })
    expect(produce(magic3)).to.have.property('errorMessage').that.includes('magic 3')
  })

  it('behaviour 30: stray bytes after the batch are ignored, a batch cut short is INVALID_RECORD', () => {
    expect(produce(Buffer.concat([batch(), Buffer.from([1, 2, 3])])).errorCode).to.equal(ErrorCode.NONE)
    expect(fetchNow(broker).records).to.have.length(batch().length)
    const whole = batch('some longer value')
    expect(produce(whole.subarray(0, whole.length - 3)).errorCode).to.equal(ErrorCode.INVALID_RECORD)
  })

  it('behaviour 31: wrong offsets, counts and control batches are INVALID_RECORD', () => {
    const cases = {
      baseOffset: patched((bytes) => header.pokeInt64(bytes, header.BASE_OFFSET, 7)),
      lastOffsetDelta: patched((bytes) => header.pokeInt32(bytes, header.LAST_OFFSET_DELTA, 4), 'a', 'b'),
      recordCount: patched((bytes) => header.pokeInt32(bytes, header.RECORD_COUNT, 3), 'a', 'b'),
      recordLength: patched((bytes) => (bytes[header.HEADER_BYTES] = 100)),
      control: patched((bytes) => (bytes[header.ATTRIBUTES + 1]! |= header.CONTROL_BIT)),
    }
    for (const [name, records] of Object.entries(cases)) {
      expect(produce(records).errorCode, name).to.equal(ErrorCode.INVALID_RECORD)
    }
  })

  it('behaviour 32: unknown codecs and compressed garbage are UNKNOWN_SERVER_ERROR', () => {
    for (const codec of [5, 6, 7, 1, 2, 3]) {
      const records = patched((bytes) => (bytes[header.ATTRIBUTES + 1] = codec), 'plainly not compressed')
      expect(produce(records).errorCode, `codec ${codec}`).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
    }
  })

  it('behaviour 33, details 16: leader epoch and base offset are the broker’s', () => {
    broker.elect('t', 0, 1)
    produce(batch('first'))
    produce(patched((bytes) => header.pokeInt32(bytes, header.LEADER_EPOCH, 77)))
    const { records } = fetchNow(broker, { fetchOffset: 1 })
    expect(header.leaderEpoch(records!)).to.equal(1)
    expect(header.baseOffset(records!)).to.equal(1)
  })

  it('behaviour 34: unused attribute bits and the LogAppendTime bit are accepted', () => {
    for (const bit of [0x80, header.TIMESTAMP_TYPE_BIT]) {
      const records = patched((bytes) => (bytes[header.ATTRIBUTES + 1]! |= bit))
      expect(produce(records).errorCode).to.equal(ErrorCode.NONE)
    }
  })

  it('behaviour 35: more than an hour ahead is INVALID_TIMESTAMP; any past is fine', () => {
    const at = (timestamp: number) => produce(batchOf(broker, [{ value: 'x', timestamp }]))
    const now = broker.clock.now()
    const ahead = at(now + 61 * MINUTE_MS)
    expect(ahead).to.include({ errorCode: ErrorCode.INVALID_TIMESTAMP, logStartOffset: 0 })
    expect(ahead.recordErrors.map((one) => one.batchIndex)).to.deep.equal([0])
    expect(at(now + 59 * MINUTE_MS).errorCode).to.equal(ErrorCode.NONE)
    expect(at(0).errorCode).to.equal(ErrorCode.NONE)
  })

  it('behaviour 36: LogAppendTime: the answer carries the time, the stored batch the bit', () => {
    broker.createTopic('log-time', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const now = broker.clock.now()
    const future = batchOf(broker, [{ value: 'x', timestamp: now + 100 * MINUTE_MS }])
    expect(produce(future, { topic: 'log-time' })).to.include({ errorCode: ErrorCode.NONE, logAppendTimeMs: now })
    const { records } = fetchNow(broker, { topic: 'log-time' })
    expect(header.timestampType(records!)).to.equal(1)
    expect(header.maxTimestamp(records!)).to.equal(now)
  })

  it('behaviour 37, details 22: records without key are refused on a compacted topic; v8+ names them', () => {
    broker.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
    const send = (version: number, keys: (string | null)[]) =>
      produce(
        batchOf(
          broker,
          keys.map((key) => ({ key, value: 'v' })),
        ),
        { version, topic: 'compacted' },
      )
    const refused = send(8, ['a', null, 'b', null])
    expect(refused.errorCode).to.equal(ErrorCode.INVALID_RECORD)
    expect(refused.recordErrors.map((one) => one.batchIndex)).to.deep.equal([1, 3])
    expect(refused.errorMessage).to.be.a('string')
    expect(send(7, [null])).to.deep.include({ errorCode: ErrorCode.INVALID_RECORD, recordErrors: [] })
    expect(send(8, ['']).errorCode).to.equal(ErrorCode.NONE)
    expect(broker.partition('compacted').log.endOffset).to.equal(1)
  })

  it('behaviour 38, details 22: the size limit counts the header and includes its value', () => {
    const size = batch('12345').length
    broker.createTopic('small', { configs: { 'max.message.bytes': String(size) } })
    expect(produce(batch('12345'), { topic: 'small' }).errorCode).to.equal(ErrorCode.NONE)
    expect(produce(batch('123456'), { topic: 'small' })).to.include({
      errorCode: ErrorCode.MESSAGE_TOO_LARGE,
      logStartOffset: -1,
    })
  })

  it('behaviour 39: compression.type makes the broker recompress, or undo compression', async () => {
    const squeezed = () =>
      batchOf(broker, ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'], { compression: 1, compress })
    for (const [type, code] of [
      ['gzip', 1],
      ['snappy', 2],
      ['lz4', 3],
      ['zstd', 4],
      ['uncompressed', 0],
    ] as const) {
      broker.createTopic(type, { configs: { 'compression.type': type } })
      const answer = produceAnswer(await broker.send(Produce, 9, produceRequest(squeezed(), { topic: type })))
      expect(answer.errorCode, type).to.equal(ErrorCode.NONE)
      expect(header.compressionCode(fetchNow(broker, { topic: type }).records!), type).to.equal(code)
    }
  })

  it('behaviour 40: the same partition twice: one answer, the later data', () => {
    const topic = (value: string) => ({ name: 't', partitionData: [{ index: 0, records: batch(value) }] })
    const outcome = broker.now(Produce, 9, { acks: 1, timeoutMs: 9, topicData: [topic('one'), topic('two')] })
    if (typeof outcome === 'string') throw new Error(outcome)
    expect(outcome.responses.flatMap((one) => one.partitionResponses)).to.have.length(1)
    expect(decodeBatch(fetchNow(broker).records!).map((record) => String(record.value))).to.deep.equal(['two'])
  })

  it('behaviour 41: the partitions of a request fail by themselves', () => {
    const partitionData = [0, 9, 1].map((index) => ({ index, records: index === 1 ? Buffer.alloc(0) : batch() }))
    const outcome = broker.now(Produce, 9, { acks: 1, timeoutMs: 9, topicData: [{ name: 't', partitionData }] })
    if (typeof outcome === 'string') throw new Error(outcome)
    const answers = outcome.responses.flatMap((one) => one.partitionResponses)
    expect(answers.map(({ index, errorCode }) => [index, errorCode])).to.deep.equal([
      [0, ErrorCode.NONE],
      [9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [1, ErrorCode.INVALID_RECORD],
    ])
  })

  it('behaviour 42: min.insync.replicas=2 on one replica does not refuse acks=-1', () => {
    broker.configure('t', 'min.insync.replicas', '2')
    expect(produce(batch(), { acks: -1 }).errorCode).to.equal(ErrorCode.NONE)
  })

  it('behaviour 43: null records are INVALID_RECORD (Kafka leaves them without an answer)', () => {
    expect(produce(null).errorCode).to.equal(ErrorCode.INVALID_RECORD)
  })

  describe('idempotent producers', () => {
    const send = (baseSequence: number, count = 1, more: { epoch?: number; id?: number } = {}) =>
      produce(
        batchOf(
          broker,
          Array.from({ length: count }, () => 'x'),
          {
            producerId: more.id ?? 5,
            producerEpoch: more.epoch ?? 0,
            baseSequence,
          },
        ),
      )

    it('behaviour 44, details 11: an unknown producer starts anywhere; then gaps are refused', () => {
      expect(send(17).errorCode).to.equal(ErrorCode.NONE)
      expect(send(19).errorCode).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(send(18).errorCode).to.equal(ErrorCode.NONE)
    })

    it('behaviour 45, details 11: a duplicate of the last five has the old offset and its timestamp', () => {
      const first = broker.clock.now()
      for (let sequence = 0; sequence < 5; sequence++) send(sequence)
      broker.clock.advance(1000)
      expect(send(0)).to.include({ errorCode: ErrorCode.NONE, baseOffset: 0, logAppendTimeMs: first })
      expect(broker.partition('t').log.endOffset).to.equal(5)
    })

    it('behaviour 46: older duplicates and partial overlaps are OUT_OF_ORDER_SEQUENCE_NUMBER', () => {
      for (let sequence = 0; sequence < 6; sequence++) send(sequence)
      expect(send(0).errorCode).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(send(5, 3).errorCode).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    })

    it('behaviour 47, details 11: a lower epoch is fenced, a higher one starts at 0 and may jump', () => {
      send(0, 1, { epoch: 3 })
      expect(send(1, 1, { epoch: 2 }).errorCode).to.equal(ErrorCode.INVALID_PRODUCER_EPOCH)
      expect(send(1, 1, { epoch: 9 }).errorCode).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(send(0, 1, { epoch: 9 }).errorCode).to.equal(ErrorCode.NONE)
    })

    it('behaviour 48, details 11: sequences wrap to 0, also inside a batch', () => {
      expect(send(2147483646, 4).errorCode).to.equal(ErrorCode.NONE)
      expect(send(2).errorCode).to.equal(ErrorCode.NONE)
    })

    it('behaviour 49: a negative sequence is INVALID_RECORD, a negative id is no id', () => {
      expect(send(-1).errorCode).to.equal(ErrorCode.INVALID_RECORD)
      expect(send(7, 1, { id: -2 }).errorCode).to.equal(ErrorCode.NONE)
      expect(send(7, 1, { id: -2 }).baseOffset).to.equal(1)
    })
  })

  it('details 17: takes zstd from v7 on', async () => {
    const records = () => patched((bytes) => (bytes[header.ATTRIBUTES + 1] = 4))
    expect(produce(records(), { version: 6 }).errorCode).to.equal(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    const answer = produceAnswer(await broker.send(Produce, 7, produceRequest(records(), {})))
    expect(answer.errorCode).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
  })

  it('behaviour 109: refuses a transactional batch without transactional id', () => {
    const transactional = { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }
    const { errorCode } = produce(batchOf(broker, ['x'], transactional))
    expect(errorCode).to.equal(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  })

  it('names the leader from v10 on when the partition is elsewhere (KIP-951)', () => {
    broker.elect('t', 0, 2)
    for (const version of [9, 10, 13]) {
      const outcome = broker.now(Produce, version, produceRequest(batch(), { version }, broker.topicId('t')))
      if (typeof outcome === 'string') throw new Error(outcome)
      const { errorCode, currentLeader } = produceAnswer(outcome)
      expect(errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      expect(currentLeader).to.deep.equal(
        version >= 10 ? { leaderId: 2, leaderEpoch: 1 } : { leaderId: -1, leaderEpoch: -1 },
      )
      const host = { nodeId: 2, host: 'host-2', port: 9092, rack: null }
      expect(outcome.nodeEndpoints).to.deep.equal(version >= 10 ? [host] : [])
    }
  })

  describe('with a follower that does not answer', () => {
    beforeEach(() => broker.createTopic('r', { replicas: [1, 2] }))

    it('acks=1 is answered at once, acks=-1 times out with its offsets', async () => {
      expect(produce(batch(), { topic: 'r', acks: 1 }).errorCode).to.equal(ErrorCode.NONE)
      const waiting = broker.send(Produce, 9, produceRequest(batch(), { topic: 'r', timeoutMs: 500 }))
      expect(broker.replicas.purgatories.produce.size).to.equal(1)
      broker.clock.advance(500)
      expect(produceAnswer(await waiting)).to.include({ errorCode: ErrorCode.REQUEST_TIMED_OUT, baseOffset: 1 })
      expect(broker.partition('r').highWatermark).to.equal(0)
    })

    it('acks=-1 is answered in the turn in which the follower has it', async () => {
      const waiting = broker.send(Produce, 9, produceRequest(batch(), { topic: 'r' }))
      fetchNow(broker, { topic: 'r', replicaId: 2, fetchOffset: 1 })
      expect(broker.replicas.purgatories.produce.size).to.equal(0)
      expect(produceAnswer(await waiting).errorCode).to.equal(ErrorCode.NONE)
    })

    it('hears of a lost leadership, of a deleted topic, of a shrunk ISR', async () => {
      const waiting = () => broker.send(Produce, 9, produceRequest(batch(), { topic: 'r' }))
      const shrunk = waiting()
      broker.configure('r', 'min.insync.replicas', '2')
      broker.elect('r', 0, 1, [1])
      expect(broker.replicas.purgatories.produce.size).to.equal(1)
      const refused = produce(batch(), { topic: 'r' })
      expect(refused).to.include({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, logStartOffset: 0, baseOffset: -1 })
      broker.elect('r', 0, 2, [1, 2])
      expect(produceAnswer(await shrunk).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      broker.elect('r', 0, 1, [1, 2])
      const deleted = waiting()
      broker.deleteTopic('r')
      expect(produceAnswer(await deleted).errorCode).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    })

    it('leaves nothing behind when the connection goes away', async () => {
      const connection = new FakeConnection()
      const waiting = broker.send(Produce, 9, produceRequest(batch(), { topic: 'r' }), connection)
      connection.close()
      expect(await waiting).to.equal('closed')
      expect(broker.replicas.purgatories.produce.size).to.equal(0)
      expect(connection.listeners.size).to.equal(0)
      expect(broker.timers.size).to.equal(0)
    })
  })

  it('survives whatever bytes come as records', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (bytes, at) => {
        const mangled = batch('some value')
        Buffer.from(bytes).copy(mangled, at)
        for (const records of [Buffer.from(bytes), mangled]) {
          produceAnswer(broker.now(Produce, 13, produceRequest(records, { version: 13, acks: 1 }, broker.topicId('t'))))
        }
      }),
      { numRuns: 200 },
    )
  })
})
