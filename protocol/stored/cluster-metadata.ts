import type { SchemaOf } from '../schema/index.js'
import { array, bytes, int8, int32, int64, string, uuid } from '../schema/index.js'
import { metadataRecord } from './metadata-record.js'

/**
 * Records of the KRaft metadata log: topics, partitions, configs, access control.
 */

/**
 * Record type 2. Versions:
 *   v0   the only version; flexible
 */
export const TopicRecord = metadataRecord(
  'TopicRecord',
  { type: 2, versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    topicId: uuid('0+'),
  },
)
export type TopicRecordValue = SchemaOf<typeof TopicRecord>

/**
 * Record type 3. Versions:
 *   v0   the first version; flexible
 *   v1   + directories
 *   v2   + eligibleLeaderReplicas, lastKnownElr
 */
export const PartitionRecord = metadataRecord(
  'PartitionRecord',
  { type: 3, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: array('0+', 'int32'),
    isr: array('0+', 'int32'),
    removingReplicas: array('0+', 'int32'),
    addingReplicas: array('0+', 'int32'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array('1+', 'uuid'),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', tag: 1, default: null }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', tag: 2, default: null }),
  },
)
export type PartitionRecordValue = SchemaOf<typeof PartitionRecord>

/**
 * Record type 4. Versions:
 *   v0   the only version; flexible
 */
export const ConfigRecord = metadataRecord(
  'ConfigRecord',
  { type: 4, versions: '0', flexible: '0+' },
  {
    resourceType: int8('0+'),
    resourceName: string('0+'),
    name: string('0+'),
    value: string('0+', { nullable: '0+' }),
  },
)
export type ConfigRecordValue = SchemaOf<typeof ConfigRecord>

/**
 * Record type 5. Versions:
 *   v0   the first version; flexible
 *   v1   + directories
 *   v2   + eligibleLeaderReplicas, lastKnownElr
 */
export const PartitionChangeRecord = metadataRecord(
  'PartitionChangeRecord',
  { type: 5, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: array('0+', 'int32', { nullable: '0+', tag: 0, default: null }),
    leader: int32('0+', { tag: 1, default: -2 }),
    replicas: array('0+', 'int32', { nullable: '0+', tag: 2, default: null }),
    removingReplicas: array('0+', 'int32', { nullable: '0+', tag: 3, default: null }),
    addingReplicas: array('0+', 'int32', { nullable: '0+', tag: 4, default: null }),
    leaderRecoveryState: int8('0+', { tag: 5, default: -1 }),
    directories: array('1+', 'uuid', { nullable: '1+', tag: 8, default: null }),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', tag: 6, default: null }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', tag: 7, default: null }),
  },
)
export type PartitionChangeRecordValue = SchemaOf<typeof PartitionChangeRecord>

/**
 * Record type 9. Versions:
 *   v0   the only version; flexible
 */
export const RemoveTopicRecord = metadataRecord(
  'RemoveTopicRecord',
  { type: 9, versions: '0', flexible: '0+' },
  {
    topicId: uuid('0+'),
  },
)
export type RemoveTopicRecordValue = SchemaOf<typeof RemoveTopicRecord>

/**
 * Record type 10. Versions:
 *   v0   the only version; flexible
 */
export const DelegationTokenRecord = metadataRecord(
  'DelegationTokenRecord',
  { type: 10, versions: '0', flexible: '0+' },
  {
    owner: string('0+'),
    requester: string('0+'),
    renewers: array('0+', 'string'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
)
export type DelegationTokenRecordValue = SchemaOf<typeof DelegationTokenRecord>

/**
 * Record type 11. Versions:
 *   v0   the only version; flexible
 */
export const UserScramCredentialRecord = metadataRecord(
  'UserScramCredentialRecord',
  { type: 11, versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
)
export type UserScramCredentialRecordValue = SchemaOf<typeof UserScramCredentialRecord>

/**
 * Record type 18. Versions:
 *   v0   the only version; flexible
 */
export const AccessControlEntryRecord = metadataRecord(
  'AccessControlEntryRecord',
  { type: 18, versions: '0', flexible: '0+' },
  {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
)
export type AccessControlEntryRecordValue = SchemaOf<typeof AccessControlEntryRecord>

/**
 * Record type 19. Versions:
 *   v0   the only version; flexible
 */
export const RemoveAccessControlEntryRecord = metadataRecord(
  'RemoveAccessControlEntryRecord',
  { type: 19, versions: '0', flexible: '0+' },
  {
    id: uuid('0+'),
  },
)
export type RemoveAccessControlEntryRecordValue = SchemaOf<typeof RemoveAccessControlEntryRecord>

/**
 * Record type 22. Versions:
 *   v0   the only version; flexible
 */
export const RemoveUserScramCredentialRecord = metadataRecord(
  'RemoveUserScramCredentialRecord',
  { type: 22, versions: '0', flexible: '0+' },
  {
    name: string('0+'),
    mechanism: int8('0+'),
  },
)
export type RemoveUserScramCredentialRecordValue = SchemaOf<typeof RemoveUserScramCredentialRecord>

/**
 * Record type 26. Versions:
 *   v0   the only version; flexible
 */
export const RemoveDelegationTokenRecord = metadataRecord(
  'RemoveDelegationTokenRecord',
  { type: 26, versions: '0', flexible: '0+' },
  {
    tokenId: string('0+'),
  },
)
export type RemoveDelegationTokenRecordValue = SchemaOf<typeof RemoveDelegationTokenRecord>

/**
 * Record type 28. Versions:
 *   v0   the only version; flexible
 */
export const ClearElrRecord = metadataRecord(
  'ClearElrRecord',
  { type: 28, versions: '0', flexible: '0+' },
  {
    topicName: string('0+'),
  },
)
export type ClearElrRecordValue = SchemaOf<typeof ClearElrRecord>
