import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string, uint16, uuid } from '../schema/index.js'

/**
 * Vote: asks a KRaft voter for its vote.
 *
 * Sent by the controller quorum, served by: raft voters. Versions:
 *   v0   the first version; flexible (KIP-595)
 *   v1   request: + voterId, topics.partitions.replicaDirectoryId, topics.partitions.voterDirectoryId; response: +
 *        nodeEndpoints (KIP-853)
 *   v2   request: + topics.partitions.preVote (KIP-996)
 */
export const Vote = message(
  'Vote',
  { key: 52, versions: '0-2', flexible: '0+', audience: 'controller-quorum', listeners: ['controller'] },
  {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicaEpoch: int32('0+'),
        replicaId: int32('0+'),
        replicaDirectoryId: uuid('1+', { ignorable: true }),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        lastOffsetEpoch: int32('0+'),
        lastOffset: int64('0+'),
        preVote: bool('2+'),
      }),
    }),
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
        voteGranted: bool('0+'),
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

export type VoteRequest = RequestOf<typeof Vote>
export type VoteResponse = ResponseOf<typeof Vote>
