import { decodeData, encodeData, encodePrefixed, encodeVersioned } from '../codec.js'
import type { SchemaInput, SchemaOf } from '../schema/index.js'
import { ProtocolError } from '../wire/error.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import type { KeyedRecord } from './keyed-record.js'
import type { MetadataRecord } from './metadata-record.js'

type KeyInput<R extends KeyedRecord> = SchemaInput<R['key']>
type ValueInput<R extends KeyedRecord> = SchemaInput<R['value']>

/** The key of an internal topic's record: int16 record type, then the body. */
export const encodeRecordKey = <R extends KeyedRecord>(record: R, key: KeyInput<R>): Buffer =>
  encodePrefixed(record.key, 0, record.type, key as object)

/** The value of an internal topic's record: int16 version, then the body. */
export const encodeRecordValue = <R extends KeyedRecord>(record: R, version: number, value: ValueInput<R>): Buffer =>
  encodeVersioned(record.value, version, value as object)

/** The type that a record's key starts with; -1 for fewer than two bytes. */
export const recordTypeOf = (key: Buffer): number => (key.length < 2 ? -1 : key.readInt16BE(0))

/** Reads a key whose type (see `recordTypeOf`) is that of the record. */
export const decodeRecordKey = <R extends KeyedRecord>(record: R, key: Buffer): SchemaOf<R['key']> =>
  decodeData(record.key, 0, key, { offset: 2 }) as SchemaOf<R['key']>

/** Reads a value of any of its versions. Throws `UNSUPPORTED_VERSION` for one written by a newer Kafka. */
export function decodeRecordValue<R extends KeyedRecord>(
  record: R,
  value: Buffer,
): { version: number; value: SchemaOf<R['value']> } {
  const version = new Reader(value).int16()
  return { version, value: decodeData(record.value, version, value, { offset: 2 }) as SchemaOf<R['value']> }
}

const FRAME_VERSION = 1

/** A record of the metadata log: varint frame version 1, varint record type, varint version, body. */
export function encodeMetadataRecord<R extends MetadataRecord>(
  record: R,
  version: number,
  value: SchemaInput<R>,
): Buffer {
  const body = encodeData(record, version, value)
  const writer = new Writer()
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(record.type)
  writer.uvarint(version)
  return Buffer.concat([...writer.finish(), body])
}

/** What precedes the body of a metadata record, and where the body begins. */
export function metadataRecordHead(bytes: Buffer): { type: number; version: number; bodyOffset: number } {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) {
    throw new ProtocolError('UNSUPPORTED_VERSION', `a metadata record of frame version ${frameVersion}`)
  }
  const type = reader.uvarint()
  const version = reader.uvarint()
  return { type, version, bodyOffset: reader.pos }
}

/** Reads one of the given metadata records; `undefined` for a type that is not among them. */
export function decodeMetadataRecord(
  records: readonly MetadataRecord[],
  bytes: Buffer,
): { record: MetadataRecord; version: number; value: SchemaOf<MetadataRecord> } | undefined {
  const { type, version, bodyOffset } = metadataRecordHead(bytes)
  const record = records.find((candidate) => candidate.type === type)
  if (record === undefined) return undefined
  return { record, version, value: decodeData(record, version, bytes, { offset: bodyOffset }) }
}
