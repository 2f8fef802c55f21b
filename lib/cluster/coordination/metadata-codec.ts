/**
 * Metadata records as Kafka's metadata log has them: each a value of frame version, type, version and body; one batch of records for
 * what is decided together.
 */
import { buildBatch } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'
import { RecordWalker } from '../../../protocol/batch/records.js'
import {
  clusterMetadataRecords,
  decodeMetadataRecord,
  encodeMetadataRecord,
  metadataRecordHead,
  type MetadataRecord as Schema,
} from '../../../protocol/stored/index.js'
import { ProtocolError } from '../../../protocol/wire/error.js'
import { ZERO_UUID } from '../../metadata/image.js'
import type { MetadataRecord, PartitionRecord } from '../../metadata/records.js'

/** The records that an image understands; Kafka has more (access control, quotas, tokens). */
const UNDERSTOOD: ReadonlySet<string> = new Set<MetadataRecord['type']>([
  'RegisterBrokerRecord',
  'UnregisterBrokerRecord',
  'FenceBrokerRecord',
  'UnfenceBrokerRecord',
  'BrokerRegistrationChangeRecord',
  'TopicRecord',
  'RemoveTopicRecord',
  'PartitionRecord',
  'PartitionChangeRecord',
  'ConfigRecord',
  'FeatureLevelRecord',
  'ProducerIdsRecord',
  'ClearElrRecord',
  'NoOpRecord',
])

const schemas = new Map<string, Schema>(clusterMetadataRecords.map((schema) => [schema.name, schema]))

/** The value of one record, in the newest version of its schema. */
export function encodeRecord(record: MetadataRecord): Buffer {
  const schema = schemas.get(record.type)!
  const value = record.type === 'PartitionRecord' ? { ...record, directories: directoriesOf(record) } : record
  return encodeMetadataRecord(schema, schema.versions.high, value as never)
}

/** One id per replica: Kafka refuses a record with fewer. The zero id is "not assigned". */
function directoriesOf({ replicas, directories = [] }: PartitionRecord): readonly string[] {
  return directories.length === replicas.length ? directories : replicas.map(() => ZERO_UUID)
}

/** A batch of them. */
export function encodeBatch(
  records: readonly MetadataRecord[],
  at: { baseOffset: number; controllerEpoch: number; timestamp: number },
): Buffer {
  return buildBatch(
    records.map((record) => ({ value: encodeRecord(record) })),
    { baseOffset: at.baseOffset, partitionLeaderEpoch: at.controllerEpoch, baseTimestamp: at.timestamp },
  )
}

/**
 * The records of a data batch whose CRC is right.
 * @throws ProtocolError UNSUPPORTED_VERSION for what a newer version has written
 */
export function decodeBatch(batch: Buffer): MetadataRecord[] {
  const codec = header.compressionCode(batch, 0)
  if (codec !== 0) throw new ProtocolError('UNSUPPORTED_VERSION', `records compressed with codec ${codec}`)
  const walker = new RecordWalker(batch, header.HEADER_BYTES, batch.length, header.recordCount(batch, 0))
  const records: MetadataRecord[] = []
  while (walker.next()) {
    const value = walker.value()
    if (value === null) throw new ProtocolError('INVALID_RECORD', 'a metadata record without a value')
    records.push(decodeRecord(value))
  }
  return records
}

/** @throws ProtocolError UNSUPPORTED_VERSION for what a newer version has written */
export function decodeRecord(bytes: Buffer): MetadataRecord {
  const decoded = decodeMetadataRecord(clusterMetadataRecords, bytes)
  if (decoded === undefined) {
    throw new ProtocolError('UNSUPPORTED_VERSION', `a metadata record of type ${metadataRecordHead(bytes).type}`)
  }
  const { name } = decoded.record
  if (!UNDERSTOOD.has(name)) throw new ProtocolError('UNSUPPORTED_VERSION', `a ${name}`)
  return { type: name, ...decoded.value } as unknown as MetadataRecord
}
