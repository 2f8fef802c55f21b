import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, int64, message, string, struct, uuid } from '../schema/index.js'

/**
 * ShareAcknowledge: acknowledges acquired records.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-932)
 *   v2   request: + isRenewAck; response: + acquisitionLockTimeoutMs
 */
export const ShareAcknowledge = message(
  'ShareAcknowledge',
  { key: 79, versions: '1-2', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
    isRenewAck: bool('2+'),
    topics: array('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        acknowledgementBatches: array('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          acknowledgeTypes: array('0+', 'int8'),
        }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: array('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        currentLeader: struct('0+', {
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
        }),
      }),
    }),
    nodeEndpoints: array('0+', {
      nodeId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
    }),
  },
)

export type ShareAcknowledgeRequest = RequestOf<typeof ShareAcknowledge>
export type ShareAcknowledgeResponse = ResponseOf<typeof ShareAcknowledge>
