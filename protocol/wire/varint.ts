/**
 * Variable-length integers as Kafka writes them (base 128, low group first, high bit = more follows). Signed ones are
 * zigzag-encoded. Record bodies use the signed kind; compact lengths, arrays and tags the unsigned kind.
 *
 * Readers move `cursor.at`; anything with these three fields is a cursor. A number that does not end in time (5 bytes for 32 bits,
 * 10 for 64) or runs past `end` throws `ProtocolError` (`INVALID_VARINT`, `TRUNCATED`). As in Kafka's ByteUtils, bits of the
 * last byte that do not fit are dropped. Values of 64 bits are numbers within +-(2^53-1) and bigints beyond, typed number.
 */
import { ProtocolError } from './error.js'

export interface Cursor {
  buffer: Uint8Array
  /** Position of the next byte. */
  at: number
  /** First position that may not be read. */
  end: number
}

const TWO_28 = 2 ** 28
const TWO_56 = 2 ** 56

function underflow(c: Cursor): never {
  throw new ProtocolError('TRUNCATED', `a variable-length integer runs past the end at byte ${c.end}`)
}

function overlong(bytes: number, at: number): never {
  throw new ProtocolError('INVALID_VARINT', `a variable-length integer at byte ${at} is longer than ${bytes} bytes`)
}

/** Unsigned 32 bits: 0 to 2^32-1. */
export function readUnsignedVarint(c: Cursor): number {
  const b = c.buffer
  const start = c.at
  if (start >= c.end) underflow(c)
  let byte = b[start]!
  if (byte < 0x80) {
    c.at = start + 1
    return byte
  }
  let value = byte & 0x7f
  for (let i = 1; i < 5; i++) {
    if (start + i >= c.end) underflow(c)
    byte = b[start + i]!
    value |= (byte & 0x7f) << (7 * i)
    if (byte < 0x80) {
      c.at = start + i + 1
      return value >>> 0
    }
  }
  return overlong(5, start)
}

/** Signed 32 bits, zigzag. */
export function readVarint(c: Cursor): number {
  const at = c.at
  if (at < c.end) {
    const byte = c.buffer[at]!
    if (byte < 0x80) {
      c.at = at + 1
      return (byte >>> 1) ^ -(byte & 1)
    }
  }
  const raw = readUnsignedVarint(c)
  return (raw >>> 1) ^ -(raw & 1)
}

/** The ten groups as a low and a high part of 28 bits each and a rest of 8: exact for every 64-bit value. */
function readGroups(c: Cursor): { low: number; mid: number; high: number } {
  const b = c.buffer
  const start = c.at
  let low = 0
  let mid = 0
  let high = 0
  for (let i = 0; i < 10; i++) {
    if (start + i >= c.end) underflow(c)
    const byte = b[start + i]!
    const bits = byte & 0x7f
    if (i < 4) low += bits * 2 ** (7 * i)
    else if (i < 8) mid += bits * 2 ** (7 * (i - 4))
    else high |= bits << (7 * (i - 8))
    if (byte < 0x80) {
      c.at = start + i + 1
      return { low, mid, high: high & 0xff }
    }
  }
  return overlong(10, start)
}

const asNumberIfSafe = (value: bigint): number =>
  (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value) as number

/** Unsigned 64 bits; a bigint beyond 2^53-1. */
export function readUnsignedVarlong(c: Cursor): number {
  const { low, mid, high } = readGroups(c)
  if (high === 0 && mid < 2 ** 25) return low + mid * TWO_28
  return asNumberIfSafe(BigInt(low) + BigInt(mid) * BigInt(TWO_28) + BigInt(high) * BigInt(TWO_56))
}

/** Signed 64 bits, zigzag; a bigint outside +-(2^53-1). */
export function readVarlong(c: Cursor): number {
  const b = c.buffer
  const at = c.at
  // Timestamp deltas: nearly always at most four bytes.
  if (at + 4 <= c.end) {
    let byte = b[at]!
    let raw = byte & 0x7f
    for (let i = 1; byte >= 0x80 && i < 4; i++) {
      byte = b[at + i]!
      raw |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) {
        c.at = at + i + 1
        return (raw >>> 1) ^ -(raw & 1)
      }
    }
    if (raw === byte) {
      c.at = at + 1
      return (raw >>> 1) ^ -(raw & 1)
    }
  }
  const { low, mid, high } = readGroups(c)
  if (high === 0 && mid < 2 ** 25) {
    const value = low + mid * TWO_28
    const half = Math.floor(value / 2)
    return value % 2 === 0 ? half : -half - 1
  }
  const raw = BigInt(low) + BigInt(mid) * BigInt(TWO_28) + BigInt(high) * BigInt(TWO_56)
  return asNumberIfSafe((raw >> 1n) ^ -(raw & 1n))
}

/** Writes an unsigned 32-bit value at `at`; returns the position after it. */
export function writeUnsignedVarint(b: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0
  let to = at
  while (rest >= 0x80) {
    b[to++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  b[to++] = rest
  return to
}

export const writeVarint = (b: Uint8Array, at: number, value: number): number =>
  writeUnsignedVarint(b, at, (value << 1) ^ (value >> 31))

/** A signed 64-bit value (number or, at run time, bigint). */
export function writeVarlong(b: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(b, at, Number(value))
  let rest = zigzag64(value)
  let to = at
  while (rest >= 0x80n) {
    b[to++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  b[to++] = Number(rest)
  return to
}

/** An unsigned 64-bit value (number or, at run time, bigint). */
export function writeUnsignedVarlong(b: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value <= 0xffffffff) return writeUnsignedVarint(b, at, Number(value))
  let rest = BigInt.asUintN(64, BigInt(value))
  let to = at
  while (rest >= 0x80n) {
    b[to++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  b[to++] = Number(rest)
  return to
}

function zigzag64(value: number | bigint): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}

export function sizeOfUnsignedVarint(value: number): number {
  const v = value >>> 0
  return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5
}

export const sizeOfVarint = (value: number): number => sizeOfUnsignedVarint((value << 1) ^ (value >> 31))

export function sizeOfVarlong(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return sizeOfVarint(Number(value))
  let rest = zigzag64(value)
  let size = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    size++
  }
  return size
}

export function sizeOfUnsignedVarlong(value: number): number {
  if (value >= 0 && value <= 0xffffffff) return sizeOfUnsignedVarint(Number(value))
  let rest = BigInt.asUintN(64, BigInt(value))
  let size = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    size++
  }
  return size
}
