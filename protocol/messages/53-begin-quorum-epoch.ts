import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, uint16, uuid } from '../schema/index.js'

/**
 * BeginQuorumEpoch: announces the leader of a new KRaft epoch.
 *
 * Sent by the controller quorum, served by: raft voters. Versions:
 *   v0   the first version (KIP-595)
 *   v1   request: + voterId, topics.partitions.voterDirectoryId, leaderEndpoints; response: + nodeEndpoints; flexible
 *        (KIP-482) (KIP-853)
 */
export const BeginQuorumEpoch = message(
  'BeginQuorumEpoch',
  { key: 53, versions: '0-1', flexible: '1+', audience: 'controller-quorum', listeners: ['controller'] },
  {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
    leaderEndpoints: array(
      '1+',
      {
        name: string('1+', { mapKey: true }),
        host: string('1+'),
        port: uint16('1+'),
      },
      { ignorable: true },
    ),
  },
  {
    errorCode: int16('0+'),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
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

export type BeginQuorumEpochRequest = RequestOf<typeof BeginQuorumEpoch>
export type BeginQuorumEpochResponse = ResponseOf<typeof BeginQuorumEpoch>
