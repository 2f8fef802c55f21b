import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string, struct, uuid } from '../schema/index.js'

const topicPartitions = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
}

const assignment = {
  topicPartitions: array('0+', topicPartitions),
}

/**
 * ShareGroupDescribe: shows share groups.
 *
 * Sent by clients, served by: group coordinator. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-932)
 */
export const ShareGroupDescribe = message(
  'ShareGroupDescribe',
  { key: 77, versions: '1', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupIds: array('0+', 'string'),
    includeAuthorizedOperations: bool('0+'),
  },
  {
    throttleTimeMs: int32('0+'),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      groupEpoch: int32('0+'),
      assignmentEpoch: int32('0+'),
      assignorName: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: array('0+', 'string'),
        assignment: struct('0+', assignment),
      }),
      authorizedOperations: int32('0+', { default: -2147483648 }),
    }),
  },
)

export type ShareGroupDescribeRequest = RequestOf<typeof ShareGroupDescribe>
export type ShareGroupDescribeResponse = ResponseOf<typeof ShareGroupDescribe>
