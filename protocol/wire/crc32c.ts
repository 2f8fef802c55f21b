/**
 * The two checksums of Kafka's record formats: CRC-32C (Castagnoli, magic 2) and CRC-32 (magic 0 and 1).
 *
 * CRC-32C comes from the native `@node-rs/crc32` when that optional package is installed and from a slicing-by-16 table otherwise; the
 * table also serves ranges below 256 bytes, where a native call and a view cost more than the sum. Both load on first use: a broker
 * that only listens pays for neither.
 */
import { createRequire } from 'node:module'

/** Below this many bytes the tables are faster than crossing into native code. */
const NATIVE_FROM_BYTES = 256
const SLICES = 16

type NativeCrc = (input: Uint8Array, initial?: number) => number

let native: NativeCrc | null | undefined
const tables = new Map<number, Int32Array>()

function loadNative(): NativeCrc | null {
  try {
    const loaded = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: NativeCrc }
    return loaded.crc32c
  } catch {
    return null // An optional package: platforms without a prebuilt binary use the tables.
  }
}

/** Which code serves long ranges, to be said at start-up: without `native`, large batches cost several times more. */
export function crc32cMode(): 'native' | 'javascript' {
  if (native === undefined) native = loadNative()
  return native === null ? 'javascript' : 'native'
}

/** Sixteen tables of 256 entries, one after another, for a reflected polynomial. */
function tableOf(polynomial: number): Int32Array {
  const known = tables.get(polynomial)
  if (known !== undefined) return known
  const t = new Int32Array(256 * SLICES)
  for (let n = 0; n < 256; n++) {
    let value = n
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ polynomial : value >>> 1
    t[n] = value
  }
  for (let i = 256; i < t.length; i++) {
    const previous = t[i - 256]!
    t[i] = (previous >>> 8) ^ t[previous & 0xff]!
  }
  tables.set(polynomial, t)
  return t
}

function slicingBy16(t: Int32Array, b: Uint8Array, start: number, end: number, initial: number): number {
  let crc = ~initial
  let i = start
  for (const last = end - SLICES; i <= last; i += SLICES) {
    crc =
      t[3840 + ((crc ^ b[i]!) & 0xff)]! ^
      t[3584 + (((crc >>> 8) ^ b[i + 1]!) & 0xff)]! ^
      t[3328 + (((crc >>> 16) ^ b[i + 2]!) & 0xff)]! ^
      t[3072 + ((crc >>> 24) ^ b[i + 3]!)]! ^
      t[2816 + b[i + 4]!]! ^
      t[2560 + b[i + 5]!]! ^
      t[2304 + b[i + 6]!]! ^
      t[2048 + b[i + 7]!]! ^
      t[1792 + b[i + 8]!]! ^
      t[1536 + b[i + 9]!]! ^
      t[1280 + b[i + 10]!]! ^
      t[1024 + b[i + 11]!]! ^
      t[768 + b[i + 12]!]! ^
      t[512 + b[i + 13]!]! ^
      t[256 + b[i + 14]!]! ^
      t[b[i + 15]!]!
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ t[(crc ^ b[i]!) & 0xff]!
  return ~crc >>> 0
}

/** CRC-32C of `b[start, end)` without native code. */
export const crc32cTable = (b: Uint8Array, start = 0, end = b.length): number =>
  slicingBy16(tableOf(0x82f63b78), b, start, end, 0)

/** CRC-32C of `b[start, end)`, unsigned. */
export function crc32c(b: Uint8Array, start = 0, end = b.length): number {
  if (end - start < NATIVE_FROM_BYTES) return crc32cTable(b, start, end)
  if (native === undefined) native = loadNative()
  if (native === null) return crc32cTable(b, start, end)
  return native(start === 0 && end === b.length ? b : b.subarray(start, end))
}

/** CRC-32 (the zlib polynomial) of `b[start, end)`, unsigned. Only old message formats need it, so there is no native path. */
export const crc32 = (b: Uint8Array, start = 0, end = b.length): number =>
  slicingBy16(tableOf(0xedb88320), b, start, end, 0)
