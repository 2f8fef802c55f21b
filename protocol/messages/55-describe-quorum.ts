import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string, uint16, uuid } from '../schema/index.js'

const replicaState = {
  replicaId: int32('0+'),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64('0+'),
  lastFetchTimestamp: int64('1+', { default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', { default: -1, ignorable: true }),
}

/**
 * DescribeQuorum: shows leader, voters and observers of the KRaft quorum.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-595)
 *   v1   response: + topics.partitions.currentVoters.lastFetchTimestamp,
 *        topics.partitions.currentVoters.lastCaughtUpTimestamp, topics.partitions.observers.lastFetchTimestamp,
 *        topics.partitions.observers.lastCaughtUpTimestamp (KIP-836)
 *   v2   response: + errorMessage, topics.partitions.errorMessage,
 *        topics.partitions.currentVoters.replicaDirectoryId, topics.partitions.observers.replicaDirectoryId, nodes
 *        (KIP-853)
 */
export const DescribeQuorum = message(
  'DescribeQuorum',
  { key: 55, versions: '0-2', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
  {
    errorCode: int16('0+'),
    errorMessage: string('2+', { nullable: '2+', ignorable: true }),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('2+', { nullable: '2+', ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        highWatermark: int64('0+'),
        currentVoters: array('0+', replicaState),
        observers: array('0+', replicaState),
      }),
    }),
    nodes: array('2+', {
      nodeId: int32('2+', { mapKey: true }),
      listeners: array('2+', {
        name: string('2+', { mapKey: true }),
        host: string('2+'),
        port: uint16('2+'),
      }),
    }),
  },
)

export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof DescribeQuorum>
