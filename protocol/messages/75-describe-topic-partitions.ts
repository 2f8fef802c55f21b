import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string, struct, uuid } from '../schema/index.js'

/**
 * DescribeTopicPartitions: shows partitions of topics page by page, with eligible leader replicas.
 *
 * Sent by clients, served by: any broker. Versions:
 *   v0   the only version; flexible (KIP-966)
 */
export const DescribeTopicPartitions = message(
  'DescribeTopicPartitions',
  { key: 75, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    topics: array('0+', {
      name: string('0+'),
    }),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor: struct(
      '0+',
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      { nullable: '0+', default: null },
    ),
  },
  {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '0+', mapKey: true }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', { ignorable: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32'),
        isrNodes: array('0+', 'int32'),
        eligibleLeaderReplicas: array('0+', 'int32', { nullable: '0+', default: null }),
        lastKnownElr: array('0+', 'int32', { nullable: '0+', default: null }),
        offlineReplicas: array('0+', 'int32', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('0+', { default: -2147483648 }),
    }),
    nextCursor: struct(
      '0+',
      {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      },
      { nullable: '0+', default: null },
    ),
  },
)

export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>
