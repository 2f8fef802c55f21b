import type { SchemaOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, string, struct, uint16 } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * What `__consumer_offsets` keeps of streams groups (KIP-1071). A missing value is a tombstone.
 */

const streamsGroupMetadataLastAssignmentConfig = {
  key: string('0+'),
  value: string('0+'),
}

/**
 * Record type 17. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupMetadataRecord = keyedRecord(
  'StreamsGroupMetadata',
  { type: 17, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    epoch: int32('0+'),
    metadataHash: int64('0+'),
    validatedTopologyEpoch: int32('0+', { tag: 0, default: -1 }),
    // Null is written out and an absent tag is the empty value: Kafka's bytes show that its default is not null.
    lastAssignmentConfigs: array('0+', streamsGroupMetadataLastAssignmentConfig, { nullable: '0+', tag: 1 }),
    storedDescriptionTopologyEpoch: int32('0+', { tag: 2, default: -1 }),
    failedDescriptionTopologyEpoch: int32('0+', { tag: 3, default: -1 }),
  },
)
export type StreamsGroupMetadataKey = SchemaOf<(typeof StreamsGroupMetadataRecord)['key']>
export type StreamsGroupMetadataValue = SchemaOf<(typeof StreamsGroupMetadataRecord)['value']>

const streamsGroupMemberMetadataEndpoint = {
  host: string('0+'),
  port: uint16('0+'),
}

const streamsGroupMemberMetadataKeyValue = {
  key: string('0+'),
  value: string('0+'),
}

/**
 * Record type 19. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupMemberMetadataRecord = keyedRecord(
  'StreamsGroupMemberMetadata',
  { type: 19, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topologyEpoch: int32('0+'),
    processId: string('0+'),
    userEndpoint: struct('0+', streamsGroupMemberMetadataEndpoint, { nullable: '0+', default: null }),
    clientTags: array('0+', streamsGroupMemberMetadataKeyValue),
  },
)
export type StreamsGroupMemberMetadataKey = SchemaOf<(typeof StreamsGroupMemberMetadataRecord)['key']>
export type StreamsGroupMemberMetadataValue = SchemaOf<(typeof StreamsGroupMemberMetadataRecord)['value']>

/**
 * Record type 20. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupTargetAssignmentMetadataRecord = keyedRecord(
  'StreamsGroupTargetAssignmentMetadata',
  { type: 20, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, ignorable: true }),
  },
)
export type StreamsGroupTargetAssignmentMetadataKey = SchemaOf<
  (typeof StreamsGroupTargetAssignmentMetadataRecord)['key']
>
export type StreamsGroupTargetAssignmentMetadataValue = SchemaOf<
  (typeof StreamsGroupTargetAssignmentMetadataRecord)['value']
>

const streamsGroupTargetAssignmentMemberTaskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
}

/**
 * Record type 21. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupTargetAssignmentMemberRecord = keyedRecord(
  'StreamsGroupTargetAssignmentMember',
  { type: 21, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    activeTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
    standbyTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
    warmupTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
  },
)
export type StreamsGroupTargetAssignmentMemberKey = SchemaOf<(typeof StreamsGroupTargetAssignmentMemberRecord)['key']>
export type StreamsGroupTargetAssignmentMemberValue = SchemaOf<
  (typeof StreamsGroupTargetAssignmentMemberRecord)['value']
>

const streamsGroupCurrentMemberAssignmentTaskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
  // Null is written out and an absent tag is the empty value: Kafka's bytes show that its default is not null.
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
}

/**
 * Record type 22. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupCurrentMemberAssignmentRecord = keyedRecord(
  'StreamsGroupCurrentMemberAssignment',
  { type: 22, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    activeTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    standbyTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    warmupTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    activeTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    standbyTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    warmupTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
  },
)
export type StreamsGroupCurrentMemberAssignmentKey = SchemaOf<(typeof StreamsGroupCurrentMemberAssignmentRecord)['key']>
export type StreamsGroupCurrentMemberAssignmentValue = SchemaOf<
  (typeof StreamsGroupCurrentMemberAssignmentRecord)['value']
>

const streamsGroupTopologyTopicConfig = {
  key: string('0+'),
  value: string('0+'),
}

const streamsGroupTopologyTopicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: array('0+', streamsGroupTopologyTopicConfig),
}

/**
 * Record type 23. Versions of the value:
 *   v0   the only version; flexible
 */
export const StreamsGroupTopologyRecord = keyedRecord(
  'StreamsGroupTopology',
  { type: 23, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
  },
  {
    epoch: int32('0+'),
    subtopologies: array('0+', {
      subtopologyId: string('0+'),
      sourceTopics: array('0+', 'string'),
      sourceTopicRegex: array('0+', 'string'),
      stateChangelogTopics: array('0+', streamsGroupTopologyTopicInfo),
      repartitionSinkTopics: array('0+', 'string'),
      repartitionSourceTopics: array('0+', streamsGroupTopologyTopicInfo),
      copartitionGroups: array('0+', {
        sourceTopics: array('0+', 'int16'),
        sourceTopicRegex: array('0+', 'int16'),
        repartitionSourceTopics: array('0+', 'int16'),
      }),
    }),
  },
)
export type StreamsGroupTopologyKey = SchemaOf<(typeof StreamsGroupTopologyRecord)['key']>
export type StreamsGroupTopologyValue = SchemaOf<(typeof StreamsGroupTopologyRecord)['value']>
