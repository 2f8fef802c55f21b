import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Field, Fields } from '../../protocol/schema/fields.js'
import type { Schema } from '../../protocol/schema/message.js'
import { inVersions } from '../../protocol/schema/versions.js'

/** One line of test/golden/*.jsonl.gz (see its README). */
export interface Vector {
  readonly name: string
  readonly key?: number
  readonly kind: string
  readonly group?: string
  readonly version: number
  readonly case: string
  readonly headerVersion?: number
  readonly headerJson?: Json
  readonly header?: string
  readonly json: Json
  readonly hex: string
  readonly stored?: string
}
export type Json = { [name: string]: unknown }

/** Compiled tests lie in build/test/support, the data stays in the source tree. */
const folder = new URL(
  import.meta.url.includes('/build/test/') ? '../../../test/golden/' : '../golden/',
  import.meta.url,
)

export const goldenJson = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T

/** The lines of `name`.jsonl.gz. */
export function goldenLines<T = Vector>(name: string): T[] {
  const text = gunzipSync(readFileSync(new URL(`${name}.jsonl.gz`, folder))).toString('utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** What the vector's JSON says, as the value that `encode` takes. */
export const fromGolden = (schema: Schema, json: Json): object => structFrom(schema.fields, json)

function structFrom(fields: Fields, json: Json): object {
  const value: Json = {}
  for (const [name, inside] of Object.entries(json)) {
    if (name === '_unknownTags') {
      value.unknownTaggedFields = (inside as { tag: number; data: string }[]).map(({ tag, data }) => ({
        tag,
        data: Buffer.from(data, 'base64'),
      }))
    } else {
      const field = fields[name]
      if (field === undefined) throw new Error(`the vector has ${name}, the schema has not`)
      value[name] = valueFrom(field, field.type, inside)
    }
  }
  return value
}

function valueFrom(field: Field, type: string, json: unknown): unknown {
  if (json === null) return null
  switch (type) {
    case 'struct':
      return structFrom(field.fields!, json as Json)
    case 'array':
      return (json as unknown[]).map((element) => valueFrom(field, field.element!, element))
    case 'int64': {
      const number = Number(json)
      return Number.isSafeInteger(number) ? number : BigInt(json as string)
    }
    case 'bytes':
    case 'records':
      return Buffer.from(json as string, 'base64')
    case 'float64':
      return Number(json)
    default:
      return json
  }
}

/** A decoded value in the vectors' JSON form: fields of other versions and tagged fields at their default are left out. */
export const toGolden = (schema: Schema, version: number, value: object): Json =>
  structTo(schema.fields, version, value as Json)

function structTo(fields: Fields, version: number, value: Json): Json {
  const json: Json = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!inVersions(field.versions, version)) continue
    const inside = valueTo(field, field.type, version, value[name])
    if (field.tag !== undefined && isDefault(field, version, inside)) continue
    json[name] = inside
  }
  const unknown = value.unknownTaggedFields as { tag: number; data: Buffer }[] | undefined
  if (unknown) json._unknownTags = unknown.map(({ tag, data }) => ({ tag, data: data.toString('base64') }))
  return json
}

function valueTo(field: Field, type: string, version: number, value: unknown): unknown {
  if (value === null) return null
  switch (type) {
    case 'struct':
      return structTo(field.fields!, version, value as Json)
    case 'array':
      return (value as unknown[]).map((element) => valueTo(field, field.element!, version, element))
    case 'int64':
      return String(value)
    case 'bytes':
    case 'records':
      return (value as Buffer).toString('base64')
    default:
      return value
  }
}

const ZERO_TEXT: Record<string, unknown> = {
  bool: false,
  string: '',
  uuid: 'AAAAAAAAAAAAAAAAAAAAAA',
  bytes: '',
  records: '',
}

/** Written anew here, apart from the code under test. */
function isDefault(field: Field, version: number, json: unknown): boolean {
  if (field.type === 'struct') {
    if (json === null) return false
    const inside = json as Json
    return Object.entries(inside).every(([name, value]) => {
      const inner = field.fields![name]
      return inner !== undefined && isDefault(inner, version, value)
    })
  }
  if (field.default === null) return json === null
  if (field.type === 'array') return Array.isArray(json) && json.length === 0
  const wanted = field.default ?? ZERO_TEXT[field.type] ?? 0
  return field.type === 'int64' ? json === String(wanted) : json === wanted
}
