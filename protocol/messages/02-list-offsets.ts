import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int8, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * ListOffsets: finds the offset for a timestamp, or the earliest or latest one.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-79)
 *   v2   request: + isolationLevel; response: + throttleTimeMs (KIP-98)
 *   v3   the same bytes
 *   v4   request: + topics.partitions.currentLeaderEpoch; response: + topics.partitions.leaderEpoch (KIP-320)
 *   v5   the same bytes
 *   v6   flexible (KIP-482)
 *   v7   the same bytes (KIP-734)
 *   v8   the same bytes (KIP-405)
 *   v9   the same bytes (KIP-1005)
 *   v10  request: + timeoutMs (KIP-1075)
 *   v11  the same bytes (KIP-1023)
 */
export const ListOffsets = message(
  'ListOffsets',
  { key: 2, versions: '1-11', flexible: '6+', audience: 'client', listeners: ['broker'] },
  {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
)

export type ListOffsetsRequest = RequestOf<typeof ListOffsets>
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>
