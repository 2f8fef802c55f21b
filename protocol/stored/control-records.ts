import type { SchemaOf } from '../schema/index.js'
import { array, data, int16, int32, int64, string, struct, uint16, uuid } from '../schema/index.js'

/**
 * Keys and values of control records.
 */

/**
 * Versions:
 *   v0   the only version
 */
export const ControlRecordTypeSchema = data(
  'ControlRecordTypeSchema',
  { versions: '0' },
  {
    type: int16('0+'),
  },
)
export type ControlRecordTypeSchemaValue = SchemaOf<typeof ControlRecordTypeSchema>

/**
 * Versions:
 *   v0   the only version
 */
export const EndTxnMarkerSchema = data(
  'EndTxnMarker',
  { versions: '0' },
  {
    coordinatorEpoch: int32('0+'),
  },
)
export type EndTxnMarkerValue = SchemaOf<typeof EndTxnMarkerSchema>

/**
 * Versions:
 *   v0   the only version; flexible
 */
export const KRaftVersionRecordSchema = data(
  'KRaftVersionRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
)
export type KRaftVersionRecord = SchemaOf<typeof KRaftVersionRecordSchema>

const leaderChangeMessageVoter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
}

/**
 * Versions:
 *   v0   the first version; flexible
 *   v1   + voters.voterDirectoryId, grantingVoters.voterDirectoryId
 */
export const LeaderChangeMessageSchema = data(
  'LeaderChangeMessage',
  { versions: '0-1', flexible: '0+' },
  {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', leaderChangeMessageVoter),
    grantingVoters: array('0+', leaderChangeMessageVoter),
  },
)
export type LeaderChangeMessage = SchemaOf<typeof LeaderChangeMessageSchema>

/**
 * Versions:
 *   v0   the only version; flexible
 */
export const SnapshotFooterRecordSchema = data(
  'SnapshotFooterRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
  },
)
export type SnapshotFooterRecord = SchemaOf<typeof SnapshotFooterRecordSchema>

/**
 * Versions:
 *   v0   the only version; flexible
 */
export const SnapshotHeaderRecordSchema = data(
  'SnapshotHeaderRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
)
export type SnapshotHeaderRecord = SchemaOf<typeof SnapshotHeaderRecordSchema>

/**
 * Versions:
 *   v0   the only version; flexible
 */
export const VotersRecordSchema = data(
  'VotersRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16('0+'),
    voters: array('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: array('0+', {
        name: string('0+', { mapKey: true }),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
)
export type VotersRecord = SchemaOf<typeof VotersRecordSchema>
