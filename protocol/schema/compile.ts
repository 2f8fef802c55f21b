import { ProtocolError } from '../wire/error.js'
import { compileReadStruct } from './compile-read.js'
import { compileWriteStruct } from './compile-write.js'
import type { ReadStruct, Schema, WriteStruct } from './message.js'
import { includes } from './versions.js'

/** The reader of a schema's version, compiled at first use. Throws `UNSUPPORTED_VERSION`. */
export function readerOf(schema: Schema, version: number): ReadStruct {
  return (schema.readers[version] ??= compileReadStruct(
    schema.fields,
    checked(schema, version),
    isFlexible(schema, version),
  ))
}

/** The writer of a schema's version, compiled at first use. Throws `UNSUPPORTED_VERSION`. */
export function writerOf(schema: Schema, version: number): WriteStruct {
  return (schema.writers[version] ??= compileWriteStruct(
    schema.fields,
    checked(schema, version),
    isFlexible(schema, version),
  ))
}

/** Whether the version has compact lengths and tagged fields. */
export const isFlexible = (schema: Schema, version: number): boolean => includes(schema.flexible, version)

/** The version itself; throws `UNSUPPORTED_VERSION` when the schema does not have it. */
export function checked(schema: Schema, version: number): number {
  const { low, high } = schema.versions
  if (Number.isInteger(version) && version >= low && version <= high) return version
  throw new ProtocolError('UNSUPPORTED_VERSION', `${schema.name} has no version ${version}, it has ${low}-${high}`)
}
