import type { SchemaOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, string, uuid } from '../schema/index.js'
import { keyedRecord } from './keyed-record.js'

/**
 * The records of `__share_group_state` (KIP-932).
 */

/**
 * Record type 0. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareSnapshotRecord = keyedRecord(
  'ShareSnapshot',
  { type: 0, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
  {
    snapshotEpoch: int32('0+'),
    stateEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tag: 0, default: -1 }),
    createTimestamp: int64('0+'),
    writeTimestamp: int64('0+'),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
)
export type ShareSnapshotKey = SchemaOf<(typeof ShareSnapshotRecord)['key']>
export type ShareSnapshotValue = SchemaOf<(typeof ShareSnapshotRecord)['value']>

/**
 * Record type 1. Versions of the value:
 *   v0   the only version; flexible
 */
export const ShareUpdateRecord = keyedRecord(
  'ShareUpdate',
  { type: 1, versions: '0', flexible: '0+' },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
  {
    snapshotEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tag: 0, default: -1 }),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
)
export type ShareUpdateKey = SchemaOf<(typeof ShareUpdateRecord)['key']>
export type ShareUpdateValue = SchemaOf<(typeof ShareUpdateRecord)['value']>
