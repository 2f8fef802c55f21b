/**
 * The records of a magic-2 batch, read without copying and with every length checked.
 *
 * A record: varint size of what follows, int8 attributes (unused), varlong timestamp delta, varint offset delta, varint key length and
 * key (-1 = null), varint value length and value (-1 = null), varint header count, and per header varint key length and key
 * (UTF-8, never null), varint value length and value. The walk refuses exactly what Kafka's DefaultRecord refuses.
 */
import { ProtocolError } from '../wire/error.js'
import { type Cursor, readVarint, readVarlong } from '../wire/varint.js'
import * as header from './header.js'

export interface RecordHeader {
  key: string
  value: Buffer | null
}

/** One record as an object, for tools, tests and coordinators. Key, value and header values are views into the batch. */
export interface DecodedRecord {
  offset: number
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  headers: RecordHeader[]
}

/** `decompress` as the batch functions need it: codec code 1-4 and the compressed bytes to the records section. */
export type Decompress = (code: number, bytes: Buffer) => Buffer
export type Compress = (code: number, bytes: Buffer) => Buffer

function invalid(message: string): never {
  throw new ProtocolError('INVALID_RECORD', message)
}

/** A place in a records section. `next()` moves to the following record and fills the fields; nothing is allocated per record. */
export class RecordWalker implements Cursor {
  readonly buffer: Buffer
  at: number
  end: number
  /** Index of the current record, -1 before the first. */
  index = -1
  /** Bytes of the current record after its size. */
  bodyBytes = 0
  attributes = 0
  /** May be a bigint at run time when it is absurd: wrap in Number() before calculating. */
  timestampDelta = 0
  offsetDelta = 0
  keyStart = 0
  /** -1 is null. */
  keyLength = -1
  valueStart = 0
  /** -1 is null. */
  valueLength = -1
  headersStart = 0
  headerCount = 0
  readonly #count: number
  readonly #sectionEnd: number

  /** @param buffer uncompressed records in `[start, end)`; @param count how many the batch header declares */
  constructor(buffer: Buffer, start: number, end: number, count: number) {
    this.buffer = buffer
    this.at = start
    this.end = end
    this.#sectionEnd = end
    this.#count = count
  }

  /**
   * True with the next record in the fields, false after the last declared one.
   * @throws ProtocolError INVALID_RECORD when the bytes are no record, end early, or are left over after the last
   */
  next(): boolean {
    if (this.index + 1 >= this.#count) {
      if (this.at < this.#sectionEnd) invalid('Incorrect declared batch size, records still remaining')
      return false
    }
    this.index++
    if (this.#readCommon()) return true
    try {
      this.#read()
    } catch (error) {
      if (error instanceof ProtocolError && error.code !== 'INVALID_RECORD') {
        invalid(`Record ${this.index} has an invalid structure: ${error.message}`)
      }
      throw error
    }
    return true
  }

  /**
   * Reads a record of the common form (lengths of at most two bytes, four for the timestamp, no headers) with everything in local
   * variables, which is three times as fast. False, with `at` where it was, for any other record, sound or not.
   */
  #readCommon(): boolean {
    const b = this.buffer
    let at = this.at
    // The longest head of the common form has 2 + 1 + 4 + 2 + 2 bytes, so that only lengths need comparing below.
    if (at + 11 > this.#sectionEnd) return false
    let low = b[at++]!
    let raw = low
    if (low >= 0x80) {
      raw = (low & 0x7f) | (b[at++]! << 7)
      if (raw >= 0x4000) return false
    }
    if ((raw & 1) !== 0) return false
    const recordEnd = at + (raw >>> 1)
    if (recordEnd > this.#sectionEnd) return false
    const attributes = b[at++]!
    low = b[at++]!
    let time = low & 0x7f
    for (let shift = 7; low >= 0x80; shift += 7) {
      if (shift > 21) return false
      low = b[at++]!
      time |= (low & 0x7f) << shift
    }
    low = b[at++]!
    let offset = low
    if (low >= 0x80) {
      offset = (low & 0x7f) | (b[at++]! << 7)
      if (offset >= 0x4000) return false
    }
    low = b[at++]!
    let keyLength = low
    if (low >= 0x80) {
      keyLength = (low & 0x7f) | (b[at++]! << 7)
      if (keyLength >= 0x4000) return false
    }
    keyLength = (keyLength >>> 1) ^ -(keyLength & 1)
    const keyStart = at
    if (keyLength > 0) at += keyLength
    if (at + 2 > recordEnd) return false
    low = b[at++]!
    let valueLength = low
    if (low >= 0x80) {
      valueLength = (low & 0x7f) | (b[at++]! << 7)
      if (valueLength >= 0x4000) return false
    }
    valueLength = (valueLength >>> 1) ^ -(valueLength & 1)
    const valueStart = at
    if (valueLength > 0) at += valueLength
    // Exactly one byte is left, and it says: no headers.
    if (at + 1 !== recordEnd || b[at] !== 0) return false
    this.bodyBytes = raw >>> 1
    this.attributes = attributes
    this.timestampDelta = (time >>> 1) ^ -(time & 1)
    this.offsetDelta = (offset >>> 1) ^ -(offset & 1)
    this.keyStart = keyStart
    this.keyLength = keyLength < 0 ? -1 : keyLength
    this.valueStart = valueStart
    this.valueLength = valueLength < 0 ? -1 : valueLength
    this.headersStart = recordEnd
    this.headerCount = 0
    this.end = recordEnd
    this.at = recordEnd
    return true
  }

  #read(): void {
    this.end = this.#sectionEnd
    const size = this.#varint()
    const recordEnd = this.at + size
    if (size < 0 || recordEnd > this.#sectionEnd) {
      invalid(`Record ${this.index} declares ${size} bytes, ${this.#sectionEnd - this.at} are left`)
    }
    this.end = recordEnd
    this.bodyBytes = size
    if (this.at >= recordEnd) invalid(`Record ${this.index} is empty`)
    this.attributes = this.buffer[this.at++]!
    this.timestampDelta = readVarlong(this)
    this.offsetDelta = this.#varint()
    this.keyLength = this.#skipBytes()
    this.keyStart = this.at - Math.max(0, this.keyLength)
    this.valueLength = this.#skipBytes()
    this.valueStart = this.at - Math.max(0, this.valueLength)
    this.headerCount = this.#varint()
    this.headersStart = this.at
    if (this.headerCount !== 0) this.#skipHeaders()
    if (this.at !== recordEnd) {
      invalid(`Record ${this.index} declares ${size} bytes but ends ${recordEnd - this.at} bytes earlier`)
    }
  }

  /** `readVarint` for one and two bytes, here because the shared function sees cursors of many shapes and is slower for it. */
  #varint(): number {
    const at = this.at
    if (at + 2 <= this.end) {
      const first = this.buffer[at]!
      if (first < 0x80) {
        this.at = at + 1
        return (first >>> 1) ^ -(first & 1)
      }
      const second = this.buffer[at + 1]!
      if (second < 0x80) {
        this.at = at + 2
        return (((first & 0x7f) | (second << 7)) >>> 1) ^ -(first & 1)
      }
    }
    return readVarint(this)
  }

  /** Skips a length and its bytes; returns the length, -1 for null (any negative one). */
  #skipBytes(): number {
    const length = this.#varint()
    if (length < 0) return -1
    if (length > this.end - this.at) {
      invalid(`Record ${this.index} has a field of ${length} bytes, ${this.end - this.at} are left`)
    }
    this.at += length
    return length
  }

  #skipHeaders(): void {
    // Two bytes is the smallest header; Kafka compares with one, which refuses the same records a step later.
    if (this.headerCount < 0 || this.headerCount > this.end - this.at) {
      invalid(`Record ${this.index} declares ${this.headerCount} headers`)
    }
    for (let i = 0; i < this.headerCount; i++) {
      if (this.#skipBytes() < 0) invalid(`Record ${this.index} has a header without a key`)
      this.#skipBytes()
    }
  }

  key(): Buffer | null {
    return this.keyLength < 0 ? null : this.buffer.subarray(this.keyStart, this.keyStart + this.keyLength)
  }

  value(): Buffer | null {
    return this.valueLength < 0 ? null : this.buffer.subarray(this.valueStart, this.valueStart + this.valueLength)
  }

  /** The headers of the current record; values are views. */
  headers(): RecordHeader[] {
    const list: RecordHeader[] = []
    const c = { buffer: this.buffer, at: this.headersStart, end: this.end }
    for (let i = 0; i < this.headerCount; i++) {
      const keyLength = readVarint(c)
      const key = c.buffer.toString('utf8', c.at, (c.at += keyLength))
      const valueLength = readVarint(c)
      const value = valueLength < 0 ? null : c.buffer.subarray(c.at, (c.at += valueLength))
      list.push({ key, value })
    }
    return list
  }
}

/** Adds a delta that may be a bigint at run time; the sum is a number when it is safe. */
function add(base: number, delta: number): number {
  if (typeof base === 'number' && typeof delta === 'number') {
    const sum = base + delta
    if (Number.isSafeInteger(sum)) return sum
  }
  const wide = BigInt.asIntN(64, BigInt(base) + BigInt(delta))
  return (Number.isSafeInteger(Number(wide)) ? Number(wide) : wide) as number
}

/** An int64 header field without rounding: a bigint at run time outside +-(2^53-1). */
export function exactInt64(b: Buffer, at: number): number {
  const value = header.peekInt64(b, at)
  return Number.isSafeInteger(value) ? value : (b.readBigInt64BE(at) as unknown as number)
}

/** The uncompressed records section of the batch at `at` (a view, or what `decompress` made of it). */
export function recordsSection(batch: Buffer, at = 0, decompress?: Decompress): Buffer {
  const bytes = batch.subarray(at + header.HEADER_BYTES, at + header.sizeInBytes(batch, at))
  const code = header.compressionCode(batch, at)
  if (code === 0) return bytes
  if (decompress === undefined) {
    throw new ProtocolError('UNSUPPORTED_COMPRESSION_TYPE', `the batch is compressed with codec ${code}`)
  }
  return decompress(code, bytes)
}

/** Refuses a batch at `at` that is not whole, or whose header is not magic 2. The CRC is not looked at. */
export function requireBatch(batch: Buffer, at = 0): void {
  if (batch.length - at < header.HEADER_BYTES) {
    throw new ProtocolError('CORRUPT_MESSAGE', `a batch header needs ${header.HEADER_BYTES} bytes`)
  }
  const size = header.sizeInBytes(batch, at)
  if (size < header.HEADER_BYTES || size > batch.length - at) {
    throw new ProtocolError('CORRUPT_MESSAGE', `the batch declares ${size} bytes, ${batch.length - at} are there`)
  }
  if (header.magic(batch, at) !== 2) {
    throw new ProtocolError('CORRUPT_MESSAGE', `magic ${header.magic(batch, at)} where 2 was expected`)
  }
}

/**
 * Calls `visit` for each record of the batch at `at`; the walker is reused, so take what is needed before returning.
 * @throws ProtocolError CORRUPT_MESSAGE or INVALID_RECORD
 */
export function forEachRecord(
  batch: Buffer,
  at: number,
  decompress: Decompress | undefined,
  visit: (r: RecordWalker) => void,
): void {
  requireBatch(batch, at)
  const section = recordsSection(batch, at, decompress)
  const walker = new RecordWalker(section, 0, section.length, header.recordCount(batch, at))
  while (walker.next()) visit(walker)
}

/** The records of the batch at `at` as objects with absolute offsets and timestamps. For tools, tests, coordinators. */
export function decodeBatch(batch: Buffer, decompress?: Decompress, at = 0): DecodedRecord[] {
  const records: DecodedRecord[] = []
  requireBatch(batch, at)
  const baseOffset = exactInt64(batch, at + header.BASE_OFFSET)
  const baseTimestamp = exactInt64(batch, at + header.BASE_TIMESTAMP)
  // KIP-32: under LogAppendTime every record carries the batch's maximum timestamp.
  const appendTime = header.timestampType(batch, at) === 1 ? exactInt64(batch, at + header.MAX_TIMESTAMP) : null
  forEachRecord(batch, at, decompress, (r) => {
    records.push({
      offset: add(baseOffset, r.offsetDelta),
      timestamp: appendTime ?? add(baseTimestamp, r.timestampDelta),
      key: r.key(),
      value: r.value(),
      headers: r.headers(),
    })
  })
  return records
}

/**
 * Calls `visit` with the position and size of each whole batch in `[start, end)` of a record set; an incomplete batch at the end is
 * skipped, as clients do. Returns the position after the last whole batch.
 */
export function forEachBatch(
  records: Buffer,
  visit: (at: number, sizeInBytes: number) => void,
  start = 0,
  end = records.length,
): number {
  let at = start
  while (end - at >= header.MAGIC + 1) {
    const size = header.sizeInBytes(records, at)
    if (size <= header.MAGIC) throw new ProtocolError('CORRUPT_MESSAGE', `a batch at byte ${at} declares ${size} bytes`)
    if (size > end - at) break
    visit(at, size)
    at += size
  }
  return at
}
