import { expect } from 'chai'
import fc from 'fast-check'
import {
  ConsumerGroupMemberMetadataRecord,
  decode,
  decodeData,
  encode,
  encodeData,
  explain,
  explainSchema,
  Fetch,
  Heartbeat,
  ListOffsets,
  Metadata,
  messages,
  OffsetCommit,
  Produce,
  ProtocolError,
  type Schema,
  sample,
  sampleSchema,
} from '../../protocol/index.js'

const caught = (run: () => unknown): ProtocolError => {
  try {
    run()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A small seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const schemas: Schema[] = messages.flatMap((message) => [message.request, message.response])

describe('codec', () => {
  it('gives back any value that a version can carry', () => {
    fc.assert(
      fc.property(fc.nat({ max: schemas.length - 1 }), fc.nat({ max: 30 }), fc.integer(), (which, v, seed) => {
        const schema = schemas[which]!
        const { low, high } = schema.versions
        const version = low + (v % (high - low + 1))
        const value = sampleSchema(schema, version, seeded(seed))
        const bytes = encodeData(schema, version, value as never)
        const back = decodeData(schema, version, bytes)
        expect(back).to.deep.equal(value)
        expect(encodeData(schema, version, back)).to.deep.equal(bytes)
        const { error, trailingBytes } = explainSchema(schema, version, bytes)
        expect({ error, trailingBytes }).to.deep.equal({ error: undefined, trailingBytes: 0 })
      }),
      { numRuns: 2000 },
    )
  })

  it('takes every version of every message with nothing said', () => {
    for (const schema of schemas) {
      for (let version = schema.versions.low; version <= schema.versions.high; version++) {
        const bytes = encodeData(schema, version, {})
        expect(encodeData(schema, version, decodeData(schema, version, bytes))).to.deep.equal(bytes)
      }
    }
  })

  it('gives fresh defaults: no two messages share an object', () => {
    const bytes = encode(Fetch, 'request', 4, {})
    const first = decode(Fetch, 'request', 4, bytes)
    first.topics.push({} as never)
    first.forgottenTopicsData.push({} as never)
    first.replicaState.replicaId = 9
    const second = decode(Fetch, 'request', 4, bytes)
    expect(second.topics).to.deep.equal([])
    expect(second.forgottenTopicsData).to.deep.equal([])
    expect(second.replicaState.replicaId).to.equal(-1)
  })

  it('keeps int64 beyond 2^53 as a bigint', () => {
    for (const timestamp of [9223372036854775807n, -9223372036854775808n, 9007199254740993n, -9007199254740993n]) {
      const value = { topics: [{ name: 't', partitions: [{ timestamp }] }] }
      const back = decode(ListOffsets, 'request', 1, encode(ListOffsets, 'request', 1, value))
      expect(back.topics[0]!.partitions[0]!.timestamp).to.equal(timestamp)
    }
    for (const timestamp of [
      0,
      -1,
      -2,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      4294967296,
      -4294967296,
    ]) {
      const value = { topics: [{ name: 't', partitions: [{ timestamp }] }] }
      const back = decode(ListOffsets, 'request', 1, encode(ListOffsets, 'request', 1, value))
      expect(back.topics[0]!.partitions[0]!.timestamp).to.equal(timestamp)
    }
  })

  it('drops ignorable values, and refuses others, that a version cannot carry', () => {
    expect(encode(Heartbeat, 'response', 0, { throttleTimeMs: 5 })).to.deep.equal(encode(Heartbeat, 'response', 0, {}))
    const error = caught(() => encode(Heartbeat, 'request', 2, { groupInstanceId: 'i' }))
    expect(error).to.include({ code: 'FIELD_NOT_IN_VERSION', path: 'groupInstanceId' })
    expect(encode(Heartbeat, 'request', 2, { groupInstanceId: null })).to.be.instanceOf(Buffer)
    const tagged = caught(() =>
      encode(Heartbeat, 'request', 0, { unknownTaggedFields: [{ tag: 0, data: Buffer.alloc(0) }] }),
    )
    expect(tagged.code).to.equal('FIELD_NOT_IN_VERSION')
  })

  it('names the field whose value cannot be encoded', () => {
    const partition = (index: unknown) => ({
      topicData: [{ name: 'a' }, { name: 'b', partitionData: [{ index: index as number }] }],
    })
    for (const index of [2 ** 31, 1.5, Number.NaN, '1', null, {}]) {
      const error = caught(() => encode(Produce, 'request', 9, partition(index)))
      expect(error, String(index)).to.include({ code: 'INVALID_VALUE', path: 'topicData[1].partitionData[0].index' })
    }
    expect(caught(() => encode(Metadata, 'request', 0, { topics: null }))).to.include({
      code: 'NULL_NOT_ALLOWED',
      path: 'topics',
    })
    expect(caught(() => encode(Metadata, 'request', 12, { topics: [{ topicId: 'short' }] })).path).to.equal(
      'topics[0].topicId',
    )
    const long = { groupId: 'x'.repeat(32768) }
    for (const version of [0, 4])
      expect(caught(() => encode(Heartbeat, 'request', version, long)).path).to.equal('groupId')
    for (const version of [-1, 5, 0.5, Number.NaN]) {
      expect(caught(() => encode(Heartbeat, 'request', version, {})).code).to.equal('UNSUPPORTED_VERSION')
    }
  })

  it('says null for a member that is not classic, and reads an absent tag as the struct of defaults', () => {
    const { value: schema } = ConsumerGroupMemberMetadataRecord
    const absent = decodeData(schema, 0, encodeData(schema, 0, {}))
    expect(absent.classicMemberMetadata).to.deep.equal({ sessionTimeoutMs: 0, supportedProtocols: [] })
    const said = decodeData(schema, 0, encodeData(schema, 0, { classicMemberMetadata: null }))
    expect(said.classicMemberMetadata).to.equal(null)
  })
})

describe('bad input', () => {
  it('cut off at every byte is TRUNCATED or INVALID_LENGTH, with a path', () => {
    for (const schema of schemas) {
      const version = schema.versions.high
      const bytes = encodeData(schema, version, sampleSchema(schema, version, seeded(version + 1)) as never)
      const step = Math.max(1, Math.floor(bytes.length / 60))
      for (let length = 0; length < bytes.length; length += length < 40 ? 1 : step) {
        const error = caught(() => decodeData(schema, version, bytes.subarray(0, length)))
        expect(error.code, `${schema.name} ${length}`).to.be.oneOf(['TRUNCATED', 'INVALID_LENGTH'])
        expect(error.path, `${schema.name} ${length}`).to.not.equal('')
        expect(error.message).to.include(error.path)
      }
    }
  })

  it('names the path, what was wanted and what is there', () => {
    const partitionData = [{ index: 0, records: Buffer.alloc(1024) }]
    const topicData = [{ name: 'a' }, { name: 'b', partitionData }]
    const bytes = encode(Produce, 'request', 8, { topicData })
    const error = caught(() => decode(Produce, 'request', 8, bytes.subarray(0, bytes.length - 1004)))
    expect(error.message).to.equal('topicData[1].partitionData[0].records: want 1024 bytes, have 20')
  })

  it('with two billion elements, or absurd lengths, costs nothing', () => {
    const before = process.memoryUsage()
    const cases: [ProtocolError['code'], () => unknown][] = [
      ['INVALID_LENGTH', () => decode(Metadata, 'request', 1, Buffer.from('7fffffff', 'hex'))],
      ['INVALID_LENGTH', () => decode(Metadata, 'request', 9, Buffer.from('ffffffff0f', 'hex'))],
      ['INVALID_LENGTH', () => decode(Metadata, 'request', 9, Buffer.from('ffffffff07000000', 'hex'))],
      ['INVALID_VARINT', () => decode(Metadata, 'request', 9, Buffer.from('ffffffffffffffff', 'hex'))],
      ['INVALID_LENGTH', () => decode(Heartbeat, 'request', 4, Buffer.from('ffffffff0f', 'hex'))],
      ['TRUNCATED', () => decode(Heartbeat, 'request', 0, Buffer.from('7fff00', 'hex'))],
      ['NULL_NOT_ALLOWED', () => decode(Heartbeat, 'request', 0, Buffer.from('ffff0000', 'hex'))],
      ['NULL_NOT_ALLOWED', () => decode(Metadata, 'request', 0, Buffer.from('fffffffe', 'hex'))],
      [
        'TRUNCATED',
        () =>
          decode(Produce, 'request', 3, Buffer.from('ffff0001000000010000000100016100000001000000007fffffff', 'hex')),
      ],
      // A tag section of two billion tags, and one tag of two billion bytes.
      ['INVALID_LENGTH', () => decode(Heartbeat, 'response', 4, Buffer.from('000000000000ffffffff07', 'hex'))],
      ['TRUNCATED', () => decode(Heartbeat, 'response', 4, Buffer.from('0000000000000105ffffffff07', 'hex'))],
      // Five million empty names in 10 MB of zeros: they are there, but nobody needs them.
      [
        'INVALID_LENGTH',
        () => decode(Metadata, 'request', 1, Buffer.concat([Buffer.from('004c4b40', 'hex'), Buffer.alloc(10_000_000)])),
      ],
    ]
    for (const [i, [code, run]] of cases.entries()) expect(caught(run).code, `case ${i}`).to.equal(code)
    const after = process.memoryUsage()
    expect(after.heapUsed - before.heapUsed).to.be.lessThan(30_000_000)
  })

  it('takes any negative length for null where null is allowed', () => {
    expect(decode(Metadata, 'request', 1, Buffer.from('fffffffe', 'hex')).topics).to.equal(null)
    expect(decode(Metadata, 'request', 4, Buffer.from('8000000001', 'hex')).topics).to.equal(null)
  })

  it('with a wrong tag size, or a known tag before its version, is INVALID_TAG', () => {
    const good = encode(Fetch, 'request', 15, { replicaState: { replicaId: 1, replicaEpoch: 2 } })
    const at = good.indexOf(Buffer.from('01010d', 'hex')) // one tag, number 1, of 13 bytes
    const wrong = Buffer.from(good)
    wrong[at + 2]!--
    expect(caught(() => decode(Fetch, 'request', 15, wrong))).to.include({ code: 'INVALID_TAG', path: 'replicaState' })
    const early = encode(Fetch, 'request', 12, {})
    const withTag = Buffer.concat([early.subarray(0, -1), Buffer.from('01010c', 'hex'), Buffer.alloc(12)])
    expect(caught(() => decode(Fetch, 'request', 12, withTag))).to.include({
      code: 'INVALID_TAG',
      path: 'replicaState',
    })
  })

  it('left over is an error or ignored, as asked', () => {
    const bytes = Buffer.concat([encode(OffsetCommit, 'response', 2, {}), Buffer.alloc(3)])
    expect(caught(() => decode(OffsetCommit, 'response', 2, bytes)).code).to.equal('TRAILING_BYTES')
    expect(decode(OffsetCommit, 'response', 2, bytes, { trailing: 'ignore' }).topics).to.deep.equal([])
  })

  it('mutated at random is decoded or refused by decode and explain alike', () => {
    const random = seeded(42)
    let refused = 0
    for (let round = 0; round < 6000; round++) {
      const message = messages[Math.floor(random() * messages.length)]!
      const direction = random() < 0.5 ? 'request' : 'response'
      const { low, high } = message.versions
      const version = low + Math.floor(random() * (high - low + 1))
      const bytes = encode(message, direction, version, sample(message, direction, version, random))
      for (let i = 0; i <= random() * 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      const explained = explain(message, direction, version, bytes)
      try {
        decode(message, direction, version, bytes, { trailing: 'ignore' })
        expect(explained.error, message.name).to.equal(undefined)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        refused++
        expect(explained.error?.code, message.name).to.equal(error.code)
        expect(error.path, message.name).to.not.equal('')
      }
    }
    expect(refused).to.be.greaterThan(500)
  })
})

describe('explain', () => {
  it('lists every field with its place', () => {
    const bytes = encode(Heartbeat, 'request', 4, { groupId: 'g', memberId: 'm' })
    const { fields } = explain(Heartbeat, 'request', 4, bytes)
    expect(fields.map(({ path, type, offset, bytes: size, value }) => [path, type, offset, size, value])).to.deep.equal(
      [
        ['groupId', 'string', 0, 2, 'g'],
        ['generationId', 'int32', 2, 4, 0],
        ['memberId', 'string', 6, 2, 'm'],
        ['groupInstanceId', 'string', 8, 1, null],
      ],
    )
  })
})
