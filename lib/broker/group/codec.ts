/**
 * Group records as Kafka's bytes: key = int16 record type + body, value = int16 version + body (see protocol/stored).
 *
 * Versions as Kafka 4.4 writes them: GroupMetadata 3; OffsetCommit 4, the only version with the topic's id, or 3 when the
 * id is not known, or 1 when the client chose a retention of its own (the only version with an expiry).
 */
import {
  decodeRecordKey,
  decodeRecordValue,
  encodeRecordKey,
  encodeRecordValue,
  recordTypeOf,
} from '../../../protocol/stored/framing.js'
import {
  GroupMetadataRecord as GroupMetadataSchema,
  LegacyOffsetCommitRecord,
  OffsetCommitRecord as OffsetCommitSchema,
} from '../../../protocol/stored/offset-records.js'
import type { KeyValueRecord, RecordCodec } from '../coordinator/contract.js'
import { type CommittedOffset, type GroupRecord, ZERO_TOPIC_ID } from './records.js'

const GROUP_METADATA_VERSION = 3

export const groupRecordCodec: RecordCodec<GroupRecord> = {
  encode(record: GroupRecord): KeyValueRecord {
    switch (record.type) {
      case 'offset-commit': {
        const { group, topic, partition, value } = record
        return {
          key: encodeRecordKey(OffsetCommitSchema, { group, topic, partition }),
          value: value === null ? null : encodeRecordValue(OffsetCommitSchema, offsetVersion(value), value),
        }
      }
      case 'group-metadata': {
        const { group, value } = record
        return {
          key: encodeRecordKey(GroupMetadataSchema, { group }),
          value: value === null ? null : encodeRecordValue(GroupMetadataSchema, GROUP_METADATA_VERSION, value),
        }
      }
    }
  },

  decode(key: Buffer, value: Buffer | null): GroupRecord | null {
    switch (recordTypeOf(key)) {
      // Type 0 is what brokers before 0.9 wrote; same key, older value.
      case LegacyOffsetCommitRecord.type:
        return {
          type: 'offset-commit',
          ...decodeRecordKey(LegacyOffsetCommitRecord, key),
          value:
            value === null ? null : { ...newerFields, ...decodeRecordValue(LegacyOffsetCommitRecord, value).value },
        }
      case OffsetCommitSchema.type:
        return {
          type: 'offset-commit',
          ...decodeRecordKey(OffsetCommitSchema, key),
          value: value === null ? null : decodeRecordValue(OffsetCommitSchema, value).value,
        }
      case GroupMetadataSchema.type:
        return {
          type: 'group-metadata',
          ...decodeRecordKey(GroupMetadataSchema, key),
          value: value === null ? null : decodeRecordValue(GroupMetadataSchema, value).value,
        }
      default:
        return null
    }
  },
}

const newerFields = { leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_TOPIC_ID }

function offsetVersion(value: CommittedOffset): number {
  if (value.expireTimestamp !== -1) return 1
  return value.topicId === ZERO_TOPIC_ID ? 3 : 4
}
