import { ProtocolError } from '../wire/error.js'
import { type RecordsInput, recordsLength, type Writer } from '../wire/writer.js'
import { defaultMaker, defaultTest } from './defaults.js'
import type { Field, Fields, FieldType, PrimitiveType, UnknownTaggedField } from './fields.js'
import type { WriteStruct } from './message.js'
import { inVersions } from './versions.js'

type Struct = Record<string, unknown>
/** Writes a value that is neither null nor undefined. */
type Write = (writer: Writer, value: never) => void
/** Writes one field of a struct. */
export type WriteField = (writer: Writer, struct: Struct) => void

/** Composes the writer of a struct for one version. */
export function compileWriteStruct(fields: Fields, version: number, flexible: boolean): WriteStruct {
  const writes: WriteField[] = []
  for (const [name, field] of Object.entries(fields)) {
    const write = compileWriteField(name, field, version, flexible)
    if (write !== undefined) writes.push(write)
  }
  const count = writes.length
  const writeTags = flexible ? compileWriteTags(fields, version) : refuseTags
  return (writer, value) => {
    if (value === null || typeof value !== 'object') notA('a struct', value)
    for (let i = 0; i < count; i++) writes[i]!(writer, value as Struct)
    writeTags(writer, value as Struct)
  }
}

/** The writer of one field, `undefined` when this version needs nothing of it here (ignored, or tagged and written at the end). */
export function compileWriteField(
  name: string,
  field: Field,
  version: number,
  flexible: boolean,
): WriteField | undefined {
  if (!inVersions(field.versions, version)) {
    if (field.ignorable) return undefined
    const isDefault = defaultTest(field)
    return (_writer, struct) => {
      const value = struct[name]
      if (value !== undefined && !isDefault(value)) {
        throw new ProtocolError('FIELD_NOT_IN_VERSION', `version ${version} cannot carry a value for ${name}`)
      }
    }
  }
  if (field.tag !== undefined) return undefined
  const makeDefault = defaultMaker(field)
  const direct = writeNumberField(name, field.type, makeDefault() as number)
  if (direct !== undefined) return direct
  const write = compileWriteValue(field, version, flexible)
  return (writer, struct) => {
    const value = struct[name]
    write(writer, (value === undefined ? makeDefault() : value) as never)
  }
}

/** The most frequent fields without a closure in between: a third of the time of large answers. */
function writeNumberField(name: string, type: FieldType, otherwise: number): WriteField | undefined {
  switch (type) {
    case 'int16':
      return (writer, struct) => {
        const value = struct[name] as number | undefined
        writer.int16(value === undefined ? otherwise : value)
      }
    case 'int32':
      return (writer, struct) => {
        const value = struct[name] as number | undefined
        writer.int32(value === undefined ? otherwise : value)
      }
    case 'int64':
      return (writer, struct) => {
        const value = struct[name] as number | undefined
        writer.int64(value === undefined ? otherwise : value)
      }
    default:
      return undefined
  }
}

function notA(what: string, value: unknown): never {
  throw new ProtocolError('INVALID_VALUE', `${value === null ? 'null' : typeof value} is not ${what}`)
}

function noNull(): never {
  throw new ProtocolError('NULL_NOT_ALLOWED', 'null is not allowed in this version')
}

/** Writes a value with its length or null marker. */
export function compileWriteValue(field: Field, version: number, flexible: boolean): Write {
  const compact = flexible && field.flexible !== 'none'
  const nullable = inVersions(field.nullable, version)
  if (field.type === 'array') return writeArray(field, version, compact, nullable)
  if (field.type === 'struct') {
    const write = compileWriteStruct(field.fields!, version, flexible) as Write
    if (!nullable) return (writer, value) => (value === null ? noNull() : write(writer, value))
    const nullMarker = field.tag === undefined ? -1 : 0
    return (writer, value) => {
      writer.int8(value === null ? nullMarker : 1)
      if (value !== null) write(writer, value)
    }
  }
  const write = writePrimitive(field.type, compact)
  if (field.type !== 'string' && field.type !== 'bytes' && field.type !== 'records') return write
  const writeNull = !nullable
    ? noNull
    : compact
      ? (writer: Writer) => writer.uvarint(0)
      : field.type === 'string'
        ? (writer: Writer) => writer.int16(-1)
        : (writer: Writer) => writer.int32(-1)
  return (writer, value) => (value === null ? writeNull(writer) : write(writer, value))
}

function writePrimitive(type: PrimitiveType, compact: boolean): Write {
  switch (type) {
    case 'bool':
      return (writer, value) => writer.bool(value)
    case 'int8':
      return (writer, value) => writer.int8(value)
    case 'int16':
      return (writer, value) => writer.int16(value)
    case 'uint16':
      return (writer, value) => writer.uint16(value)
    case 'int32':
      return (writer, value) => writer.int32(value)
    case 'uint32':
      return (writer, value) => writer.uint32(value)
    case 'int64':
      return (writer, value) => writer.int64(value)
    case 'float64':
      return (writer, value) => writer.float64(value)
    case 'uuid':
      return (writer, value) => writer.uuid(value)
    case 'string':
      return compact ? (writer, value) => writer.compactString(value) : (writer, value) => writer.string(value)
    case 'bytes':
      return compact ? (writer, value) => writer.compactBytes(value) : (writer, value) => writer.bytes(value)
    case 'records':
      return (writer, value: NonNullable<RecordsInput>) => {
        const length = recordsLength(value)
        if (compact) writer.uvarint(length + 1)
        else writer.int32(length)
        writer.records(value)
      }
  }
}

function writeArray(field: Field, version: number, compact: boolean, nullable: boolean): Write {
  const element =
    field.element === 'struct'
      ? (compileWriteStruct(field.fields!, version, compact) as Write)
      : writePrimitive(field.element!, compact)
  const isInt32 = field.element === 'int32'
  return (writer, value: readonly never[] | null) => {
    if (value === null) {
      if (!nullable) noNull()
      if (compact) writer.uvarint(0)
      else writer.int32(-1)
      return
    }
    if (!Array.isArray(value)) notA('an array', value)
    const count = value.length
    if (compact) writer.uvarint(count + 1)
    else writer.int32(count)
    if (isInt32) writer.int32s(value)
    else for (let i = 0; i < count; i++) element(writer, value[i]!)
  }
}

function refuseTags(_writer: Writer, struct: Struct): void {
  const unknown = struct.unknownTaggedFields as readonly UnknownTaggedField[] | undefined
  if (unknown !== undefined && unknown.length > 0) {
    throw new ProtocolError('FIELD_NOT_IN_VERSION', 'this version has no tagged fields')
  }
}

interface KnownTag {
  readonly tag: number
  readonly name: string
  readonly makeDefault: () => unknown
  readonly isDefault: (value: unknown) => boolean
  readonly write: Write
}

function compileWriteTags(fields: Fields, version: number): WriteField {
  const known: KnownTag[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (field.tag === undefined || !inVersions(field.versions, version)) continue
    const write = compileWriteValue(field, version, true)
    known.push({ tag: field.tag, name, makeDefault: defaultMaker(field), isDefault: defaultTest(field), write })
  }
  known.sort((a, b) => a.tag - b.tag)
  const reserved = new Set(Object.values(fields).map((field) => field.tag))
  return (writer, struct) => {
    const unknown = (struct.unknownTaggedFields as readonly UnknownTaggedField[] | undefined) ?? []
    if (unknown.length === 0 && known.length === 0) return writer.uvarint(0)
    const present = known.filter((field) => !field.isDefault(tagValue(field, struct)))
    writer.uvarint(present.length + unknown.length)
    let next = 0
    for (const raw of [...unknown].sort((a, b) => a.tag - b.tag)) {
      if (reserved.has(raw.tag))
        throw new ProtocolError('INVALID_TAG', `tag ${raw.tag} is a known field of this struct`)
      while (next < present.length && present[next]!.tag < raw.tag) writeTag(writer, present[next++]!, struct)
      writer.uvarint(raw.tag)
      writer.uvarint(raw.data.length)
      writer.raw(raw.data)
    }
    while (next < present.length) writeTag(writer, present[next++]!, struct)
  }
}

function tagValue(field: KnownTag, struct: Struct): unknown {
  const value = struct[field.name]
  return value === undefined ? field.makeDefault() : value
}

function writeTag(writer: Writer, field: KnownTag, struct: Struct): void {
  writer.uvarint(field.tag)
  const mark = writer.beginSized()
  field.write(writer, tagValue(field, struct) as never)
  writer.endSized(mark)
}
