import type { SchemaOf } from '../schema/index.js'
import { array, int8, int32, int64, string, uuid } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * What `__consumer_offsets` keeps of share groups (KIP-932). A missing value is a tombstone.
 */

/**
 * Record type 10. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupMemberMetadataRecord = keyedRecord(
  'ShareGroupMemberMetadata',
  { type: 10, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
  },
)
export type ShareGroupMemberMetadataKey = SchemaOf<(typeof ShareGroupMemberMetadataRecord)['key']>
export type ShareGroupMemberMetadataValue = SchemaOf<(typeof ShareGroupMemberMetadataRecord)['value']>

/**
 * Record type 11. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupMetadataRecord = keyedRecord(
  'ShareGroupMetadata',
  { type: 11, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    epoch: int32('0+'),
    metadataHash: int64('0+'),
  },
)
export type ShareGroupMetadataKey = SchemaOf<(typeof ShareGroupMetadataRecord)['key']>
export type ShareGroupMetadataValue = SchemaOf<(typeof ShareGroupMetadataRecord)['value']>

/**
 * Record type 12. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupTargetAssignmentMetadataRecord = keyedRecord(
  'ShareGroupTargetAssignmentMetadata',
  { type: 12, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, ignorable: true }),
  },
)
export type ShareGroupTargetAssignmentMetadataKey = SchemaOf<(typeof ShareGroupTargetAssignmentMetadataRecord)['key']>
export type ShareGroupTargetAssignmentMetadataValue = SchemaOf<
  (typeof ShareGroupTargetAssignmentMetadataRecord)['value']
>

/**
 * Record type 13. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupTargetAssignmentMemberRecord = keyedRecord(
  'ShareGroupTargetAssignmentMember',
  { type: 13, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
)
export type ShareGroupTargetAssignmentMemberKey = SchemaOf<(typeof ShareGroupTargetAssignmentMemberRecord)['key']>
export type ShareGroupTargetAssignmentMemberValue = SchemaOf<(typeof ShareGroupTargetAssignmentMemberRecord)['value']>

const shareGroupCurrentMemberAssignmentTopicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
}

/**
 * Record type 14. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupCurrentMemberAssignmentRecord = keyedRecord(
  'ShareGroupCurrentMemberAssignment',
  { type: 14, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', shareGroupCurrentMemberAssignmentTopicPartitions),
  },
)
export type ShareGroupCurrentMemberAssignmentKey = SchemaOf<(typeof ShareGroupCurrentMemberAssignmentRecord)['key']>
export type ShareGroupCurrentMemberAssignmentValue = SchemaOf<(typeof ShareGroupCurrentMemberAssignmentRecord)['value']>

const shareGroupStatePartitionMetadataTopicPartitionsInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
}

const shareGroupStatePartitionMetadataTopicInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
}

/**
 * Record type 15. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareGroupStatePartitionMetadataRecord = keyedRecord(
  'ShareGroupStatePartitionMetadata',
  { type: 15, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    initializingTopics: array('0+', shareGroupStatePartitionMetadataTopicPartitionsInfo),
    initializedTopics: array('0+', shareGroupStatePartitionMetadataTopicPartitionsInfo),
    deletingTopics: array('0+', shareGroupStatePartitionMetadataTopicInfo),
  },
)
export type ShareGroupStatePartitionMetadataKey = SchemaOf<(typeof ShareGroupStatePartitionMetadataRecord)['key']>
export type ShareGroupStatePartitionMetadataValue = SchemaOf<(typeof ShareGroupStatePartitionMetadataRecord)['value']>
