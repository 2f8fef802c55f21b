import {
  AccessControlEntryRecord,
  ClearElrRecord,
  ConfigRecord,
  DelegationTokenRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UserScramCredentialRecord,
} from './cluster-metadata.js'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ClientQuotaRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  NoOpRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UnregisterControllerRecord,
  ZkMigrationStateRecord,
} from './cluster-nodes.js'
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
} from './consumer-group-records.js'
import type { KeyedRecord } from './keyed-record.js'
import type { MetadataRecord } from './metadata-record.js'
import { GroupMetadataRecord, LegacyOffsetCommitRecord, OffsetCommitRecord } from './offset-records.js'
import {
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
} from './remote-log-metadata.js'
import {
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupStatePartitionMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupTargetAssignmentMetadataRecord,
} from './share-group-records.js'
import { ShareSnapshotRecord, ShareUpdateRecord } from './share-state.js'
import {
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTopologyRecord,
} from './streams-group-records.js'
import { TransactionLogRecord } from './transaction-state.js'

export * from './cluster-metadata.js'
export * from './cluster-nodes.js'
export * from './consumer-group-records.js'
export * from './consumer-protocol.js'
export * from './control-records.js'
export * from './files.js'
export * from './framing.js'
export * from './keyed-record.js'
export * from './metadata-record.js'
export * from './offset-records.js'
export * from './remote-log-metadata.js'
export * from './share-group-records.js'
export * from './share-state.js'
export * from './streams-group-records.js'
export * from './transaction-state.js'

/** The records of `__consumer_offsets`, by rising type. */
export const consumerOffsetsRecords: readonly KeyedRecord[] = [
  LegacyOffsetCommitRecord,
  OffsetCommitRecord,
  GroupMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupRegularExpressionRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupTargetAssignmentMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupStatePartitionMetadataRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupTopologyRecord,
]

/** The records of `__transaction_state`. */
export const transactionStateRecords: readonly KeyedRecord[] = [TransactionLogRecord]

/** The records of `__share_group_state`. */
export const shareStateRecords: readonly KeyedRecord[] = [ShareSnapshotRecord, ShareUpdateRecord]

/** The records of the KRaft metadata log, by rising type. */
export const clusterMetadataRecords: readonly MetadataRecord[] = [
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  FenceBrokerRecord,
  UnfenceBrokerRecord,
  RemoveTopicRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  BrokerRegistrationChangeRecord,
  AccessControlEntryRecord,
  RemoveAccessControlEntryRecord,
  NoOpRecord,
  ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  AbortTransactionRecord,
  RemoveDelegationTokenRecord,
  RegisterControllerRecord,
  ClearElrRecord,
  UnregisterControllerRecord,
]

/** The records of `__remote_log_metadata`. */
export const remoteLogMetadataRecords: readonly MetadataRecord[] = [
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord,
]
