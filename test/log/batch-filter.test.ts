import { expect } from 'chai'
import { seededRandom } from '../../lib/host/random-sources.js'
import { BatchFilter, type FilterRules } from '../../lib/log/batch-filter.js'
import { CleanerTransactions } from '../../lib/log/cleaner-transactions.js'
import { CompressionCode, compress, decompress, prepareCodec } from '../../lib/log/compression/index.js'
import { OffsetMap } from '../../lib/log/offset-map.js'
import type { AbortedTransaction } from '../../lib/log/txn-index.js'
import { type BatchOptions, buildBatch, isValidBatch, type RecordInput } from '../../protocol/batch/builder.js'
import { buildEndTxnMarker } from '../../protocol/batch/control.js'
import * as header from '../../protocol/batch/header.js'
import { decodeBatch } from '../../protocol/batch/records.js'

const NOW = 1_700_000_000_000
const DELETE_RETENTION_MS = 1000
const BASE = 100

/** A filter whose map knows these last offsets and speaks for everything below 200. */
function filterOf(latest: Record<string, number>, rules: Partial<FilterRules> = {}): BatchFilter {
  const map = new OffsetMap({ memoryBytes: 240_000, loadFactor: 0.9, keysMax: 10_000 }, seededRandom(1))
  for (const [key, offset] of Object.entries(latest)) map.put(Buffer.from(key), 0, key.length, offset)
  map.reach(Math.max(199, ...Object.values(latest)))
  const transactions = new CleanerTransactions([])
  return new BatchFilter({
    map,
    transactions,
    producer: () => undefined,
    now: NOW,
    deleteRetentionMs: DELETE_RETENTION_MS,
    rest: () => null,
    ...rules,
  })
}

const batchOf = (records: readonly RecordInput[], options: BatchOptions = {}): Buffer =>
  buildBatch(records, { baseOffset: BASE, partitionLeaderEpoch: 4, baseTimestamp: NOW - 50, compress, ...options })

const three: RecordInput[] = [
  { key: 'a', value: '1', timestamp: NOW - 50, headers: [{ key: 'h', value: 'x' }] },
  { key: 'b', value: '2', timestamp: NOW - 10 },
  { key: 'c', value: '3', timestamp: NOW - 30 },
]

const seen = (batch: Buffer) =>
  decodeBatch(batch, decompress).map(({ offset, key, value, timestamp }) => [
    offset,
    String(key),
    value === null ? null : String(value),
    timestamp - NOW,
  ])

describe('batch-filter', () => {
  it('compresses a large batch again on another thread where the codec is slow', async () => {
    const value = 'v'.repeat(1000)
    const many = Array.from({ length: 600 }, (_, i) => ({ key: `k${i}`, value, timestamp: NOW - 50 }))
    const left = filterOf({ k0: 150 }).filter(batchOf(many, { compression: CompressionCode.gzip }), 0, false)
    expect(left).to.be.instanceOf(Promise)
    const batch = (await left) as Buffer
    expect(isValidBatch(batch)).to.equal(true)
    expect(seen(batch)).to.deep.equal(many.slice(1).map(({ key }, i) => [BASE + 1 + i, key, value, -50]))
    const quick = batchOf(many, { compression: CompressionCode.lz4 })
    expect(filterOf({ k0: 150 }).filter(quick, 0, false)).to.be.instanceOf(Buffer)
  })

  for (const [name, compression] of Object.entries(CompressionCode)) {
    it(`rests within a large batch, and comes to the same: ${name}`, async () => {
      await prepareCodec(compression)
      const many = Array.from({ length: 6000 }, (_, i) => ({
        key: `k${i}`,
        value: i % 7 === 0 ? null : `v${i}`.repeat(9),
      }))
      const latest = Object.fromEntries(many.flatMap(({ key }, i) => (i % 2 === 0 ? [[key, 50_000]] : [])))
      let rests = 0
      const rest = (): Promise<void> => Promise.resolve(void rests++)
      const batch = batchOf(many, { compression })
      const left = (await filterOf(latest, { rest }).filter(batch, 0, false)) as Buffer
      expect(isValidBatch(left)).to.equal(true)
      // Twice over the records, where tombstones are told from another time.
      expect(rests).to.be.above(6000 / 256 + 3000 / 256 - 4)
      const odd = many.flatMap(({ key, value }, i) => (i % 2 === 1 ? [[BASE + i, key, value, -50]] : []))
      expect(seen(left)).to.deep.equal(odd)
    })
  }

  it('leaves a batch alone whose records are all the latest, or unknown to the map', () => {
    expect(filterOf({ a: 100, b: 101, c: 102 }).filter(batchOf(three), 0, false)).to.equal('copy')
    expect(filterOf({}).filter(batchOf(three), 0, false)).to.equal('copy')
  })

  for (const compression of [0, CompressionCode.gzip, CompressionCode.snappy, CompressionCode.lz4]) {
    it(`drops what a later record replaces; the rest is as it was (codec ${compression})`, () => {
      const original = batchOf(three, { compression, producerId: 9, producerEpoch: 2, baseSequence: 7 })
      const left = filterOf({ b: 150 }).filter(original, 0, false) as Buffer
      expect(isValidBatch(left)).to.equal(true)
      expect(seen(left)).to.deep.equal([
        [100, 'a', '1', -50],
        [102, 'c', '3', -30],
      ])
      expect(decodeBatch(left, decompress)[0]!.headers[0]!.key).to.equal('h')
      for (const field of [
        header.baseOffset,
        header.lastOffset,
        header.leaderEpoch,
        header.compressionCode,
        header.producerId,
        header.producerEpoch,
        header.baseSequence,
      ]) {
        expect(field(left)).to.equal(field(original))
      }
      expect([header.recordCount(left), header.maxTimestamp(left)]).to.deep.equal([2, NOW - 30])
    })
  }

  it('keeps the append time of a LogAppendTime batch', () => {
    const original = batchOf(three, { logAppendTime: true, maxTimestamp: NOW + 5 })
    const left = filterOf({ b: 150 }).filter(original, 0, false) as Buffer
    expect(header.maxTimestamp(left)).to.equal(NOW + 5)
    expect(seen(left).map((one) => one[3])).to.deep.equal([5, 5])
  })

  it('drops a batch that loses everything, unless its header counts', () => {
    const all = { a: 150, b: 151, c: 152 }
    const original = batchOf(three, { compression: 1, producerId: 9, producerEpoch: 2, baseSequence: 7 })
    expect(filterOf(all).filter(original, 0, false)).to.equal('drop')
    const producer = {
      producerId: 9,
      producerEpoch: 2,
      coordinatorEpoch: -1,
      lastTimestamp: NOW,
      batches: [{ baseSequence: 7, lastSequence: 9, baseOffset: 100, lastOffset: 102, timestamp: NOW }],
    }
    for (const empty of [
      filterOf(all).filter(original, 0, true) as Buffer,
      filterOf(all, { producer: () => producer }).filter(original, 0, false) as Buffer,
    ]) {
      expect(empty.length).to.equal(header.HEADER_BYTES)
      expect(isValidBatch(empty)).to.equal(true)
      expect([header.recordCount(empty), header.compressionCode(empty), header.baseTimestamp(empty)]).to.deep.equal([
        0, 0, -1,
      ])
      expect([header.baseOffset(empty), header.lastOffset(empty), header.baseSequence(empty)]).to.deep.equal([
        100, 102, 7,
      ])
      expect(filterOf(all).filter(empty, 0, true), 'next time').to.equal('copy')
      expect(filterOf(all).filter(empty, 0, false), 'when it no longer counts').to.equal('drop')
    }
    producer.batches[0]!.lastOffset = 150
    expect(filterOf(all, { producer: () => producer }).filter(original, 0, false)).to.equal('drop')
  })

  it('a tombstone stays for delete.retention.ms from the first cleaning on, its time with it', () => {
    const original = batchOf([
      { key: 'a', value: null, timestamp: NOW - 50 },
      { key: 'b', value: '2', timestamp: NOW - 3_000_000_000 },
    ])
    const left = filterOf({}).filter(original, 0, false) as Buffer
    expect(isValidBatch(left)).to.equal(true)
    expect(header.attributes(left) & header.DELETE_HORIZON_BIT).to.not.equal(0)
    expect(header.baseTimestamp(left)).to.equal(NOW + DELETE_RETENTION_MS)
    expect(header.maxTimestamp(left)).to.equal(header.maxTimestamp(original))
    expect(seen(left)).to.deep.equal(seen(original))
    const later = (now: number) => filterOf({}, { now }).filter(left, 0, false)
    expect(later(NOW + DELETE_RETENTION_MS - 1)).to.equal('copy')
    const gone = later(NOW + DELETE_RETENTION_MS) as Buffer
    expect(seen(gone)).to.deep.equal([[101, 'b', '2', -3_000_000_000]])
    expect(header.baseTimestamp(gone), 'the horizon stays').to.equal(NOW + DELETE_RETENTION_MS)
  })

  it('a tombstone stays for ever when delete.retention.ms says so', () => {
    const records = [{ key: 'a', value: null, timestamp: NOW - 50 }]
    const rules = { deleteRetentionMs: Number(9223372036854775807n) }
    const first = filterOf({ a: BASE }, rules).filter(batchOf(records), 0, false) as Buffer
    expect(header.baseTimestamp(first)).to.equal(Number.MAX_SAFE_INTEGER)
    expect(seen(first)).to.deep.equal([[BASE, 'a', null, -50]])
    expect(filterOf({ a: BASE }, { ...rules, now: NOW * 100 }).filter(first, 0, false)).to.equal('copy')
  })

  it('drops records without a key', () => {
    const left = filterOf({}).filter(batchOf([{ value: 'x' }, { key: '', value: 'y' }]), 0, false) as Buffer
    expect(seen(left).map(([offset]) => offset)).to.deep.equal([101])
  })

  describe('transactions', () => {
    const aborted: AbortedTransaction = { producerId: 9, firstOffset: 100, lastOffset: 110, lastStableOffset: 111 }
    const data = batchOf(three, { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
    const marker = (type: 'abort' | 'commit') =>
      buildEndTxnMarker({ type, producerId: 9, producerEpoch: 0, coordinatorEpoch: 0, timestamp: NOW, baseOffset: 110 })

    it('an aborted one: its records go, its marker stays that once, and the index keeps the entry', () => {
      const filter = filterOf({}, { transactions: new CleanerTransactions([aborted]) })
      expect(filter.filter(data, 0, false)).to.equal('drop')
      expect(filter.aborted).to.equal(null)
      expect(filter.filter(marker('abort'), 0, false)).to.equal('copy')
      expect(filter.aborted).to.equal(aborted)
    })

    it('a committed one: its marker stays as long as there is a batch of it', () => {
      const filter = filterOf({ a: 150, b: 151, c: 152 })
      expect(filter.filter(data, 0, true)).to.be.instanceOf(Buffer)
      expect(filter.filter(marker('commit'), 0, false)).to.equal('copy')
    })

    for (const type of ['abort', 'commit'] as const) {
      it(`a marker with nothing left to end gets a horizon, and goes when it has passed (${type})`, () => {
        const left = filterOf({}).filter(marker(type), 0, false) as Buffer
        expect(isValidBatch(left)).to.equal(true)
        expect([header.isControl(left), header.baseTimestamp(left)]).to.deep.equal([true, NOW + DELETE_RETENTION_MS])
        const later = (now: number, keep = false) => filterOf({}, { now }).filter(left, 0, keep)
        expect(later(NOW + DELETE_RETENTION_MS - 1)).to.equal('copy')
        expect(later(NOW + DELETE_RETENTION_MS)).to.equal('drop')
        expect(later(NOW + DELETE_RETENTION_MS, true)).to.equal('copy')
      })
    }

    it('the marker with the epoch of a producer without batches stays', () => {
      const producer = { producerId: 9, producerEpoch: 0, coordinatorEpoch: 0, lastTimestamp: NOW, batches: [] }
      const expired = filterOf({}).filter(marker('commit'), 0, false) as Buffer
      const now = NOW + DELETE_RETENTION_MS
      expect(filterOf({}, { now, producer: () => producer }).filter(expired, 0, false)).to.equal('copy')
      const bumped = { ...producer, producerEpoch: 1 }
      expect(filterOf({}, { now, producer: () => bumped }).filter(expired, 0, false)).to.equal('drop')
    })
  })
})
