import { ProtocolError } from '../wire/error.js'
import type { Reader } from '../wire/reader.js'
import { defaultMaker } from './defaults.js'
import type { Field, Fields, FieldType, UnknownTaggedField } from './fields.js'
import type { ReadStruct } from './message.js'
import { smallestElement } from './sizes.js'
import { inVersions } from './versions.js'

type Read = (reader: Reader) => unknown
type Struct = Record<string, unknown>

/** A constructor of plain objects. */
function newShape(): new () => Struct {
  // biome-ignore lint/complexity/useArrowFunction: an arrow function is no constructor
  const shape = function () {} as unknown as { new (): Struct; prototype: object }
  shape.prototype = Object.prototype
  return shape
}

/** Composes the reader of a struct for one version. */
export function compileReadStruct(fields: Fields, version: number, flexible: boolean): ReadStruct {
  const names = Object.keys(fields)
  const reads = names.map((name) => {
    const field = fields[name]!
    const present = field.tag === undefined && inVersions(field.versions, version)
    return present ? compileRead(field, version, flexible) : defaultMaker(field)
  })
  const count = names.length
  // A constructor of its own gives each struct its own hidden class with all fields inside the object.
  const Shape = newShape()
  if (!flexible) {
    return (reader) => {
      const struct = new Shape()
      for (let i = 0; i < count; i++) struct[names[i]!] = reads[i]!(reader)
      return struct
    }
  }
  const readTags = compileReadTags(fields, version)
  return (reader) => {
    const struct = new Shape()
    for (let i = 0; i < count; i++) struct[names[i]!] = reads[i]!(reader)
    if (reader.pos < reader.end && reader.buffer[reader.pos] === 0) reader.pos++
    else readTags(reader, struct)
    return struct
  }
}

/** The reader of a field for one version in which it is present. Also used by explain, field by field. */
export function compileRead(field: Field, version: number, flexible: boolean): Read {
  const compact = flexible && field.flexible !== 'none'
  const nullable = inVersions(field.nullable, version)
  if (field.type === 'array') return readArray(field, version, compact, nullable)
  if (field.type === 'struct') {
    const read = compileReadStruct(field.fields!, version, flexible)
    if (!nullable) return read
    if (field.tag !== undefined) return (reader) => (reader.int8() === 0 ? null : read(reader))
    return (reader) => (reader.int8() < 0 ? null : read(reader))
  }
  return readPrimitive(field.type, compact, nullable)
}

function noNull(): never {
  throw new ProtocolError('NULL_NOT_ALLOWED', 'null is not allowed here')
}

/**
 * The length of what follows, -1 for null. Kafka takes any negative length for null where null is allowed.
 */
const compactLength = (reader: Reader): number => reader.uvarint() - 1
const int16Length = (reader: Reader): number => reader.int16()
const int32Length = (reader: Reader): number => reader.int32()

function readPrimitive(type: FieldType, compact: boolean, nullable: boolean): Read {
  switch (type) {
    case 'bool':
      return (reader) => reader.int8() !== 0
    case 'int8':
      return (reader) => reader.int8()
    case 'int16':
      return (reader) => reader.int16()
    case 'uint16':
      return (reader) => reader.uint16()
    case 'int32':
      return (reader) => reader.int32()
    case 'uint32':
      return (reader) => reader.uint32()
    case 'int64':
      return (reader) => reader.int64()
    case 'float64':
      return (reader) => reader.float64()
    case 'uuid':
      return (reader) => reader.uuid()
    case 'string':
      return compact ? readCompactString(nullable) : readString(nullable)
    case 'bytes': {
      const length = compact ? compactLength : int32Length
      return (reader) => {
        const bytes = length(reader)
        return bytes < 0 ? (nullable ? null : noNull()) : reader.copy(bytes)
      }
    }
    case 'records': {
      const length = compact ? compactLength : int32Length
      return (reader) => {
        const bytes = length(reader)
        return bytes < 0 ? (nullable ? null : noNull()) : reader.view(bytes)
      }
    }
    default:
      throw new Error(`not a primitive: ${type}`)
  }
}

function readCompactString(nullable: boolean): Read {
  return (reader) => {
    const length = reader.uvarint() - 1
    return length < 0 ? (nullable ? null : noNull()) : reader.stringOf(length)
  }
}

function readString(nullable: boolean): Read {
  return (reader) => {
    const length = int16Length(reader)
    return length < 0 ? (nullable ? null : noNull()) : reader.stringOf(length)
  }
}

function readArray(field: Field, version: number, compact: boolean, nullable: boolean): Read {
  const length = compact ? compactLength : int32Length
  const bytes = smallestElement(field, version, compact)
  const element =
    field.element === 'struct'
      ? compileReadStruct(field.fields!, version, compact)
      : readPrimitive(field.element!, compact, false)
  return (reader) => {
    const count = length(reader)
    if (count < 0) return nullable ? null : noNull()
    if (count === 0) return []
    reader.count(count, bytes)
    // Grows as elements are read: a count is believed only as far as the bytes go.
    const list: unknown[] = []
    for (let i = 0; i < count; i++) list.push(element(reader))
    return list
  }
}

interface KnownTag {
  readonly name: string
  /** Absent where this version does not define the tag: Kafka refuses it then. */
  readonly read: Read | undefined
}

function compileReadTags(fields: Fields, version: number): (reader: Reader, struct: Struct) => void {
  const known = new Map<number, KnownTag>()
  for (const [name, field] of Object.entries(fields)) {
    if (field.tag === undefined) continue
    const defined = inVersions(field.versions, version)
    known.set(field.tag, { name, read: defined ? compileRead(field, version, true) : undefined })
  }
  return (reader, struct) => {
    const count = reader.count(reader.uvarint(), 2)
    let unknown: UnknownTaggedField[] | undefined
    for (let i = 0; i < count; i++) {
      const tag = reader.uvarint()
      const size = reader.uvarint()
      if (size > reader.remaining()) reader.short(size)
      const field = known.get(tag)
      if (field === undefined) {
        unknown ??= []
        unknown.push({ tag, data: reader.copy(size) })
        continue
      }
      if (field.read === undefined) {
        throw new ProtocolError('INVALID_TAG', `tag ${tag} (${field.name}) does not exist in version ${version}`)
      }
      const end = reader.pos + size
      struct[field.name] = field.read(reader)
      if (reader.pos !== end) {
        throw new ProtocolError(
          'INVALID_TAG',
          `tag ${tag} says ${size} bytes, its value has ${reader.pos - end + size}`,
        )
      }
    }
    if (unknown !== undefined) struct.unknownTaggedFields = unknown
  }
}
