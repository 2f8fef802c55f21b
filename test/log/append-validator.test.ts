import { expect } from 'chai'
import fc from 'fast-check'
import { CompressionTypes } from 'kafkajs'
import { type AppendRules, DEFAULT_APPEND_RULES } from '../../lib/log/append-rules.js'
import {
  type AcceptedBatch,
  assignOffsets,
  codecsNeeded,
  type RefusedBatch,
  validateBatch,
} from '../../lib/log/append-validator.js'
import { compress, decompress, prepareCodec } from '../../lib/log/compression/index.js'
import {
  type BatchOptions,
  buildBatch,
  isValidBatch,
  type RecordInput,
  updateCrc,
} from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { decodeBatch } from '../../protocol/batch/records.js'
import { ErrorCode } from '../../protocol/errors.js'

const NOW = 1_700_000_000_000
const HOUR = 3_600_000
const some: RecordInput[] = [
  { key: 'a', value: 'first', timestamp: NOW - 5 },
  { key: 'b', value: null, timestamp: NOW - 2 },
  { key: '', value: 'third', timestamp: NOW - 9, headers: [{ key: 'h', value: Buffer.from('x') }] },
]

const rules = (changed: Partial<AppendRules> = {}): AppendRules => ({ ...DEFAULT_APPEND_RULES, ...changed })
const batchOf = (options: BatchOptions = {}, records: RecordInput[] = some): Buffer =>
  buildBatch(records, { compress: (code, bytes) => compress(code, bytes), ...options })

function refused(records: Buffer | null, changed: Partial<AppendRules> = {}): RefusedBatch {
  const verdict = validateBatch(records, rules(changed), NOW)
  expect(verdict.errorCode).to.not.equal(ErrorCode.NONE)
  const r = verdict as RefusedBatch
  expect(r.message).to.match(/^.+\.$/)
  return r
}

function accepted(records: Buffer, changed: Partial<AppendRules> = {}): AcceptedBatch {
  const verdict = validateBatch(records, rules(changed), NOW)
  if (verdict.errorCode !== ErrorCode.NONE) throw new Error(`refused: ${verdict.message}`)
  expect(isValidBatch(verdict.batch)).to.equal(true)
  expect(header.sizeInBytes(verdict.batch)).to.equal(verdict.batch.length)
  return verdict
}

/** A batch with one field changed and the CRC made right again. */
function poked(change: (b: Buffer) => void, options: BatchOptions = {}, records?: RecordInput[]): Buffer {
  const b = batchOf(options, records)
  change(b)
  updateCrc(b)
  return b
}

const plain = (r: AcceptedBatch) => decodeBatch(r.batch, decompress)

describe('append-validator', () => {
  before(() => prepareCodec(4))

  describe('what is taken', () => {
    it('answers what the log needs to know', () => {
      const sent = batchOf({ producerId: 9, producerEpoch: 3, baseSequence: 7, transactional: true })
      const bytes = Buffer.from(sent)
      const { batch, ...rest } = accepted(sent)
      expect(rest).to.deep.equal({
        errorCode: 0,
        rewritten: false,
        recordCount: 3,
        lastOffsetDelta: 2,
        maxTimestamp: NOW - 2,
        offsetOfMaxTimestamp: 1,
        logAppendTimeMs: -1,
        producerId: 9,
        producerEpoch: 3,
        baseSequence: 7,
        transactional: true,
        control: false,
      })
      expect(batch.buffer).to.equal(sent.buffer)
      expect(batch.equals(bytes)).to.equal(true)
    })

    it("behaviour 33: base offset and leader epoch are the broker's, and the CRC stays right", () => {
      const { batch } = accepted(batchOf({ partitionLeaderEpoch: 99 }))
      assignOffsets(batch, 2 ** 40 + 3, 12)
      expect(header.baseOffset(batch)).to.equal(2 ** 40 + 3)
      expect(header.leaderEpoch(batch)).to.equal(12)
      expect(isValidBatch(batch)).to.equal(true)
      expect(decodeBatch(batch).map((r) => r.offset)).to.deep.equal([0, 1, 2].map((i) => 2 ** 40 + 3 + i))
    })

    it('behaviour 30: stray bytes after the batch are ignored', () => {
      for (let stray = 0; stray < 12; stray++) {
        const b = batchOf()
        expect(accepted(Buffer.concat([b, Buffer.alloc(stray, 1)])).batch.length).to.equal(b.length)
      }
      // Another batch that is cut short is stray too.
      expect(accepted(Buffer.concat([batchOf(), batchOf().subarray(0, 50)])).recordCount).to.equal(3)
    })

    it('behaviour 31: deltas 0, 0, 2 of an uncompressed batch pass', () => {
      const records = some.map((r, i) => ({ ...r, offsetDelta: [0, 0, 2][i]! }))
      expect(accepted(batchOf({}, records)).lastOffsetDelta).to.equal(2)
    })

    it('behaviour 34: unused attribute bits and the LogAppendTime bit of a client', () => {
      const unused = poked((b) => {
        b[header.ATTRIBUTES] = 0x55
        b[header.ATTRIBUTES + 1]! |= 0x80
      })
      expect(header.attributes(accepted(unused).batch)).to.equal(0x5580)
      const r = accepted(batchOf({ logAppendTime: true, maxTimestamp: NOW - 1 }))
      expect(header.timestampType(r.batch)).to.equal(0)
      expect(r.maxTimestamp).to.equal(NOW - 1)
    })

    it('behaviour 49: a negative producer id is no idempotent producer', () => {
      expect(accepted(batchOf({ producerId: -5, baseSequence: -1 })).producerId).to.equal(-5)
    })

    it('a wrong maximum timestamp is put right', () => {
      const r = accepted(batchOf({ maxTimestamp: 5 }))
      expect(header.maxTimestamp(r.batch)).to.equal(NOW - 2)
    })

    for (const [name, code] of [
      ['gzip', 1],
      ['snappy', 2],
      ['lz4', 3],
      ['zstd', 4],
    ] as const) {
      it(`${name} stays as it came`, () => {
        const sent = batchOf({ compression: code })
        const r = accepted(Buffer.from(sent))
        expect(r.rewritten).to.equal(false)
        expect(r.batch.equals(sent)).to.equal(true)
        expect([r.maxTimestamp, r.offsetOfMaxTimestamp]).to.deep.equal([NOW - 2, 1])
      })
    }

    it('details 23: snappy as one raw block', () => {
      const sent = batchOf({ compression: CompressionTypes.Snappy, compress: (_c, b) => rawSnappy(b) })
      expect(plain(accepted(sent))).to.have.length(3)
    })
  })

  describe('what is refused', () => {
    const errors = (cases: [string, Buffer | null, RefusedBatch['errorCode']][]): void => {
      for (const [name, bytes, code] of cases) {
        it(name, () => {
          expect(refused(bytes).errorCode).to.equal(code)
        })
      }
    }

    const invalid = ErrorCode.INVALID_RECORD
    const corrupt = ErrorCode.CORRUPT_MESSAGE
    const magic = (value: number): Buffer => poked((b) => void (b[header.MAGIC] = value))
    const length = (value: number): Buffer => poked2((b) => header.pokeInt32(b, header.BATCH_LENGTH, value))
    const poked2 = (change: (b: Buffer) => void): Buffer => {
      const b = batchOf()
      change(b)
      return b
    }
    errors([
      ['behaviour 43: null', null, invalid],
      ['behaviour 28: empty', Buffer.alloc(0), invalid],
      ['behaviour 28: a batch without records', batchOf({}, []), invalid],
      ['behaviour 28: two batches', Buffer.concat([batchOf(), batchOf()]), invalid],
      ['behaviour 28: magic 0', magic(0), invalid],
      ['behaviour 28: magic 1', magic(1), invalid],
      ['behaviour 29: magic 3', magic(3), corrupt],
      ['behaviour 29: magic -1', magic(255), corrupt],
      ['behaviour 29: bad CRC', poked2((b) => void (b[header.CRC]! ^= 1)), corrupt],
      ['behaviour 29: a changed byte', poked2((b) => void (b[b.length - 1]! ^= 1)), corrupt],
      ['behaviour 29: a length of 48', length(48), corrupt],
      ['behaviour 29: a length of 14', length(14), corrupt],
      ['behaviour 29: a length of 13', length(13), corrupt],
      ['behaviour 29: a length of 0', length(0), corrupt],
      ['behaviour 29: a negative length', length(-100), corrupt],
      ['behaviour 30: a batch cut short', batchOf().subarray(0, 80), invalid],
      ['behaviour 30: a batch cut within its header', batchOf().subarray(0, 15), invalid],
      ['behaviour 31: base offset 1', batchOf({ baseOffset: 1 }), invalid],
      ['behaviour 31: last offset delta too small', batchOf({ lastOffsetDelta: 1 }), invalid],
      ['behaviour 31: last offset delta too large', batchOf({ lastOffsetDelta: 3 }), invalid],
      ['behaviour 31: last offset delta negative', batchOf({ lastOffsetDelta: -1 }), invalid],
      ['behaviour 31: record count too small', poked((b) => header.pokeInt32(b, header.RECORD_COUNT, 2)), invalid],
      ['behaviour 31: record count too large', poked((b) => header.pokeInt32(b, header.RECORD_COUNT, 4)), invalid],
      [
        'behaviour 31: count and last delta agree and are wrong (fewer)',
        poked((b) => header.pokeInt32(b, header.RECORD_COUNT, 2), { lastOffsetDelta: 1 }),
        invalid,
      ],
      [
        'behaviour 31: count and last delta agree and are wrong (more)',
        poked((b) => header.pokeInt32(b, header.RECORD_COUNT, 4), { lastOffsetDelta: 3 }),
        invalid,
      ],
      ['behaviour 31: record length too large', poked((b) => void (b[header.HEADER_BYTES]! += 2)), invalid],
      ['behaviour 31: record length too small', poked((b) => void (b[header.HEADER_BYTES]! -= 2)), invalid],
      [
        'behaviour 31: a gap at the end of the deltas',
        batchOf(
          {},
          some.map((r, i) => ({ ...r, offsetDelta: i * 2 })),
        ),
        invalid,
      ],
      [
        'behaviour 31: deltas with gaps, compressed',
        batchOf(
          { compression: 1 },
          some.map((r, i) => ({ ...r, offsetDelta: [0, 0, 2][i]! })),
        ),
        invalid,
      ],
      ['behaviour 31: a control batch', batchOf({ control: true }), invalid],
      ['behaviour 49: a producer id with a negative sequence', batchOf({ producerId: 4, baseSequence: -1 }), invalid],
    ])

    it('behaviour 32: codecs 5, 6 and 7, and bytes that are not of their codec', () => {
      for (const code of [5, 6, 7]) {
        expect(refused(poked((b) => void (b[header.ATTRIBUTES + 1] = code))).errorCode).to.equal(-1)
      }
      for (const code of [1, 2, 3, 4]) {
        const garbage = batchOf({ compression: code, compress: () => Buffer.from('this is no compressed data at all') })
        expect(refused(garbage).errorCode, `codec ${code}`).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
      }
    })

    it('behaviour 35: a timestamp more than an hour ahead; any past one is fine', () => {
      const at = (timestamp: number) =>
        batchOf({}, [
          { value: 'x', timestamp: NOW },
          { value: 'y', timestamp },
        ])
      const r = refused(at(NOW + HOUR + 1))
      expect(r.errorCode).to.equal(ErrorCode.INVALID_TIMESTAMP)
      expect(r.recordErrors.map((e) => e.batchIndex)).to.deep.equal([1])
      accepted(at(NOW + HOUR))
      accepted(at(NOW + 59 * 60_000))
      accepted(at(0))
      accepted(at(-1))
      expect(refused(at(NOW - 1001), { timestampBeforeMaxMs: 1000 }).errorCode).to.equal(ErrorCode.INVALID_TIMESTAMP)
      accepted(at(NOW - 1000), { timestampBeforeMaxMs: 1000 })
      expect(refused(at(Number.MAX_SAFE_INTEGER)).errorCode).to.equal(ErrorCode.INVALID_TIMESTAMP)
    })

    it('behaviour 37: keyless records on a compacted topic, named one by one', () => {
      const records: RecordInput[] = [{ value: '0' }, { key: '', value: '1' }, { key: 'k' }, { value: '3' }]
      for (const compression of [0, 1]) {
        const r = refused(batchOf({ compression }, records), { compact: true })
        expect(r.errorCode).to.equal(ErrorCode.INVALID_RECORD)
        expect(r.recordErrors.map((e) => e.batchIndex)).to.deep.equal([0, 3])
      }
      accepted(batchOf({}, records.slice(1, 3)), { compact: true })
    })

    it('names a bounded number of bad records', () => {
      const many = Array.from({ length: 5000 }, () => ({ value: null }))
      const r = refused(batchOf({}, many), { compact: true })
      expect(r.recordErrors).to.have.length(1000)
      expect(r.message).to.include('5000')
    })

    it('behaviour 38: max.message.bytes counts the whole batch', () => {
      const b = batchOf()
      accepted(b, { maxMessageBytes: b.length })
      expect(refused(b, { maxMessageBytes: b.length - 1 }).errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
    })

    it('max.decompressed.message.bytes bounds one record of a compressed batch', () => {
      const b = (compression: number) => batchOf({ compression }, [{ value: Buffer.alloc(2000) }])
      expect(refused(b(1), { maxDecompressedBytes: 1999 }).errorCode).to.equal(ErrorCode.INVALID_RECORD)
      accepted(b(1), { maxDecompressedBytes: 2100 })
      accepted(b(0), { maxDecompressedBytes: 1999 })
    })

    it('a bomb is too large before it is held in memory', () => {
      const bomb = batchOf({ compression: 1, compress: () => compress(1, Buffer.alloc(140 * 1024 * 1024), 9) })
      expect(refused(bomb).errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
    })
  })

  describe('what is changed', () => {
    it('behaviour 36: LogAppendTime stamps the batch and looks at no CreateTime', () => {
      for (const compression of [0, 3]) {
        const records = [
          { value: 'a', timestamp: NOW + 9 * HOUR },
          { value: 'b', timestamp: 1 },
        ]
        const r = accepted(batchOf({ compression }, records), {
          timestampType: 'LogAppendTime',
          timestampBeforeMaxMs: 1,
        })
        expect([r.logAppendTimeMs, r.maxTimestamp, r.offsetOfMaxTimestamp]).to.deep.equal([NOW, NOW, 0])
        expect([header.timestampType(r.batch), header.maxTimestamp(r.batch)]).to.deep.equal([1, NOW])
        expect(plain(r).map((x) => x.timestamp)).to.deep.equal([NOW, NOW])
        expect(r.rewritten).to.equal(false)
      }
      const own = batchOf({ logAppendTime: true })
      expect(refused(own, { timestampType: 'LogAppendTime' }).errorCode).to.equal(ErrorCode.INVALID_TIMESTAMP)
    })

    it('behaviour 39: compression.type compresses, recompresses and undoes', () => {
      const content = decodeBatch(batchOf())
      const types = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const
      for (const [source] of types.entries()) {
        for (const [target, compressionType] of types.entries()) {
          const sent = batchOf({ compression: source, producerId: 5, producerEpoch: 1, baseSequence: 2 })
          const r = accepted(sent, { compressionType })
          expect(r.rewritten).to.equal(source !== target)
          expect(header.compressionCode(r.batch)).to.equal(target)
          expect(plain(r)).to.deep.equal(content)
          expect([r.producerId, r.producerEpoch, r.baseSequence, r.lastOffsetDelta]).to.deep.equal([5, 1, 2, 2])
          expect(header.maxTimestamp(r.batch)).to.equal(NOW - 2)
        }
      }
    })

    it('a rewritten batch obeys LogAppendTime, renumbers gaps, and is measured again', () => {
      const gaps = some.map((r, i) => ({ ...r, offsetDelta: [0, 0, 2][i]! }))
      const r = accepted(batchOf({}, gaps), { compressionType: 'gzip', timestampType: 'LogAppendTime' })
      expect(plain(r).map((x) => [x.offset, x.timestamp])).to.deep.equal([
        [0, NOW],
        [1, NOW],
        [2, NOW],
      ])
      const own = accepted(batchOf({ logAppendTime: true, maxTimestamp: NOW - 1 }), { compressionType: 'lz4' })
      expect(plain(own).map((x) => x.timestamp)).to.deep.equal([NOW - 1, NOW - 1, NOW - 1])
      const large = batchOf({ compression: 1 }, [{ value: Buffer.alloc(5000) }])
      const verdict = refused(large, { compressionType: 'uncompressed', maxMessageBytes: 4000 })
      expect(verdict.errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
    })

    it('coordinators may write control batches, which are never compressed', () => {
      const marker = batchOf({ control: true, transactional: true, producerId: 3, producerEpoch: 0 }, some.slice(0, 1))
      const verdict = validateBatch(marker, rules({ compressionType: 'gzip' }), NOW, 'coordinator') as AcceptedBatch
      expect(verdict).to.include({ errorCode: 0, control: true, rewritten: false, transactional: true })
    })
  })

  it('never throws and never changes its mind on mutated bytes', () => {
    const strict = rules({ compact: true, compressionType: 'gzip', timestampAfterMaxMs: Number.MAX_VALUE })
    const loose = rules({ timestampType: 'LogAppendTime' })
    const edit = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 5 })
    fc.assert(
      fc.property(fc.nat(4), edit, fc.boolean(), fc.nat(20), (compression, edits, repair, cut) => {
        const b = batchOf({ compression })
        for (const [at, value] of edits) if (at < b.length) b[at] = value
        if (repair && header.sizeInBytes(b) === b.length) updateCrc(b)
        const bytes = b.subarray(0, b.length - Math.max(0, cut - 15))
        for (const r of [rules(), strict, loose]) {
          const verdict = validateBatch(Buffer.from(bytes), r, NOW)
          if (verdict.errorCode === ErrorCode.NONE) {
            expect(isValidBatch(verdict.batch)).to.equal(true)
            expect(decodeBatch(verdict.batch, decompress)).to.have.length(verdict.recordCount)
            const again = validateBatch(verdict.batch, rules({ ...r, compressionType: 'producer' }), NOW, 'coordinator')
            expect(again.errorCode === ErrorCode.NONE || r === loose).to.equal(true)
          }
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('says which codec must be prepared', () => {
    // Prepared above, or built into Node: nothing is left to await.
    expect(codecsNeeded(batchOf({ compression: 4 }), rules())).to.equal(null)
    expect(codecsNeeded(null, rules())).to.equal(null)
    expect(codecsNeeded(Buffer.alloc(3), rules())).to.equal(null)
  })
})

/** The stream format of ours holds small content in one block: what follows its header and length is the raw form. */
const rawSnappy = (b: Buffer): Buffer => compress(2, b).subarray(20)
