import type { SchemaOf } from '../schema/index.js'
import { array, bytes, int8, int32, int64, string, struct, uuid } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * What `__consumer_offsets` keeps of consumer groups (KIP-848). A missing value is a tombstone.
 */

/**
 * Record type 3. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupMetadataRecord = keyedRecord(
  'ConsumerGroupMetadata',
  { type: 3, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    epoch: int32('0+'),
    metadataHash: int64('0+', { tag: 0 }),
  },
)
export type ConsumerGroupMetadataKey = SchemaOf<(typeof ConsumerGroupMetadataRecord)['key']>
export type ConsumerGroupMetadataValue = SchemaOf<(typeof ConsumerGroupMetadataRecord)['value']>

/**
 * Record type 4. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupPartitionMetadataRecord = keyedRecord(
  'ConsumerGroupPartitionMetadata',
  { type: 4, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    topics: array('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: array('0+', {
        partition: int32('0+'),
        racks: array('0+', 'string'),
      }),
    }),
  },
)
export type ConsumerGroupPartitionMetadataKey = SchemaOf<(typeof ConsumerGroupPartitionMetadataRecord)['key']>
export type ConsumerGroupPartitionMetadataValue = SchemaOf<(typeof ConsumerGroupPartitionMetadataRecord)['value']>

/**
 * Record type 5. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupMemberMetadataRecord = keyedRecord(
  'ConsumerGroupMemberMetadata',
  { type: 5, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    // Set while the member speaks the classic protocol; else say null, for an absent tag is the struct of defaults (README).
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: array('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
)
export type ConsumerGroupMemberMetadataKey = SchemaOf<(typeof ConsumerGroupMemberMetadataRecord)['key']>
export type ConsumerGroupMemberMetadataValue = SchemaOf<(typeof ConsumerGroupMemberMetadataRecord)['value']>

/**
 * Record type 6. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupTargetAssignmentMetadataRecord = keyedRecord(
  'ConsumerGroupTargetAssignmentMetadata',
  { type: 6, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, ignorable: true }),
  },
)
export type ConsumerGroupTargetAssignmentMetadataKey = SchemaOf<
  (typeof ConsumerGroupTargetAssignmentMetadataRecord)['key']
>
export type ConsumerGroupTargetAssignmentMetadataValue = SchemaOf<
  (typeof ConsumerGroupTargetAssignmentMetadataRecord)['value']
>

/**
 * Record type 7. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupTargetAssignmentMemberRecord = keyedRecord(
  'ConsumerGroupTargetAssignmentMember',
  { type: 7, versions: '0', flexible: '0+' },
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
export type ConsumerGroupTargetAssignmentMemberKey = SchemaOf<(typeof ConsumerGroupTargetAssignmentMemberRecord)['key']>
export type ConsumerGroupTargetAssignmentMemberValue = SchemaOf<
  (typeof ConsumerGroupTargetAssignmentMemberRecord)['value']
>

const consumerGroupCurrentMemberAssignmentTopicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  // Null is written out and an absent tag is the empty value: Kafka's bytes show that its default is not null.
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
}

/**
 * Record type 8. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupCurrentMemberAssignmentRecord = keyedRecord(
  'ConsumerGroupCurrentMemberAssignment',
  { type: 8, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', consumerGroupCurrentMemberAssignmentTopicPartitions),
    partitionsPendingRevocation: array('0+', consumerGroupCurrentMemberAssignmentTopicPartitions),
  },
)
export type ConsumerGroupCurrentMemberAssignmentKey = SchemaOf<
  (typeof ConsumerGroupCurrentMemberAssignmentRecord)['key']
>
export type ConsumerGroupCurrentMemberAssignmentValue = SchemaOf<
  (typeof ConsumerGroupCurrentMemberAssignmentRecord)['value']
>

/**
 * Record type 16. Versions of the value:
 *   v0   the only version; flexible
 */
export const ConsumerGroupRegularExpressionRecord = keyedRecord(
  'ConsumerGroupRegularExpression',
  { type: 16, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    regularExpression: string('0'),
  },
  {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
)
export type ConsumerGroupRegularExpressionKey = SchemaOf<(typeof ConsumerGroupRegularExpressionRecord)['key']>
export type ConsumerGroupRegularExpressionValue = SchemaOf<(typeof ConsumerGroupRegularExpressionRecord)['value']>
