import type { SchemaOf } from '../schema/index.js'
import { array, bytes, int32, int64, string, uuid } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * What `__consumer_offsets` keeps of classic groups: committed offsets and group metadata.
 */

/**
 * Record type 0. Versions of the value:
 *   v0   the only version
 */
export const LegacyOffsetCommitRecord = keyedRecord(
  'LegacyOffsetCommit',
  { type: 0, versions: '0' },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
  {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
)
export type LegacyOffsetCommitKey = SchemaOf<(typeof LegacyOffsetCommitRecord)['key']>
export type LegacyOffsetCommitValue = SchemaOf<(typeof LegacyOffsetCommitRecord)['value']>

/**
 * Record type 1. Versions of the value:
 *   v0   the first version
 *   v1   value: + expireTimestamp
 *   v2   value: - expireTimestamp
 *   v3   value: + leaderEpoch
 *   v4   value: + topicId; flexible (KIP-482)
 */
export const OffsetCommitRecord = keyedRecord(
  'OffsetCommit',
  { type: 1, versions: '0-4', flexible: '4+' },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
  {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
)
export type OffsetCommitKey = SchemaOf<(typeof OffsetCommitRecord)['key']>
export type OffsetCommitValue = SchemaOf<(typeof OffsetCommitRecord)['value']>

const groupMetadataMemberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+'),
}

/**
 * Record type 2. Versions of the value:
 *   v0   the first version
 *   v1   value: + members.rebalanceTimeout
 *   v2   value: + currentStateTimestamp
 *   v3   value: + members.groupInstanceId
 *   v4   flexible (KIP-482)
 */
export const GroupMetadataRecord = keyedRecord(
  'GroupMetadata',
  { type: 2, versions: '0-4', flexible: '4+' },
  {
    group: string('0'),
  },
  {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: array('0+', groupMetadataMemberMetadata),
  },
)
export type GroupMetadataKey = SchemaOf<(typeof GroupMetadataRecord)['key']>
export type GroupMetadataValue = SchemaOf<(typeof GroupMetadataRecord)['value']>
