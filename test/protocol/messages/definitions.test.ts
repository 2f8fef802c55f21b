import { expect } from 'chai'
import { messages, RequestHeaderSchema, ResponseHeaderSchema, type Schema } from '../../../protocol/index.js'
import type { Field, Fields } from '../../../protocol/schema/fields.js'
import { inVersions } from '../../../protocol/schema/versions.js'
import * as stored from '../../../protocol/stored/index.js'
import { goldenJson } from '../../support/golden.js'

/** A field as recorded from Kafka's own definitions, see test/golden/README.md. */
interface RecordedField {
  name: string
  type: string
  versions: string
  nullableVersions?: string
  tag?: number
  default?: string
  mapKey?: boolean
  ignorable?: boolean
  flexibleVersions?: string
  fields?: RecordedField[]
}
interface RecordedMessage {
  name: string
  kind: string
  validVersions: string
  flexibleVersions: string
  latestVersionUnstable?: boolean
  listeners?: string[]
  apiKey?: number
  fields: RecordedField[]
  commonStructs?: RecordedField[]
}

/** One line per field: path, type and everything that matters in that version. Equal lines mean equal bytes. */
type Lines = Map<string, string>

const line = (parts: Record<string, unknown>): string => JSON.stringify(parts)

/**
 * Recorded with `default: null`, yet Kafka's own bytes show the empty value to be the default: null is written out, the empty one left out.
 */
const NULL_IS_NO_DEFAULT = new Set([
  'ConsumerGroupMemberMetadataValue.classicMemberMetadata',
  'ConsumerGroupCurrentMemberAssignmentValue.assignedPartitions.assignmentEpochs',
  'ConsumerGroupCurrentMemberAssignmentValue.partitionsPendingRevocation.assignmentEpochs',
  'StreamsGroupMetadataValue.lastAssignmentConfigs',
  ...['activeTasks', 'standbyTasks', 'warmupTasks'].flatMap((tasks) => [
    `StreamsGroupCurrentMemberAssignmentValue.${tasks}.assignmentEpochs`,
    `StreamsGroupCurrentMemberAssignmentValue.${tasks}PendingRevocation.assignmentEpochs`,
  ]),
])

function recordedDefault(field: RecordedField, path: string): string {
  const text = NULL_IS_NO_DEFAULT.has(path) ? undefined : field.default
  if (text === undefined) return 'zero'
  if (text === 'null') return 'null'
  if (text === 'true') return 'true'
  if (field.type === 'string') return text === '' ? 'zero' : text
  if (text === 'false') return 'zero'
  return BigInt(text.replace('-', '')) === 0n ? 'zero' : String(text.startsWith('0x') ? BigInt(text) : text)
}

function recordedLines(message: RecordedMessage, version: number): Lines {
  const lines: Lines = new Map()
  const walk = (fields: RecordedField[], path: string): void => {
    for (const field of fields) {
      if (!inVersions(field.versions, version)) continue
      const at = `${path}.${field.name[0]!.toLowerCase()}${field.name.slice(1)}`
      const element = field.type.replace('[]', '')
      const isStruct = /^[A-Z]/.test(element)
      const type = field.type.startsWith('[]')
        ? `array of ${isStruct ? 'struct' : element}`
        : isStruct
          ? 'struct'
          : element
      lines.set(
        at,
        line({
          type,
          nullable: inVersions(field.nullableVersions, version),
          tag: field.tag ?? null,
          default: recordedDefault(field, at),
          notCompact: field.flexibleVersions === 'none',
          mapKey: field.mapKey === true,
        }),
      )
      if (isStruct) {
        const common = message.commonStructs?.find((struct) => struct.name === element)
        walk(field.fields ?? common?.fields ?? [], at)
      }
    }
  }
  walk(message.fields, message.name)
  return lines
}

function ownDefault(field: Field): string {
  if (!('default' in field)) return 'zero'
  return String(field.default)
}

function ownLines(schema: Schema, version: number): Lines {
  const lines: Lines = new Map()
  const walk = (fields: Fields, path: string): void => {
    for (const [name, field] of Object.entries(fields)) {
      if (!inVersions(field.versions, version)) continue
      const at = `${path}.${name}`
      lines.set(
        at,
        line({
          type: field.type === 'array' ? `array of ${field.element}` : field.type,
          nullable: inVersions(field.nullable, version),
          tag: field.tag ?? null,
          default: ownDefault(field),
          notCompact: field.flexible === 'none',
          mapKey: field.mapKey === true,
        }),
      )
      if (field.fields) walk(field.fields, at)
    }
  }
  walk(schema.fields, schema.name)
  return lines
}

/** Ignorable fields by path: what may be dropped does not depend on the version. */
function recordedIgnorable(message: RecordedMessage): string[] {
  const paths: string[] = []
  const walk = (fields: RecordedField[], path: string): void => {
    for (const field of fields) {
      const at = `${path}.${field.name[0]!.toLowerCase()}${field.name.slice(1)}`
      if (field.ignorable) paths.push(at)
      const common = message.commonStructs?.find((struct) => struct.name === field.type.replace('[]', ''))
      walk(field.fields ?? common?.fields ?? [], at)
    }
  }
  walk(message.fields, message.name)
  return paths
}

function ownIgnorable(schema: Schema): string[] {
  const paths: string[] = []
  const walk = (fields: Fields, path: string): void => {
    for (const [name, field] of Object.entries(fields)) {
      if (field.ignorable) paths.push(`${path}.${name}`)
      if (field.fields) walk(field.fields, `${path}.${name}`)
    }
  }
  walk(schema.fields, schema.name)
  return paths
}

function range(text: string): number[] {
  const [low, high] = text.split('-').map(Number) as [number, number?]
  return Array.from({ length: (high ?? low) - low + 1 }, (_, i) => low + i)
}

const schemas = new Map<string, Schema>()
const add = (schema: Schema): unknown => schemas.set(schema.name, schema)
for (const message of messages) {
  add(message.request)
  add(message.response)
}
for (const value of Object.values(stored)) {
  if (typeof value !== 'object') continue
  if ('readers' in value) add(value as Schema)
  if ('key' in value && 'value' in value) {
    add(value.key as Schema)
    add(value.value as Schema)
  }
}
add(RequestHeaderSchema)
add(ResponseHeaderSchema)

describe('definitions, against those recorded from Apache Kafka 4.4', () => {
  const recorded = goldenJson<{ messages: RecordedMessage[] }>('messages.json').messages
  const present = recorded.filter((message) => message.validVersions !== 'none')

  it(`has all ${present.length} messages, and no other`, () => {
    const missing = present.filter((message) => !schemas.has(message.name)).map((message) => `MISSING ${message.name}`)
    expect(missing).to.deep.equal([])
    const names = new Set(present.map((message) => message.name))
    expect([...schemas.keys()].filter((name) => !names.has(name))).to.deep.equal([])
  })

  let count = 0
  for (const message of present) count += range(message.validVersions).length
  it(`agrees field by field in all ${count} versions`, () => {
    const differences: string[] = []
    for (const message of present) {
      const schema = schemas.get(message.name)!
      for (const version of range(message.validVersions)) {
        const theirs = recordedLines(message, version)
        const ours = ownLines(schema, version)
        for (const [path, text] of theirs) {
          const own = ours.get(path)
          if (own === undefined) differences.push(`MISSING v${version} ${path} ${text}`)
          else if (own !== text) differences.push(`DIFFERS v${version} ${path}: ours ${own}, Kafka's ${text}`)
        }
        for (const path of ours.keys()) if (!theirs.has(path)) differences.push(`EXTRA v${version} ${path}`)
        if ([...theirs.keys()].join() !== [...ours.keys()].join()) differences.push(`ORDER v${version} ${message.name}`)
        if (inVersions(message.flexibleVersions, version) !== inVersions(flexibleText(schema), version)) {
          differences.push(`FLEXIBLE v${version} ${message.name}`)
        }
      }
    }
    expect(differences).to.deep.equal([])
  })

  it('agrees on versions, keys, listeners and on what is ignorable', () => {
    for (const message of present) {
      const schema = schemas.get(message.name)!
      const versions = range(message.validVersions)
      // RequestHeader v0 is ours: it is needed to refuse old clients decently.
      const low = message.name === 'RequestHeader' ? 0 : versions[0]
      expect(schema.versions, message.name).to.deep.equal({ low, high: versions.at(-1) })
      expect(ownIgnorable(schema), message.name).to.deep.equal(recordedIgnorable(message))
      if (message.kind === 'request') {
        const own = messages.find((candidate) => candidate.request === schema)!
        expect(own.key, message.name).to.equal(message.apiKey)
        expect(own.listeners, message.name).to.have.members(message.listeners ?? [])
        expect(own.stableVersions.high, message.name).to.equal(
          versions.at(-1)! - (message.latestVersionUnstable ? 1 : 0),
        )
      }
    }
  })
})

const flexibleText = (schema: Schema): string =>
  schema.flexible.high < schema.flexible.low ? 'none' : `${schema.flexible.low}+`
