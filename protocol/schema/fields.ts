import type { RecordsInput } from '../wire/writer.js'

/** Every primitive of the protocol: what it decodes to, and what may be given to encode it. */
export interface Primitives {
  bool: { out: boolean; in: boolean }
  int8: { out: number; in: number }
  int16: { out: number; in: number }
  uint16: { out: number; in: number }
  int32: { out: number; in: number }
  uint32: { out: number; in: number }
  /** A bigint at run time beyond +-2^53, see `Reader.int64`. */
  int64: { out: number; in: number | bigint }
  float64: { out: number; in: number }
  string: { out: string; in: string }
  /** Decoded as a copy. */
  bytes: { out: Buffer; in: Uint8Array }
  /** Decoded as a view into the bytes given to `decode`. */
  records: { out: Buffer; in: NonNullable<RecordsInput> }
  /** 22 characters of base64url. */
  uuid: { out: string; in: string }
}
export type PrimitiveType = keyof Primitives

export type FieldType = PrimitiveType | 'struct' | 'array'

/** The options every field has. Ranges are texts like `3+` and `2-5`. */
export interface FieldOptions {
  /** Versions in which null may be sent. */
  readonly nullable?: string
  /** Number of a tagged field: it travels in the tag section at the end of its struct, and only when it differs from the default. */
  readonly tag?: number
  /** A value is dropped silently in versions without the field. Without it, encoding such a value is an error. */
  readonly ignorable?: true
  /** Elements of the enclosing array are distinguished by this field. */
  readonly mapKey?: true
  /** Overrides the message's flexible range for this field: only the client id of the request header, never compact. */
  readonly flexible?: 'none'
  readonly default?: unknown
}

/** One field. `out` and `in` exist for the type checker only. */
export interface Field<Out = unknown, In = unknown> extends FieldOptions {
  readonly type: FieldType
  readonly versions: string
  /** Of an array: what its elements are. */
  readonly element?: PrimitiveType | 'struct'
  /** Of a struct, or of an array of structs. The order is the order on the wire. */
  readonly fields?: Fields
  readonly out: Out
  readonly in: In
}

export type Fields = Readonly<Record<string, Field>>

/** A tagged field that the schema does not know, kept so that encoding again gives the same bytes. */
export interface UnknownTaggedField {
  readonly tag: number
  readonly data: Buffer
}
export interface UnknownTaggedFields {
  unknownTaggedFields?: readonly UnknownTaggedField[]
}

/** A decoded struct: every field is present, those that the version lacks have their default. */
export type StructOf<F extends Fields> = { [K in keyof F]: F[K]['out'] } & UnknownTaggedFields
/** A struct to be encoded: every field may be left out and then has its default. */
export type StructInput<F extends Fields> = { readonly [K in keyof F]?: F[K]['in'] | undefined } & UnknownTaggedFields

type Null<O, T> = O extends { readonly nullable: string } ? T | null : T
type PrimitiveField<T extends PrimitiveType, O> = Field<Null<O, Primitives[T]['out']>, Null<O, Primitives[T]['in']>>

interface NumberOptions extends FieldOptions {
  readonly default?: number
}
interface Int64Options extends FieldOptions {
  readonly default?: number | bigint
}
interface BoolOptions extends FieldOptions {
  readonly default?: boolean
}
interface StringOptions extends FieldOptions {
  readonly default?: string | null
}
/** Null, or the empty value of the type when it is left out. */
interface NullOptions extends FieldOptions {
  readonly default?: null
}

/** Builds a field; `out` and `in` are left out on purpose, no code may look at them. */
const field = (type: FieldType, versions: string, options: object | undefined): never =>
  ({ type, versions, ...options }) as never

export const bool = (versions: string, options?: BoolOptions): Field<boolean, boolean> =>
  field('bool', versions, options)
export const int8 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('int8', versions, options)
export const int16 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('int16', versions, options)
export const uint16 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('uint16', versions, options)
export const int32 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('int32', versions, options)
export const uint32 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('uint32', versions, options)
export const int64 = (versions: string, options?: Int64Options): Field<number, number | bigint> =>
  field('int64', versions, options)
export const float64 = (versions: string, options?: NumberOptions): Field<number, number> =>
  field('float64', versions, options)
export const uuid = (versions: string, options?: FieldOptions): Field<string, string> =>
  field('uuid', versions, options)

export const string = <const O extends StringOptions>(versions: string, options?: O): PrimitiveField<'string', O> =>
  field('string', versions, options)
export const bytes = <const O extends NullOptions>(versions: string, options?: O): PrimitiveField<'bytes', O> =>
  field('bytes', versions, options)
export const records = <const O extends NullOptions>(versions: string, options?: O): PrimitiveField<'records', O> =>
  field('records', versions, options)

/** A struct of its own inside a message. Its default is the struct of the defaults, unless `default: null`. */
export const struct = <F extends Fields, const O extends NullOptions>(
  versions: string,
  fields: F,
  options?: O,
): Field<Null<O, StructOf<F>>, Null<O, StructInput<F>>> => field('struct', versions, { fields, ...options })

/** An array of primitives (`array('0+', 'int32')`) or of structs (`array('0+', { name: string('0+') })`). */
export function array<T extends PrimitiveType, const O extends NullOptions>(
  versions: string,
  element: T,
  options?: O,
): Field<Null<O, Primitives[T]['out'][]>, Null<O, readonly Primitives[T]['in'][]>>
export function array<F extends Fields, const O extends NullOptions>(
  versions: string,
  fields: F,
  options?: O,
): Field<Null<O, StructOf<F>[]>, Null<O, readonly StructInput<F>[]>>
export function array(versions: string, of: PrimitiveType | Fields, options?: NullOptions): Field<never, never> {
  const element = typeof of === 'string' ? { element: of } : { element: 'struct', fields: of }
  return field('array', versions, { ...element, ...options })
}
