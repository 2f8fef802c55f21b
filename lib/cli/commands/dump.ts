/** `odradek dump`: what is in a segment or index file, ours or Apache Kafka's. Formats: lib/log/README.md. */
import {
  AbortedTxnSchema,
  type DecodedRecord,
  decodeBatch,
  decodeRecordSet,
  decodeVersioned,
  forEachBatch,
  batchHeader as header,
  isValidBatch,
  ProtocolError,
} from '../../../protocol/index.js'
import { decompress, prepareCodec } from '../../log/compression/index.js'
import { OFFSET_ENTRY_BYTES } from '../../log/offset-index.js'
import { TIME_ENTRY_BYTES } from '../../log/time-index.js'
import { TXN_ENTRY_BYTES } from '../../log/txn-index.js'
import type { Output } from '../output.js'
import { jsonBytes } from '../record-format.js'
import { CommandError, cannotRead } from '../session.js'
import { dumpText, metadataRecord } from './dump-notes.js'

/** Text files of a log directory and of a log. */
const NOTES = /(?:-checkpoint|meta\.properties|partition\.metadata)$/
/** Their records have no keys: the value says what it is. */
const METADATA_LOG = /(?:__cluster_metadata-0\/[^/]*|\.checkpoint)$/
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export async function dumpFile(
  path: string,
  read: (path: string) => Buffer,
  options: { records: boolean },
  output: Output,
): Promise<void> {
  let bytes: Buffer
  try {
    bytes = read(path)
  } catch (error) {
    throw cannotRead(path, error)
  }
  if (path.endsWith('.log') || path.endsWith('.checkpoint')) await dumpSegment(path, bytes, options.records, output)
  else if (path.endsWith('.timeindex')) dumpTimeIndex(path, bytes, output)
  else if (path.endsWith('.txnindex')) dumpTxnIndex(path, bytes, output)
  else if (path.endsWith('.index')) dumpOffsetIndex(path, bytes, output)
  else if (NOTES.test(path)) dumpText(path, bytes, output)
  else
    throw new CommandError(
      `${path} is no .log, .index, .timeindex, .txnindex or .checkpoint file, and no note of a log directory.`,
      2,
    )
}

interface BatchRow {
  readonly position: number
  readonly sizeInBytes: number
  readonly magic: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly count: number
  readonly leaderEpoch: number
  readonly maxTimestamp: number
  readonly compression: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly control: boolean
  readonly crcValid: boolean
}

async function dumpSegment(path: string, bytes: Buffer, withRecords: boolean, output: Output): Promise<void> {
  const positions: number[] = []
  let end = 0
  let broken: string | null = null
  try {
    end = forEachBatch(bytes, (at) => positions.push(at))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    broken = error.message
  }
  const batches = positions.map((at) => batchRow(bytes, at))
  if (withRecords) await dumpRecords(bytes, batches, METADATA_LOG.test(path), output)
  else showBatches(batches, output)
  if (broken !== null) throw new CommandError(`${path}: ${broken}.`)
  const bad = batches.find((batch) => !batch.crcValid)
  if (bad) throw new CommandError(`${path}: the batch at byte ${bad.position} has a wrong CRC.`)
  if (end < bytes.length)
    throw new CommandError(`${path}: the last ${bytes.length - end} bytes, from byte ${end}, are no whole batch.`)
}

function batchRow(bytes: Buffer, at: number): BatchRow {
  const magic = header.magic(bytes, at)
  if (magic < 2) return legacyRow(bytes, at, magic)
  return {
    position: at,
    sizeInBytes: header.sizeInBytes(bytes, at),
    magic,
    baseOffset: header.baseOffset(bytes, at),
    lastOffset: header.lastOffset(bytes, at),
    count: header.recordCount(bytes, at),
    leaderEpoch: header.leaderEpoch(bytes, at),
    maxTimestamp: header.maxTimestamp(bytes, at),
    compression: CODECS[header.compressionCode(bytes, at)] ?? String(header.compressionCode(bytes, at)),
    producerId: header.producerId(bytes, at),
    producerEpoch: header.producerEpoch(bytes, at),
    baseSequence: header.baseSequence(bytes, at),
    transactional: header.isTransactional(bytes, at),
    control: header.isControl(bytes, at),
    crcValid: isValidBatch(bytes, at),
  }
}

/** Magic 0 and 1: one entry, which may wrap a compressed set. */
function legacyRow(bytes: Buffer, at: number, magic: number): BatchRow {
  const offset = header.baseOffset(bytes, at)
  return {
    position: at,
    sizeInBytes: header.sizeInBytes(bytes, at),
    magic,
    baseOffset: offset,
    lastOffset: offset,
    count: 1,
    leaderEpoch: -1,
    maxTimestamp: magic === 0 ? -1 : header.peekInt64(bytes, at + 18),
    compression: CODECS[bytes[at + 17]! & 7] ?? 'unknown',
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
    control: false,
    crcValid: true,
  }
}

function showBatches(batches: readonly BatchRow[], output: Output): void {
  output.table(
    [
      'position',
      'bytes',
      'base',
      'last',
      'count',
      'epoch',
      'timestamp',
      'codec',
      'producer',
      'sequence',
      'flags',
      'crc',
    ],
    batches.map((one) => [
      one.position,
      one.sizeInBytes,
      one.baseOffset,
      one.lastOffset,
      one.count,
      one.leaderEpoch,
      one.maxTimestamp,
      one.compression,
      one.producerId < 0 ? null : `${one.producerId}/${one.producerEpoch}`,
      one.baseSequence < 0 ? null : one.baseSequence,
      `${one.transactional ? 'T' : ''}${one.control ? 'C' : ''}` || null,
      one.crcValid ? 'ok' : 'WRONG',
    ]),
    batches,
  )
}

async function dumpRecords(
  bytes: Buffer,
  batches: readonly BatchRow[],
  isMetadata: boolean,
  output: Output,
): Promise<void> {
  const records: DecodedRecord[] = []
  for (const batch of batches) {
    // A batch that is broken is told about with the batches; its records are not to be had.
    if (!batch.crcValid) continue
    await prepareCodec(CODECS.indexOf(batch.compression))
    const part = bytes.subarray(batch.position, batch.position + batch.sizeInBytes)
    records.push(...(batch.magic < 2 ? decodeRecordSet(part, decompress) : decodeBatch(part, decompress)))
  }
  if (isMetadata) {
    const rows = records.map(({ offset, value }) => {
      const found = value === null ? null : metadataRecord(value)
      return { offset, record: found?.name ?? 'control', fields: found?.fields ?? {} }
    })
    output.table(
      ['offset', 'record', 'fields'],
      rows.map(({ offset, record, fields }) => [offset, record, JSON.stringify(fields)]),
      rows,
    )
    return
  }
  output.table(
    ['offset', 'timestamp', 'key', 'value', 'headers'],
    records.map(({ offset, timestamp, key, value, headers }) => [
      offset,
      timestamp,
      key?.toString('utf8') ?? null,
      value?.toString('utf8') ?? null,
      headers.map((one) => `${one.key}=${one.value?.toString('utf8') ?? ''}`).join(',') || null,
    ]),
    records.map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      key: jsonBytes(key),
      value: jsonBytes(value),
      headers: headers.map((one) => ({ key: one.key, value: jsonBytes(one.value) })),
    })),
  )
}

/** The number that a segment's files are named by: the offset of its first record. */
function baseOffsetOf(path: string): number {
  const match = /(\d{20})\.\w+$/.exec(path)
  return match ? Number(match[1]) : 0
}

function entries(path: string, bytes: Buffer, size: number): number[] {
  if (bytes.length % size !== 0) {
    throw new CommandError(`${path} has ${bytes.length} bytes, which is no whole number of entries of ${size} bytes.`)
  }
  return Array.from({ length: bytes.length / size }, (_, index) => index * size)
}

function dumpOffsetIndex(path: string, bytes: Buffer, output: Output): void {
  const base = baseOffsetOf(path)
  const rows = withoutPadding(
    entries(path, bytes, OFFSET_ENTRY_BYTES).map((at) => ({
      offset: base + bytes.readInt32BE(at),
      position: bytes.readInt32BE(at + 4),
    })),
    (row) => row.offset === base && row.position === 0,
  )
  output.table(
    ['offset', 'position'],
    rows.map((row) => [row.offset, row.position]),
    rows,
  )
}

function dumpTimeIndex(path: string, bytes: Buffer, output: Output): void {
  const base = baseOffsetOf(path)
  const rows = withoutPadding(
    entries(path, bytes, TIME_ENTRY_BYTES).map((at) => ({
      timestamp: header.peekInt64(bytes, at),
      offset: base + bytes.readInt32BE(at + 8),
    })),
    (row) => row.timestamp === 0 && row.offset === base,
  )
  output.table(
    ['timestamp', 'offset'],
    rows.map((row) => [row.timestamp, row.offset]),
    rows,
  )
}

/** An index of a segment that is still written to is a preallocated file: zeros after the last entry. */
function withoutPadding<T>(rows: T[], empty: (row: T) => boolean): T[] {
  let end = rows.length
  while (end > 0 && empty(rows[end - 1]!)) end--
  return rows.slice(0, end)
}

function dumpTxnIndex(path: string, bytes: Buffer, output: Output): void {
  const rows = entries(path, bytes, TXN_ENTRY_BYTES).map(
    (at) => decodeVersioned(AbortedTxnSchema, bytes.subarray(at, at + TXN_ENTRY_BYTES)).value,
  )
  output.table(
    ['producer', 'first', 'last', 'last stable'],
    rows.map((row) => [row.producerId, row.firstOffset, row.lastOffset, row.lastStableOffset]),
    rows,
  )
}
