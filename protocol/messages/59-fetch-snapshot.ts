import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, records, string, struct, uint16, uuid } from '../schema/index.js'

/**
 * FetchSnapshot: reads a piece of a KRaft snapshot.
 *
 * Sent by the controller quorum, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-630)
 *   v1   request: + topics.partitions.replicaDirectoryId; response: + nodeEndpoints (KIP-853)
 */
export const FetchSnapshot = message(
  'FetchSnapshot',
  { key: 59, versions: '0-1', flexible: '0+', audience: 'controller-quorum', listeners: ['controller'] },
  {
    clusterId: string('0+', { nullable: '0+', tag: 0, default: null }),
    replicaId: int32('0+', { default: -1 }),
    maxBytes: int32('0+', { default: 0x7fffffff }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('0+'),
        snapshotId: struct('0+', {
          endOffset: int64('0+'),
          epoch: int32('0+'),
        }),
        position: int64('0+'),
        replicaDirectoryId: uuid('1+', { tag: 0, ignorable: true }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        snapshotId: struct('0+', {
          endOffset: int64('0+'),
          epoch: int32('0+'),
        }),
        currentLeader: struct(
          '0+',
          {
            leaderId: int32('0+'),
            leaderEpoch: int32('0+'),
          },
          { tag: 0 },
        ),
        size: int64('0+'),
        position: int64('0+'),
        unalignedRecords: records('0+'),
      }),
    }),
    nodeEndpoints: array(
      '1+',
      {
        nodeId: int32('1+', { mapKey: true }),
        host: string('1+'),
        port: uint16('1+'),
      },
      { tag: 0 },
    ),
  },
)

export type FetchSnapshotRequest = RequestOf<typeof FetchSnapshot>
export type FetchSnapshotResponse = ResponseOf<typeof FetchSnapshot>
