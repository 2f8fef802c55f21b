import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema/index.js'

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
}

/**
 * ShareGroupHeartbeat: joins, keeps and leaves a share group.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-932)
 */
export const ShareGroupHeartbeat = message(
  'ShareGroupHeartbeat',
  { key: 76, versions: '1', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    rackId: string('0+', { nullable: '0+', default: null }),
    subscribedTopicNames: array('0+', 'string', { nullable: '0+', default: null }),
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

export type ShareGroupHeartbeatRequest = RequestOf<typeof ShareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = ResponseOf<typeof ShareGroupHeartbeat>
