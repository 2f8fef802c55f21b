/**
 * Fixed structs (batch headers, index entries, control-record keys), described once with buffer-layout and checked by the compiler.
 *
 * The description is the documentation, the source of offsets and the decoder of tools and tests. Hot paths do not decode: they take
 * `offsetOf` once, or constants that a test compares with it, and peek (a whole decode is about 18 times slower).
 * buffer-layout's own 64-bit integers round past 2^53; `int64` here is exact.
 */
import layouts from 'buffer-layout'

/** A field: its name and the kind of integer, in wire order. All are big-endian. */
export type FieldKind = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64'
export type FieldTable = Readonly<Record<string, FieldKind>>
/** Every field a number; an int64 outside +-(2^53-1) is a bigint at run time. */
export type StructValue<F extends FieldTable> = { [K in keyof F]: number }

export interface FixedStruct<F extends FieldTable> {
  readonly sizeInBytes: number
  offsetOf(field: keyof F & string): number
  /** Throws RangeError when fewer than `sizeInBytes` bytes are left at `at`. */
  decode(buffer: Uint8Array, at?: number): StructValue<F>
  encode(value: StructValue<F>, buffer: Uint8Array, at?: number): void
}

/** An exact big-endian int64: a number when it is safe, else a bigint (typed number, see the conventions of `protocol/`). */
class Int64 extends layouts.Layout<number> {
  constructor(property: string) {
    super(8, property)
  }

  override decode(buffer: Uint8Array, offset = 0): number {
    const value = asBuffer(buffer).readBigInt64BE(offset)
    return (Number.isSafeInteger(Number(value)) ? Number(value) : value) as number
  }

  override encode(value: number, buffer: Uint8Array, offset = 0): number {
    asBuffer(buffer).writeBigInt64BE(BigInt(value), offset)
    return 8
  }
}

const asBuffer = (b: Uint8Array): Buffer => (Buffer.isBuffer(b) ? b : Buffer.from(b.buffer, b.byteOffset, b.byteLength))

const makers: Record<FieldKind, (property: string) => layouts.Layout<number>> = {
  int8: (name) => layouts.s8(name),
  uint8: (name) => layouts.u8(name),
  int16: (name) => layouts.s16be(name),
  uint16: (name) => layouts.u16be(name),
  int32: (name) => layouts.s32be(name),
  uint32: (name) => layouts.u32be(name),
  int64: (name) => new Int64(name),
}

/** A struct of fixed size; the order of the keys is the order on the wire. */
export function fixedStruct<const F extends FieldTable>(fields: F): FixedStruct<F> {
  const members = Object.entries(fields).map(([name, kind]) => makers[kind](name))
  const layout = layouts.struct<StructValue<F>>(members)
  return {
    sizeInBytes: layout.span,
    offsetOf: (field) => layout.offsetOf(field)!,
    decode: (buffer, at = 0) => layout.decode(asBuffer(buffer), at),
    encode: (value, buffer, at = 0) => void layout.encode(value, asBuffer(buffer), at),
  }
}
