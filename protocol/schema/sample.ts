import { ZERO_UUID } from '../wire/reader.js'
import { checked, isFlexible } from './compile.js'
import { defaultMaker } from './defaults.js'
import type { Field, Fields, FieldType, UnknownTaggedField } from './fields.js'
import type { Schema } from './message.js'
import { inVersions } from './versions.js'

/** A source of randomness: numbers in [0, 1). */
export type Rng = () => number

const INTEGERS: Partial<Record<FieldType, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int64: [-9007199254740991, 9007199254740991],
}

const TEXTS = [
  '',
  'a',
  'topic-1',
  'é',
  '日本語',
  '\u{1f600}',
  '\ufeffbom',
  '\u0000',
  'x'.repeat(126),
  'y'.repeat(127),
  'é'.repeat(64),
]
const INT64_EDGES = [-9223372036854775808n, 9223372036854775807n, 9007199254740993n, -9007199254740993n]

/**
 * A random value that this version can carry, with every field present: encoding and decoding it gives an equal value. Edges (nulls, empty
 * lists, limits of integers, odd strings, unknown tagged fields) are likely, sizes are small.
 */
export function sampleSchema(schema: Schema, version: number, rng: Rng): Record<string, unknown> {
  return new Sampler(checked(schema, version), rng).struct(schema.fields, isFlexible(schema, version), 0)
}

class Sampler {
  constructor(
    private readonly version: number,
    private readonly rng: Rng,
  ) {}

  private below(n: number): number {
    return Math.floor(this.rng() * n)
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  private bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  struct(fields: Fields, flexible: boolean, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!inVersions(field.versions, this.version)) value[name] = defaultMaker(field)()
      else if (field.tag !== undefined && this.below(2) === 0) value[name] = defaultMaker(field)()
      else value[name] = this.field(field, flexible, depth)
    }
    if (flexible && this.below(8) === 0) value.unknownTaggedFields = this.unknownTags(fields)
    return value
  }

  private unknownTags(fields: Fields): UnknownTaggedField[] {
    const known = new Set(Object.values(fields).map((field) => field.tag))
    const tags = new Set(
      Array.from({ length: 1 + this.below(3) }, () => this.pick([0, 1, 7, 100, 127, 128, 2_000_000])),
    )
    return [...tags]
      .filter((tag) => !known.has(tag))
      .concat(2147483647)
      .sort((a, b) => a - b)
      .map((tag) => ({ tag, data: this.bytes(this.below(5)) }))
  }

  private field(field: Field, flexible: boolean, depth: number): unknown {
    if (inVersions(field.nullable, this.version) && this.below(4) === 0) return null
    if (field.type === 'struct') return this.struct(field.fields!, flexible, depth + 1)
    if (field.type !== 'array') return this.primitive(field.type)
    const length = depth > 2 ? this.below(2) : this.below(4)
    return Array.from({ length }, () =>
      field.element === 'struct' ? this.struct(field.fields!, flexible, depth + 1) : this.primitive(field.element!),
    )
  }

  private primitive(type: FieldType): unknown {
    switch (type) {
      case 'bool':
        return this.below(2) === 1
      case 'float64':
        return this.pick([0, 1.5, -1e300, 5e-324, Number.POSITIVE_INFINITY, this.rng()])
      case 'string':
        return this.pick(TEXTS)
      case 'bytes':
      case 'records':
        return this.bytes(this.pick([0, 1, 20, 127, 128, 2000]))
      case 'uuid':
        return this.below(4) === 0 ? ZERO_UUID : this.bytes(16).toString('base64url')
      default:
        return this.integer(type)
    }
  }

  private integer(type: FieldType): unknown {
    if (type === 'int64' && this.below(8) === 0) return this.pick(INT64_EDGES)
    const [low, high] = INTEGERS[type]!
    const value = this.pick([low, high, 0, 1, 127, 128, Math.floor(low + this.rng() * (high - low))])
    return Math.min(high, Math.max(low, value))
  }
}
