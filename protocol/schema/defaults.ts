import { ZERO_UUID } from '../wire/reader.js'
import type { Field, Fields, FieldType } from './fields.js'

const ZERO: Record<Exclude<FieldType, 'bytes' | 'records' | 'struct' | 'array'>, unknown> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  float64: 0,
  string: '',
  uuid: ZERO_UUID,
}

const EMPTY = Buffer.alloc(0)

/**
 * Makes the default of a field. Objects are made anew every time: two decoded messages never share one.
 */
export function defaultMaker(field: Field): () => unknown {
  if ('default' in field) {
    const value = field.default
    return () => value
  }
  if (field.type === 'array') return () => []
  if (field.type === 'struct') return () => defaultStruct(field.fields!)
  const value = field.type === 'bytes' || field.type === 'records' ? EMPTY : ZERO[field.type]
  return () => value
}

/** A struct of which every field has its default. */
export function defaultStruct(fields: Fields): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) value[name] = defaultMaker(field)()
  return value
}

/** Tells whether a value (never `undefined`) equals the default of its field. */
export function defaultTest(field: Field): (value: unknown) => boolean {
  if (field.default === null) return (value) => value === null
  switch (field.type) {
    case 'array':
    case 'bytes':
    case 'records':
      return (value) => value !== null && (value as { length: number }).length === 0
    case 'struct':
      return structDefaultTest(field.fields!)
    default: {
      const wanted = 'default' in field ? field.default : ZERO[field.type]
      // Loose for int64, where 0n and 0 are the same value.
      // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals a number
      return field.type === 'int64' ? (value) => value == wanted : (value) => value === wanted
    }
  }
}

function structDefaultTest(fields: Fields): (value: unknown) => boolean {
  const tests = Object.entries(fields).map(([name, field]) => [name, defaultTest(field)] as const)
  return (value) => {
    if (value === null || typeof value !== 'object') return false
    const struct = value as Record<string, unknown>
    const unknown = struct.unknownTaggedFields as readonly unknown[] | undefined
    if (unknown !== undefined && unknown.length > 0) return false
    return tests.every(([name, test]) => struct[name] === undefined || test(struct[name]))
  }
}
