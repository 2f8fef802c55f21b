import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema/index.js'

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
}

/**
 * ConsumerGroupHeartbeat: joins, keeps and leaves a group of the new consumer protocol.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v0   the first version; flexible (KIP-848)
 *   v1   request: + subscribedTopicRegex (KIP-1082)
 */
export const ConsumerGroupHeartbeat = message(
  'ConsumerGroupHeartbeat',
  { key: 68, versions: '0-1', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    subscribedTopicNames: array('0+', 'string', { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string('0+', { nullable: '0+', default: null }),
    topicPartitions: array(
      '0+',
      {
        topicId: uuid('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+', default: null },
    ),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct(
      '0+',
      {
        topicPartitions: array('0+', topicPartitions),
      },
      { nullable: '0+', default: null },
    ),
  },
)

export type ConsumerGroupHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof ConsumerGroupHeartbeat>
