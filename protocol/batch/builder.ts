/**
 * Builds magic-2 record batches: for coordinators, the command line, tests, and the broker when it has to compress again.
 * Sizes are computed first, so that a batch is written once into memory of exactly its size.
 */
import { crc32c } from '../wire/crc32c.js'
import { ProtocolError } from '../wire/error.js'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../wire/varint.js'
import * as header from './header.js'
import { batchHeader } from './header-layout.js'
import type { Compress, RecordHeader } from './records.js'

/** A record to be written. Absent key or value is null; absent timestamp is the batch's `baseTimestamp`. */
export interface RecordInput {
  key?: Uint8Array | string | null
  value?: Uint8Array | string | null
  headers?: readonly (RecordHeader | { key: string; value: Uint8Array | string | null })[]
  timestamp?: number
  /** Default: the position in the batch. */
  offsetDelta?: number
}

/** Header fields; each has the value of a plain, non-idempotent producer when absent. */
export interface BatchOptions {
  baseOffset?: number
  partitionLeaderEpoch?: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd: needs `compress`. */
  compression?: number
  compress?: Compress
  /** Default: the first record's timestamp, or -1. */
  baseTimestamp?: number
  /** Default: the largest timestamp of the records. */
  maxTimestamp?: number
  logAppendTime?: boolean
  transactional?: boolean
  control?: boolean
  /** KIP-534: the base timestamp is then the time at which tombstones may go. */
  deleteHorizon?: boolean
  producerId?: number
  producerEpoch?: number
  baseSequence?: number
  /** Default: the last record's delta; may be larger in a compacted batch. */
  lastOffsetDelta?: number
}

const NO_BYTES = Buffer.alloc(0)

const bytesOf = (v: Uint8Array | string | null | undefined): Uint8Array | null =>
  v === null || v === undefined ? null : typeof v === 'string' ? Buffer.from(v) : v

/** The body of one record, as sizes are needed before bytes. */
interface Prepared {
  bodySize: number
  timestampDelta: number
  offsetDelta: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: { key: Uint8Array; value: Uint8Array | null }[]
}

const sizeOfBytes = (v: Uint8Array | null): number => (v === null ? 1 : sizeOfVarint(v.length) + v.length)

function prepare(record: RecordInput, index: number, baseTimestamp: number): Prepared {
  const headers = (record.headers ?? []).map((h) => ({ key: bytesOf(h.key) ?? NO_BYTES, value: bytesOf(h.value) }))
  const p: Prepared = {
    bodySize: 0,
    timestampDelta: subtract(record.timestamp ?? baseTimestamp, baseTimestamp),
    offsetDelta: record.offsetDelta ?? index,
    key: bytesOf(record.key),
    value: bytesOf(record.value),
    headers,
  }
  let size = 1 + sizeOfVarlong(p.timestampDelta) + sizeOfVarint(p.offsetDelta)
  size += sizeOfBytes(p.key) + sizeOfBytes(p.value) + sizeOfVarint(headers.length)
  for (const h of headers) size += sizeOfBytes(h.key) + sizeOfBytes(h.value)
  p.bodySize = size
  return p
}

function subtract(a: number, b: number): number {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a - b)) return a - b
  return BigInt.asIntN(64, BigInt(a) - BigInt(b)) as unknown as number
}

function writeBytes(to: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(to, at, -1)
  const start = writeVarint(to, at, bytes.length)
  to.set(bytes, start)
  return start + bytes.length
}

function writeRecord(to: Buffer, start: number, r: Prepared): number {
  let at = writeVarint(to, start, r.bodySize)
  to[at++] = 0
  at = writeVarlong(to, at, r.timestampDelta)
  at = writeVarint(to, at, r.offsetDelta)
  at = writeBytes(to, at, r.key)
  at = writeBytes(to, at, r.value)
  at = writeVarint(to, at, r.headers.length)
  for (const h of r.headers) at = writeBytes(to, writeBytes(to, at, h.key), h.value)
  return at
}

function attributesOf(o: BatchOptions): number {
  return (
    ((o.compression ?? 0) & header.COMPRESSION_MASK) |
    (o.logAppendTime === true ? header.TIMESTAMP_TYPE_BIT : 0) |
    (o.transactional === true ? header.TRANSACTIONAL_BIT : 0) |
    (o.control === true ? header.CONTROL_BIT : 0) |
    (o.deleteHorizon === true ? header.DELETE_HORIZON_BIT : 0)
  )
}

function largestTimestamp(records: readonly RecordInput[], baseTimestamp: number): number {
  let largest = records.length === 0 ? baseTimestamp : (records[0]!.timestamp ?? baseTimestamp)
  for (const r of records) {
    const t = r.timestamp ?? baseTimestamp
    if (t > largest) largest = t
  }
  return largest
}

/** A whole batch with a valid CRC. No record is allowed: Kafka's compaction keeps empty batches for their sequence numbers. */
export function buildBatch(records: readonly RecordInput[], options: BatchOptions = {}): Buffer {
  const baseTimestamp = options.baseTimestamp ?? records[0]?.timestamp ?? -1
  const prepared: Prepared[] = []
  let size = 0
  for (let i = 0; i < records.length; i++) {
    const p = prepare(records[i]!, i, baseTimestamp)
    size += sizeOfVarint(p.bodySize) + p.bodySize
    prepared.push(p)
  }
  const compression = options.compression ?? 0
  const plainAt = compression === 0 ? header.HEADER_BYTES : 0
  const plain = Buffer.allocUnsafe(plainAt + size)
  let at = plainAt
  for (const p of prepared) at = writeRecord(plain, at, p)
  const maxTimestamp = options.maxTimestamp ?? largestTimestamp(records, baseTimestamp)
  const lastOffsetDelta = options.lastOffsetDelta ?? prepared[prepared.length - 1]?.offsetDelta ?? -1
  const fields = { ...options, baseTimestamp, maxTimestamp, lastOffsetDelta }
  if (compression === 0) return sealBatch(plain, fields, records.length)
  return buildFromSection(plain, records.length, fields)
}

/** A batch around a records section that exists already; compresses it when the options say so. */
export function buildFromSection(section: Buffer, recordCount: number, options: BatchOptions): Buffer {
  const code = options.compression ?? 0
  let body = section
  if (code !== 0) {
    if (options.compress === undefined) {
      throw new ProtocolError('UNSUPPORTED_COMPRESSION_TYPE', `codec ${code} was asked for without a compress function`)
    }
    body = options.compress(code, section)
  }
  const batch = Buffer.allocUnsafe(header.HEADER_BYTES + body.length)
  batch.set(body, header.HEADER_BYTES)
  return sealBatch(batch, options, recordCount)
}

/** Writes the header into the first 61 bytes of `batch`, whose body is in place. */
function sealBatch(batch: Buffer, o: BatchOptions, recordCount: number): Buffer {
  batchHeader.encode(
    {
      baseOffset: o.baseOffset ?? 0,
      batchLength: batch.length - header.LOG_OVERHEAD,
      partitionLeaderEpoch: o.partitionLeaderEpoch ?? -1,
      magic: 2,
      crc: 0,
      attributes: attributesOf(o),
      lastOffsetDelta: o.lastOffsetDelta ?? recordCount - 1,
      baseTimestamp: o.baseTimestamp ?? -1,
      maxTimestamp: o.maxTimestamp ?? -1,
      producerId: o.producerId ?? -1,
      producerEpoch: o.producerEpoch ?? -1,
      baseSequence: o.baseSequence ?? -1,
      recordCount,
    },
    batch,
  )
  updateCrc(batch)
  return batch
}

/** CRC-32C over the batch at `at` as it is now. */
export const computeCrc = (batch: Buffer, at = 0): number =>
  crc32c(batch, at + header.ATTRIBUTES, at + header.sizeInBytes(batch, at))

/** Writes the CRC anew after a change behind it. */
export const updateCrc = (batch: Buffer, at = 0): void =>
  header.pokeInt32(batch, at + header.CRC, computeCrc(batch, at))

/** Whether the batch at `at` is whole, at least a header long, and its CRC is right. */
export function isValidBatch(batch: Buffer, at = 0): boolean {
  if (batch.length - at < header.HEADER_BYTES) return false
  const size = header.sizeInBytes(batch, at)
  return size >= header.HEADER_BYTES && size <= batch.length - at && header.crc(batch, at) === computeCrc(batch, at)
}
