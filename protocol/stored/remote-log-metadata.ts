import type { SchemaOf } from '../schema/index.js'
import { array, bool, bytes, int8, int32, int64, string, struct, uuid } from '../schema/index.js'
import { metadataRecord } from './metadata-record.js'

/**
 * The records of `__remote_log_metadata` (KIP-405).
 */

/**
 * Record type 0. Versions:
 *   v0   the only version; flexible
 */
export const RemoteLogSegmentMetadataRecord = metadataRecord(
  'RemoteLogSegmentMetadataRecord',
  { type: 0, versions: '0', flexible: '0+' },
  {
    remoteLogSegmentId: struct('0+', {
      topicIdPartition: struct('0+', {
        name: string('0+'),
        id: uuid('0+'),
        partition: int32('0+'),
      }),
      id: uuid('0+'),
    }),
    startOffset: int64('0+'),
    endOffset: int64('0+'),
    brokerId: int32('0+'),
    maxTimestampMs: int64('0+'),
    eventTimestampMs: int64('0+'),
    segmentLeaderEpochs: array('0+', {
      leaderEpoch: int32('0+'),
      offset: int64('0+'),
    }),
    segmentSizeInBytes: int32('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
    txnIndexEmpty: bool('0+', { tag: 0 }),
  },
)
export type RemoteLogSegmentMetadataRecordValue = SchemaOf<typeof RemoteLogSegmentMetadataRecord>

/**
 * Record type 1. Versions:
 *   v0   the only version; flexible
 */
export const RemoteLogSegmentMetadataUpdateRecord = metadataRecord(
  'RemoteLogSegmentMetadataUpdateRecord',
  { type: 1, versions: '0', flexible: '0+' },
  {
    remoteLogSegmentId: struct('0+', {
      topicIdPartition: struct('0+', {
        name: string('0+'),
        id: uuid('0+'),
        partition: int32('0+'),
      }),
      id: uuid('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
  },
)
export type RemoteLogSegmentMetadataUpdateRecordValue = SchemaOf<typeof RemoteLogSegmentMetadataUpdateRecord>

/**
 * Record type 2. Versions:
 *   v0   the only version; flexible
 */
export const RemotePartitionDeleteMetadataRecord = metadataRecord(
  'RemotePartitionDeleteMetadataRecord',
  { type: 2, versions: '0', flexible: '0+' },
  {
    topicIdPartition: struct('0+', {
      name: string('0+'),
      id: uuid('0+'),
      partition: int32('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    remotePartitionDeleteState: int8('0+'),
  },
)
export type RemotePartitionDeleteMetadataRecordValue = SchemaOf<typeof RemotePartitionDeleteMetadataRecord>

/**
 * Record type 3. Versions:
 *   v0   the only version; flexible
 */
export const RemoteLogSegmentMetadataSnapshotRecord = metadataRecord(
  'RemoteLogSegmentMetadataSnapshotRecord',
  { type: 3, versions: '0', flexible: '0+' },
  {
    segmentId: uuid('0+'),
    startOffset: int64('0+'),
    endOffset: int64('0+'),
    brokerId: int32('0+'),
    maxTimestampMs: int64('0+'),
    eventTimestampMs: int64('0+'),
    segmentLeaderEpochs: array('0+', {
      leaderEpoch: int32('0+'),
      offset: int64('0+'),
    }),
    segmentSizeInBytes: int32('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
    txnIndexEmpty: bool('0+', { tag: 0 }),
  },
)
export type RemoteLogSegmentMetadataSnapshotRecordValue = SchemaOf<typeof RemoteLogSegmentMetadataSnapshotRecord>
