import type { SchemaOf } from '../schema/index.js'
import { array, bool, data, int16, int32, int64, string, uint32, uuid } from '../schema/index.js'

/**
 * Small files in and beside the log, and the principal inside Envelope and delegation tokens.
 */

/**
 * Versions:
 *   v0   the only version; flexible
 */
export const DefaultPrincipalDataSchema = data(
  'DefaultPrincipalData',
  { versions: '0', flexible: '0+' },
  {
    type: string('0+'),
    name: string('0+'),
    tokenAuthenticated: bool('0+'),
  },
)
export type DefaultPrincipalData = SchemaOf<typeof DefaultPrincipalDataSchema>

/**
 * Versions:
 *   v0   the first version; flexible
 *   v1   + votedDirectoryId; - clusterId, appliedOffset, currentVoters
 */
export const QuorumStateDataSchema = data(
  'QuorumStateData',
  { versions: '0-1', flexible: '0+' },
  {
    clusterId: string('0'),
    leaderId: int32('0+', { default: -1 }),
    leaderEpoch: int32('0+', { default: -1 }),
    votedId: int32('0+', { default: -1 }),
    votedDirectoryId: uuid('1+'),
    appliedOffset: int64('0'),
    currentVoters: array(
      '0',
      {
        voterId: int32('0'),
      },
      { nullable: '0' },
    ),
  },
)
export type QuorumStateData = SchemaOf<typeof QuorumStateDataSchema>

/**
 * Versions:
 *   v1   the only version
 */
export const ProducerSnapshotSchema = data(
  'ProducerSnapshot',
  { versions: '1' },
  {
    crc: uint32('1'),
    producerEntries: array('1', {
      producerId: int64('1'),
      epoch: int16('1'),
      lastSequence: int32('1'),
      lastOffset: int64('1'),
      offsetDelta: int32('1'),
      timestamp: int64('1'),
      coordinatorEpoch: int32('1'),
      currentTxnFirstOffset: int64('1'),
    }),
  },
)
export type ProducerSnapshot = SchemaOf<typeof ProducerSnapshotSchema>

/**
 * Versions:
 *   v0   the only version
 */
export const AbortedTxnSchema = data(
  'AbortedTxn',
  { versions: '0' },
  {
    producerId: int64('0+'),
    firstOffset: int64('0+'),
    lastOffset: int64('0+'),
    lastStableOffset: int64('0+'),
  },
)
export type AbortedTxn = SchemaOf<typeof AbortedTxnSchema>
