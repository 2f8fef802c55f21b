import { ProtocolError } from './error.js'

/** Buffer's own decoders, without the encoding look-up that `toString(encoding)` pays on every call. */
interface Slices {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  base64urlSlice(start: number, end: number): string
}

/** The zero uuid in Kafka's text form: no topic, no id. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Kafka refuses longer strings in both encodings, also where the length is a varint. */
export const MAX_STRING_BYTES = 0x7fff

/**
 * Most elements, over all arrays, that one message may decode to. A 100 MB frame of two-byte elements would otherwise become
 * gigabytes of objects. A cluster of 200,000 partitions with three replicas needs about two million.
 */
export const MAX_ELEMENTS = 4_000_000

/** Strings up to here are looked at byte by byte: most are short ASCII, for which latin1 is the cheaper decoder. */
const SHORT_STRING = 48

/**
 * Reads Kafka's primitive types from a range of a Buffer. It never copies the buffer and never reads outside [pos, end).
 * Every failure is a `ProtocolError` without a path: the path costs time and is worked out by `explain` when it is needed.
 */
export class Reader {
  readonly buffer: Buffer
  pos: number
  readonly end: number
  private elements = MAX_ELEMENTS

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.pos = start
    this.end = end
  }

  remaining(): number {
    return this.end - this.pos
  }

  /** Fails as a read of `want` bytes would. */
  short(want: number): never {
    throw new ProtocolError('TRUNCATED', `want ${want} bytes, have ${this.end - this.pos}`)
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    const p = this.pos
    if (p >= this.end) this.short(1)
    this.pos = p + 1
    return (this.buffer[p]! << 24) >> 24
  }

  int16(): number {
    const p = this.pos
    if (p + 2 > this.end) this.short(2)
    this.pos = p + 2
    const b = this.buffer
    return ((b[p]! << 24) >> 16) | b[p + 1]!
  }

  uint16(): number {
    return this.int16() & 0xffff
  }

  int32(): number {
    const p = this.pos
    if (p + 4 > this.end) this.short(4)
    this.pos = p + 4
    const b = this.buffer
    return (b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  /** A number when it is exact as one (within +-2^53), else a bigint at run time: nothing is lost, arithmetic throws. */
  int64(): number {
    const p = this.pos
    if (p + 8 > this.end) this.short(8)
    this.pos = p + 8
    const b = this.buffer
    const high = (b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!
    const low = ((b[p + 4]! << 24) | (b[p + 5]! << 16) | (b[p + 6]! << 8) | b[p + 7]!) >>> 0
    if (high >= -0x200000 && high < 0x200000) return high * 4294967296 + low
    return ((BigInt(high) << 32n) | BigInt(low)) as unknown as number
  }

  float64(): number {
    const p = this.pos
    if (p + 8 > this.end) this.short(8)
    this.pos = p + 8
    return this.buffer.readDoubleBE(p)
  }

  /** Kafka's unsigned varint: seven bits a byte, lowest first, at most five bytes. As in Kafka, bits beyond 32 are dropped. */
  uvarint(): number {
    const b = this.buffer
    const end = this.end
    let p = this.pos
    if (p >= end) this.short(1)
    let byte = b[p++]!
    if (byte < 0x80) {
      this.pos = p
      return byte
    }
    let value = byte & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      if (p >= end) this.short(p - this.pos + 1)
      byte = b[p++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.pos = p
        return value >>> 0
      }
    }
    throw new ProtocolError('INVALID_VARINT', 'an unsigned varint has more than five bytes')
  }

  /** 16 bytes in Kafka's text form: 22 characters of base64url. */
  uuid(): string {
    const p = this.pos
    if (p + 16 > this.end) this.short(16)
    this.pos = p + 16
    const b = this.buffer
    if (b[p] === 0 && b[p + 15] === 0) {
      let i = p + 1
      while (i < p + 15 && b[i] === 0) i++
      if (i === p + 15) return ZERO_UUID
    }
    return (b as unknown as Slices).base64urlSlice(p, p + 16)
  }

  /** A UTF-8 string of `length` bytes. Invalid sequences become U+FFFD, as in Java. */
  stringOf(length: number): string {
    if (length === 0) return ''
    const p = this.pos
    const end = p + length
    if (length > MAX_STRING_BYTES) {
      throw new ProtocolError('INVALID_LENGTH', `a string of ${length} bytes, the most is ${MAX_STRING_BYTES}`)
    }
    if (end > this.end) this.short(length)
    this.pos = end
    const b = this.buffer
    if (length <= SHORT_STRING) {
      let i = p
      while (i < end && b[i]! < 0x80) i++
      if (i === end) return (b as unknown as Slices).latin1Slice(p, end)
    }
    return (b as unknown as Slices).utf8Slice(p, end)
  }

  /** The next `length` bytes as a view into the buffer. */
  view(length: number): Buffer {
    const p = this.pos
    if (p + length > this.end) this.short(length)
    this.pos = p + length
    return this.buffer.subarray(p, p + length)
  }

  /** The next `length` bytes as a copy that keeps no larger buffer alive (neither the read buffer nor Node's shared pool). */
  copy(length: number): Buffer {
    const p = this.pos
    if (p + length > this.end) this.short(length)
    this.pos = p + length
    const bytes = Buffer.allocUnsafeSlow(length)
    this.buffer.copy(bytes, 0, p, p + length)
    return bytes
  }

  /** Checks a count of elements, each of at least `elementBytes` (> 0), against what is left, before anything is allocated. */
  count(count: number, elementBytes: number): number {
    if (count * elementBytes > this.end - this.pos) {
      throw new ProtocolError(
        'INVALID_LENGTH',
        `${count} elements of at least ${elementBytes} bytes, have ${this.end - this.pos} bytes`,
      )
    }
    if ((this.elements -= count) < 0) {
      throw new ProtocolError('INVALID_LENGTH', `more than ${MAX_ELEMENTS} array elements in one message`)
    }
    return count
  }
}
