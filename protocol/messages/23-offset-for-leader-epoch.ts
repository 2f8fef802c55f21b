import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * OffsetForLeaderEpoch: tells where a leader epoch ends.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v2   the lowest version that Kafka 4.4 serves (KIP-320)
 *   v3   request: + replicaId
 *   v4   flexible (KIP-482)
 */
export const OffsetForLeaderEpoch = message(
  'OffsetForLeaderEpoch',
  { key: 23, versions: '2-4', flexible: '4+', audience: 'client', listeners: ['broker'] },
  {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array('0+', {
      topic: string('0+', { mapKey: true }),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      topic: string('0+', { mapKey: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1 }),
      }),
    }),
  },
)

export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>
