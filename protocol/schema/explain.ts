import { ProtocolError } from '../wire/error.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { checked, isFlexible } from './compile.js'
import { compileRead } from './compile-read.js'
import { compileWriteField, compileWriteStruct, compileWriteValue } from './compile-write.js'
import type { Field, Fields } from './fields.js'
import type { Schema } from './message.js'
import { smallestElement } from './sizes.js'
import { inVersions } from './versions.js'

/** One value on the wire: where it is, how long, and what it says. Lengths, counts and null markers belong to their value. */
export interface ExplainedField {
  /** `topicData[3].partitionData[0].records`; `<tags>` is the tag section of a struct. */
  readonly path: string
  readonly type: string
  /** Position of the first byte, from the start of the body. */
  readonly offset: number
  readonly bytes: number
  /** The value of a primitive, the number of elements of an array (null: null), `undefined` for a struct. */
  readonly value: unknown
}

export interface Explained {
  readonly fields: readonly ExplainedField[]
  /** Why reading stopped, with the path; absent when the bytes are well-formed. */
  readonly error?: ProtocolError
  /** Bytes after the body. */
  readonly trailingBytes: number
}

/** So that explaining a large message stays readable and small; what is beyond is read but not listed. */
const MAX_LISTED = 10_000

/**
 * Walks bytes field by field, up to the first failure. Slow and talkative: for error messages, tools and tests. The walk uses the same
 * compiled code for leaves and the same order as decoding, so that it fails where decoding fails.
 */
export function explainSchema(
  schema: Schema,
  version: number,
  bytes: Buffer,
  start = 0,
  end = bytes.length,
): Explained {
  checked(schema, version)
  const walk = new Walk(new Reader(bytes, start, end), version, start)
  try {
    walk.struct(schema.fields, isFlexible(schema, version), '')
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { fields: walk.fields, error: error.at(walk.path), trailingBytes: 0 }
  }
  return { fields: walk.fields, trailingBytes: walk.reader.remaining() }
}

const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

class Walk {
  readonly fields: ExplainedField[] = []
  /** The field being read. */
  path = ''

  constructor(
    readonly reader: Reader,
    private readonly version: number,
    private readonly start: number,
  ) {}

  private note(path: string, type: string, from: number, value: unknown): void {
    if (this.fields.length >= MAX_LISTED) return
    this.fields.push({ path, type, offset: from - this.start, bytes: this.reader.pos - from, value })
  }

  struct(fields: Fields, flexible: boolean, path: string): void {
    for (const [name, field] of Object.entries(fields)) {
      if (field.tag === undefined && inVersions(field.versions, this.version)) {
        this.field(field, flexible, child(path, name))
      }
    }
    if (flexible) this.tags(fields, path)
    this.path = path
  }

  private field(field: Field, flexible: boolean, path: string): void {
    this.path = path
    const { reader, version } = this
    const from = reader.pos
    if (field.type === 'struct') {
      if (inVersions(field.nullable, version)) {
        const marker = reader.int8()
        const isNull = field.tag === undefined ? marker < 0 : marker === 0
        this.note(path, 'struct', from, isNull ? null : undefined)
        if (isNull) return
      }
      this.struct(field.fields!, flexible, path)
    } else if (field.type === 'array' && field.element === 'struct') {
      this.array(field, flexible, path)
    } else {
      const value = compileRead(field, version, flexible)(reader)
      this.note(path, field.type === 'array' ? `array of ${field.element}` : field.type, from, value)
    }
  }

  private array(field: Field, flexible: boolean, path: string): void {
    const { reader } = this
    const from = reader.pos
    const count = flexible ? reader.uvarint() - 1 : reader.int32()
    if (count <= 0) {
      // Null or empty: the compiled reader knows whether that is allowed.
      reader.pos = from
      const value = compileRead(field, this.version, flexible)(reader)
      this.note(path, 'array of struct', from, value === null ? null : 0)
      return
    }
    reader.count(count, smallestElement(field, this.version, flexible))
    this.note(path, 'array of struct', from, count)
    for (let i = 0; i < count; i++) this.struct(field.fields!, flexible, `${path}[${i}]`)
  }

  private tags(fields: Fields, path: string): void {
    const { reader, version } = this
    const tagsPath = child(path, '<tags>')
    this.path = tagsPath
    const from = reader.pos
    const count = reader.count(reader.uvarint(), 2)
    if (count > 0) this.note(tagsPath, 'tags', from, count)
    for (let i = 0; i < count; i++) {
      this.path = tagsPath
      const at = reader.pos
      const tag = reader.uvarint()
      const size = reader.uvarint()
      if (size > reader.remaining()) reader.short(size)
      const known = Object.entries(fields).find(([, field]) => field.tag === tag)
      if (known === undefined) {
        const data = reader.copy(size)
        this.note(child(path, `<tag ${tag}>`), 'bytes', at, data)
        continue
      }
      const [name, field] = known
      this.path = child(path, name)
      if (!inVersions(field.versions, version)) {
        throw new ProtocolError('INVALID_TAG', `tag ${tag} (${name}) does not exist in version ${version}`)
      }
      const end = reader.pos + size
      this.field(field, true, child(path, name))
      this.path = child(path, name)
      if (reader.pos !== end) {
        throw new ProtocolError(
          'INVALID_TAG',
          `tag ${tag} says ${size} bytes, its value has ${reader.pos - end + size}`,
        )
      }
    }
  }
}

/**
 * Finds the field that made encoding throw, by writing the value again piece by piece. Gives the error with the path of the innermost
 * field that fails by itself.
 */
export function locateWriteError(schema: Schema, version: number, value: object, error: ProtocolError): ProtocolError {
  return error.at(
    failingPath(schema.fields, version, isFlexible(schema, version), value as Record<string, unknown>, ''),
  )
}

function fails(write: () => void): boolean {
  try {
    write()
    return false
  } catch (error) {
    if (error instanceof ProtocolError) return true
    throw error
  }
}

function failingPath(
  fields: Fields,
  version: number,
  flexible: boolean,
  value: Record<string, unknown>,
  path: string,
): string {
  const writer = new Writer()
  for (const [name, field] of Object.entries(fields)) {
    const write = compileWriteField(name, field, version, flexible)
    const tagged = field.tag !== undefined && inVersions(field.versions, version) && value[name] !== undefined
    const failed =
      (write !== undefined && fails(() => write(writer, value))) ||
      (tagged && fails(() => compileWriteValue(field, version, true)(writer, value[name] as never)))
    if (failed) return failingInside(field, version, flexible, value[name], child(path, name))
  }
  return path
}

function failingInside(field: Field, version: number, flexible: boolean, value: unknown, path: string): string {
  if (field.fields === undefined || value === null || typeof value !== 'object') return path
  if (!inVersions(field.versions, version)) return path
  if (!Array.isArray(value)) return failingPath(field.fields, version, flexible, value as Record<string, unknown>, path)
  const write = compileWriteStruct(field.fields, version, flexible)
  const writer = new Writer()
  for (const [i, element] of value.entries()) {
    if (!fails(() => write(writer, element))) continue
    if (element === null || typeof element !== 'object') return `${path}[${i}]`
    return failingPath(field.fields, version, flexible, element, `${path}[${i}]`)
  }
  return path
}
