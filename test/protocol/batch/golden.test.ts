import { expect } from 'chai'
import { CompressionCode, decompress, prepareCodec } from '../../../lib/log/compression/index.js'
import { xxh32 } from '../../../lib/log/compression/lz4-frame.js'
import { buildBatch, isValidBatch, type RecordInput } from '../../../protocol/batch/builder.js'
import { parseControlType, parseEndTxnMarker } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import { batchHeader } from '../../../protocol/batch/header-layout.js'
import { decodeLegacyEntry, decodeRecordSet } from '../../../protocol/batch/legacy.js'
import { type DecodedRecord, decodeBatch, forEachBatch } from '../../../protocol/batch/records.js'
import { crc32, crc32c, crc32cTable } from '../../../protocol/wire/crc32c.js'
import { type GoldenBatch, type GoldenRecord, goldenJson, goldenSets } from './golden-batches.js'

const base64 = (b: Buffer | null): string | null => (b === null ? null : b.toString('base64'))
const shown = (r: DecodedRecord): object => ({
  offset: String(r.offset),
  timestamp: String(r.timestamp),
  key: base64(r.key),
  value: base64(r.value),
  headers: r.headers.map((h) => ({ key: h.key, value: base64(h.value) })),
})
const expected = (r: GoldenRecord): object => ({
  offset: r.offset,
  timestamp: r.timestamp,
  key: r.key,
  value: r.value,
  headers: r.headers ?? [],
})
const code = (name: string): number => CompressionCode[name as keyof typeof CompressionCode]
const long = (text: string): number => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)) as number

/** In messages of magic 0 the sum of an LZ4 frame's header is wrong, as Kafka made it before 0.10: over the magic number as well (KAFKA-3160). */
function decompressOld(codec: number, bytes: Buffer): Buffer {
  const isOld = codec === CompressionCode.lz4 && bytes[6] === ((xxh32(bytes, 0, 6) >>> 8) & 0xff)
  if (!isOld) return decompress(codec, bytes)
  const frame = Buffer.from(bytes)
  frame[6] = (xxh32(frame, 4, 6) >>> 8) & 0xff
  return decompress(codec, frame)
}

function checkBatch(set: Buffer, at: number, g: GoldenBatch): void {
  const one = batchHeader.decode(set, at)
  expect(header.sizeInBytes(set, at)).to.equal(g.sizeInBytes)
  expect(String(one.baseOffset)).to.equal(g.baseOffset)
  expect(String(one.baseTimestamp)).to.equal(g.baseTimestamp)
  expect(String(one.maxTimestamp)).to.equal(g.maxTimestamp)
  expect(String(one.producerId)).to.equal(g.producerId)
  expect(one).to.include({
    magic: 2,
    crc: Number(g.crc),
    attributes: g.attributes,
    lastOffsetDelta: g.lastOffsetDelta,
    partitionLeaderEpoch: g.partitionLeaderEpoch,
    producerEpoch: g.producerEpoch,
    baseSequence: g.baseSequence,
    recordCount: g.recordCount,
  })
  expect(header.compressionCode(set, at)).to.equal(code(g.compression))
  expect(header.isTransactional(set, at)).to.equal(g.transactional)
  expect(header.isControl(set, at)).to.equal(g.control)
  expect(header.timestampType(set, at)).to.equal(g.timestampType === 'LogAppendTime' ? 1 : 0)
  expect(isValidBatch(set, at)).to.equal(g.valid)
  if (!g.valid) return
  expect(decodeBatch(set, decompress, at).map(shown)).to.deep.equal(g.records!.map(expected))
}

/** The batch that our builder makes of what the vector says; only comparable when it is not compressed. */
function rebuild(g: GoldenBatch, records: readonly DecodedRecord[], carried: readonly string[]): Buffer {
  const inputs: RecordInput[] = records.map((r, i) => ({
    key: r.key,
    value: r.value,
    headers: r.headers,
    timestamp: long(carried[i]!),
    offsetDelta: Number(BigInt(r.offset) - BigInt(g.baseOffset)),
  }))
  return buildBatch(inputs, {
    baseOffset: long(g.baseOffset),
    partitionLeaderEpoch: g.partitionLeaderEpoch,
    baseTimestamp: long(g.baseTimestamp),
    maxTimestamp: long(g.maxTimestamp),
    logAppendTime: g.timestampType === 'LogAppendTime',
    transactional: g.transactional,
    control: g.control,
    deleteHorizon: g.deleteHorizonMs !== null,
    producerId: long(g.producerId),
    producerEpoch: g.producerEpoch,
    baseSequence: g.baseSequence,
    lastOffsetDelta: g.lastOffsetDelta,
  })
}

describe('batches written by Apache Kafka', () => {
  before(() => prepareCodec(CompressionCode.zstd))

  for (const vector of goldenSets('record-batches.jsonl.gz')) {
    it(`magic 2: ${vector.case}, ${vector.codec}`, () => {
      const set = Buffer.from(vector.hex, 'hex')
      let index = 0
      const end = forEachBatch(set, (at, size) => {
        const g = vector.batches[index++]!
        checkBatch(set, at, g)
        if (!g.valid || g.compression !== 'none') return
        const carried = g.records!.map((r) => (r as { carriedTimestamp?: string }).carriedTimestamp ?? r.timestamp)
        const built = rebuild(g, decodeBatch(set, decompress, at), carried)
        expect(built.toString('hex')).to.equal(set.toString('hex', at, at + size))
      })
      expect(index).to.equal(vector.batches.length)
      expect(set.length - end).to.equal(vector.trailingBytes)
    })
  }

  it('names the control records', () => {
    const types = new Map([
      ['ABORT', 0],
      ['COMMIT', 1],
      ['LEADER_CHANGE', 2],
      ['SNAPSHOT_HEADER', 3],
      ['SNAPSHOT_FOOTER', 4],
      ['KRAFT_VERSION', 5],
      ['KRAFT_VOTERS', 6],
    ])
    for (const vector of goldenSets('record-batches.jsonl.gz').filter((v) => v.case.startsWith('control-'))) {
      const set = Buffer.from(vector.hex, 'hex')
      const golden = vector.batches[0]!.records![0]!
      expect(parseControlType(decodeBatch(set)[0]!.key), vector.case).to.equal(types.get(golden.controlType!))
      const marker = parseEndTxnMarker(set)
      if (vector.case === 'control-commit') expect(marker?.type).to.equal('commit')
      else if (vector.case === 'control-abort') expect(marker?.type).to.equal('abort')
      else expect(marker).to.equal(null)
    }
  })

  for (const vector of goldenSets('message-sets.jsonl.gz')) {
    it(`magic ${vector.batches[0]?.magic ?? '0/1'}: ${vector.case}, ${vector.codec}`, () => {
      const set = Buffer.from(vector.hex, 'hex')
      let index = 0
      const end = forEachBatch(set, (at) => {
        const g = vector.batches[index++]!
        if (g.magic === 2) return checkBatch(set, at, g)
        const entry = decodeLegacyEntry(set, at, decompressOld)
        expect(entry).to.include({
          magic: g.magic,
          sizeInBytes: g.sizeInBytes,
          compression: code(g.compression),
          timestampType: g.timestampType,
          crc: Number(g.crc),
          valid: g.valid,
        })
        expect(String(entry.lastOffset)).to.equal(g.lastOffset)
        expect(entry.records.map(shown)).to.deep.equal(g.records!.map(expected))
      })
      expect(index).to.equal(vector.batches.length)
      expect(set.length - end).to.equal(vector.trailingBytes)
      expect(decodeRecordSet(set, decompressOld)).to.have.length(
        vector.batches.reduce((n, b) => n + b.records!.length, 0),
      )
    })
  }

  it('gives the recorded CRCs', () => {
    const hashes = goldenJson('hashes.json') as { crc: { dataHex: string; crc32c: number; crc32: number }[] }
    expect(hashes.crc).to.not.have.length(0)
    for (const one of hashes.crc) {
      const data = Buffer.from(one.dataHex, 'hex')
      expect(crc32c(data)).to.equal(one.crc32c)
      expect(crc32cTable(data)).to.equal(one.crc32c)
      expect(crc32(data)).to.equal(one.crc32)
    }
  })
})
