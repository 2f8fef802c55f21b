/**
 * Message sets of magic 0 and 1, for reading only: Kafka 4 refuses them from clients, but logs and tools may still meet them.
 *
 * An entry is offset, size, CRC-32 over what follows the CRC, magic, attributes, from magic 1 a timestamp (KIP-32), key and value with
 * int32 lengths. Compression wraps: the value of the outer message is a compressed message set. Inner offsets are absolute in
 * magic 0 and relative in magic 1 (KIP-31), where the outer message carries the offset of the *last* inner one.
 */
import { crc32 } from '../wire/crc32c.js'
import { ProtocolError } from '../wire/error.js'
import * as header from './header.js'
import { legacyHeader } from './header-layout.js'
import { type DecodedRecord, type Decompress, decodeBatch, exactInt64, forEachBatch } from './records.js'

const CRC_AT = legacyHeader.offsetOf('crc')
const ATTRIBUTES_AT = legacyHeader.offsetOf('attributes')
const TIMESTAMP_AT = legacyHeader.sizeInBytes
const NO_TIMESTAMP = -1

/** One entry of a message set: a message, or a wrapper with all it contains. */
export interface LegacyEntry {
  magic: 0 | 1
  sizeInBytes: number
  compression: number
  timestampType: 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'
  crc: number
  /** Whether the CRC is right; `records` is empty when it is not. */
  valid: boolean
  lastOffset: number
  maxTimestamp: number
  records: DecodedRecord[]
}

function corrupt(message: string): never {
  throw new ProtocolError('CORRUPT_MESSAGE', message)
}

interface Message {
  magic: 0 | 1
  offset: number
  size: number
  attributes: number
  timestamp: number
  key: Buffer | null
  value: Buffer | null
}

const crcOf = (set: Buffer, at: number, size: number): number => crc32(set, at + CRC_AT + 4, at + size)

/** The head of the entry at `at`, whose `size` is inside the buffer, with the lengths of its fields checked. */
function readMessage(set: Buffer, at: number, size: number): Message {
  const magic = header.magic(set, at)
  if (magic !== 0 && magic !== 1) corrupt(`magic ${magic} in a message set of magic 0 or 1`)
  const end = at + size
  let next = at + TIMESTAMP_AT + (magic === 1 ? 8 : 0)
  const field = (name: string): Buffer | null => {
    if (end - next < 4) corrupt(`the message at offset ${exactInt64(set, at)} ends before its ${name}`)
    const length = header.peekInt32(set, next)
    next += 4
    if (length < 0) return null
    if (length > end - next) corrupt(`a ${name} of ${length} bytes, ${end - next} are left`)
    next += length
    return set.subarray(next - length, next)
  }
  const key = field('key')
  const value = field('value')
  return {
    magic,
    offset: exactInt64(set, at),
    size,
    attributes: set[at + ATTRIBUTES_AT]!,
    timestamp: magic === 1 ? exactInt64(set, at + TIMESTAMP_AT) : NO_TIMESTAMP,
    key,
    value,
  }
}

const codecOf = (m: Message): number => m.attributes & header.COMPRESSION_MASK
const isAppendTime = (m: Message): boolean => m.magic === 1 && (m.attributes & header.TIMESTAMP_TYPE_BIT) !== 0

const recordOf = (m: Message, offset: number, timestamp: number): DecodedRecord => ({
  offset,
  timestamp,
  key: m.key,
  value: m.value,
  headers: [],
})

/** a + b - c without rounding. */
function shift(a: number, b: number, c: number): number {
  const sum = BigInt(a) + BigInt(b) - BigInt(c)
  return (Number.isSafeInteger(Number(sum)) ? Number(sum) : sum) as number
}

/** The messages inside a wrapper, with absolute offsets and the timestamps a consumer is shown. */
function unwrap(wrapper: Message, decompress: Decompress | undefined): DecodedRecord[] {
  if (wrapper.value === null) corrupt('a compressed message without a value')
  if (decompress === undefined) {
    throw new ProtocolError('UNSUPPORTED_COMPRESSION_TYPE', `the message is compressed with codec ${codecOf(wrapper)}`)
  }
  const set = decompress(codecOf(wrapper), wrapper.value)
  const inner: Message[] = []
  forEachBatch(set, (at, size) => {
    const m = readMessage(set, at, size)
    if (m.magic !== wrapper.magic) corrupt(`a message of magic ${m.magic} inside one of magic ${wrapper.magic}`)
    if (codecOf(m) !== 0) corrupt('a compressed message inside a compressed message')
    inner.push(m)
  })
  if (inner.length === 0) corrupt('a compressed message without content')
  const last = inner[inner.length - 1]!.offset
  return inner.map((m) =>
    recordOf(
      m,
      wrapper.magic === 1 ? shift(wrapper.offset, m.offset, last) : m.offset,
      // KIP-32: the wrapper's append time holds for all it contains.
      isAppendTime(wrapper) ? wrapper.timestamp : m.timestamp,
    ),
  )
}

/** The entry at `at`. @throws ProtocolError CORRUPT_MESSAGE */
export function decodeLegacyEntry(set: Buffer, at = 0, decompress?: Decompress): LegacyEntry {
  const size = set.length - at < TIMESTAMP_AT ? 0 : header.sizeInBytes(set, at)
  if (size < TIMESTAMP_AT || size > set.length - at) corrupt(`a message of ${size} bytes, ${set.length - at} are there`)
  const crc = header.peekInt32(set, at + CRC_AT) >>> 0
  const valid = crc === crcOf(set, at, size)
  const message = readMessage(set, at, size)
  let records: DecodedRecord[] = []
  if (valid) {
    records =
      codecOf(message) === 0 ? [recordOf(message, message.offset, message.timestamp)] : unwrap(message, decompress)
  }
  return {
    magic: message.magic,
    sizeInBytes: size,
    compression: codecOf(message),
    timestampType: message.magic === 0 ? 'NoTimestampType' : isAppendTime(message) ? 'LogAppendTime' : 'CreateTime',
    crc,
    valid,
    lastOffset: message.offset,
    maxTimestamp: message.timestamp,
    records,
  }
}

/** All records of a record set whose batches may be of any magic; an incomplete batch at the end is skipped. CRCs are not looked at. */
export function decodeRecordSet(set: Buffer, decompress?: Decompress): DecodedRecord[] {
  const records: DecodedRecord[] = []
  forEachBatch(set, (at) => {
    const found =
      header.magic(set, at) === 2 ? decodeBatch(set, decompress, at) : decodeLegacyEntry(set, at, decompress).records
    for (const r of found) records.push(r)
  })
  return records
}
