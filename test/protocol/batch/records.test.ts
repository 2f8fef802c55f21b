import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch, isValidBatch, type RecordInput } from '../../../protocol/batch/builder.js'
import { buildEndTxnMarker, parseControlType, parseEndTxnMarker } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import { decodeBatch, forEachBatch } from '../../../protocol/batch/records.js'
import { ProtocolError } from '../../../protocol/wire/error.js'

const bytes = fc.option(
  fc.uint8Array({ maxLength: 100 }).map((b) => Buffer.from(b)),
  { nil: null },
)
const record: fc.Arbitrary<RecordInput> = fc.record({
  key: bytes,
  value: bytes,
  timestamp: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: bytes }), { maxLength: 4 }),
})

describe('records', () => {
  it('reads back what was built', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.maxSafeNat(), (records, base) => {
        const baseOffset = Math.floor(base / 2)
        const batch = buildBatch(records, { baseOffset })
        expect(isValidBatch(batch)).to.equal(true)
        expect(header.sizeInBytes(batch)).to.equal(batch.length)
        expect(decodeBatch(batch)).to.deep.equal(records.map((r, i) => ({ ...r, offset: baseOffset + i })))
      }),
    )
  })

  it('reads lengths and deltas on both sides of every varint width', () => {
    const lengths = [0, 1, 63, 64, 8191, 8192, 20000]
    const times = [0, -1, 63, 64, -65, 8192, 2 ** 20, 2 ** 27, -(2 ** 27) - 1, 2 ** 31, 2 ** 40]
    const records = lengths.flatMap((key, i) =>
      lengths.map((value, j) => ({
        key: Buffer.alloc(key, i),
        value: Buffer.alloc(value, j),
        timestamp: times[(i * 7 + j) % times.length]!,
        headers: [],
      })),
    )
    const offsets = records.map((_r, i) => i * 300)
    const batch = buildBatch(
      records.map((r, i) => ({ ...r, offsetDelta: offsets[i]! })),
      { baseTimestamp: 0 },
    )
    expect(decodeBatch(batch)).to.deep.equal(records.map((r, i) => ({ ...r, offset: offsets[i] })))
  })

  it('keeps timestamps that need all 64 bits', () => {
    const timestamp = (2n ** 63n - 1n) as unknown as number
    const batch = buildBatch([{ timestamp: 5 }, { timestamp }], { baseTimestamp: -10 })
    expect(decodeBatch(batch).map((r) => r.timestamp)).to.deep.equal([5, timestamp])
  })

  it('refuses mutated batches with a typed error, or reads them, and never allocates by what they claim', () => {
    const good = buildBatch([
      { key: 'k', value: 'v', headers: [{ key: 'h', value: null }], timestamp: 3 },
      { value: 'some value', timestamp: 4 },
    ])
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (edits) => {
        const b = Buffer.from(good)
        for (const [at, value] of edits) b[at] = value
        try {
          decodeBatch(b, () => Buffer.alloc(0))
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('walks whole batches and stops at an incomplete one', () => {
    const one = buildBatch([{ value: 'a' }])
    const two = buildBatch([{ value: 'bb' }], { baseOffset: 1 })
    const set = Buffer.concat([one, two, one.subarray(0, 40)])
    const seen: number[] = []
    const end = forEachBatch(set, (at, size) => seen.push(at, size))
    expect(seen).to.deep.equal([0, one.length, one.length, two.length])
    expect(end).to.equal(one.length + two.length)
  })

  it('builds and reads end-of-transaction markers', () => {
    for (const type of ['commit', 'abort'] as const) {
      const batch = buildEndTxnMarker({ type, coordinatorEpoch: 7, producerId: 9, producerEpoch: 2, timestamp: 1000 })
      expect(isValidBatch(batch)).to.equal(true)
      expect([header.isControl(batch), header.isTransactional(batch)]).to.deep.equal([true, true])
      expect(header.producerId(batch)).to.equal(9)
      expect(parseEndTxnMarker(batch)).to.deep.equal({ type, coordinatorEpoch: 7 })
    }
    expect(parseEndTxnMarker(buildBatch([{ value: 'x' }]))).to.equal(null)
    expect(() => parseControlType(Buffer.alloc(3))).to.throw(ProtocolError)
    expect(parseControlType(Buffer.from('00000002', 'hex'))).to.equal(2)
  })
})
