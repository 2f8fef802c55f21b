import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, records, string, struct, uuid } from '../schema/index.js'

/**
 * Produce: appends record batches to partitions.
 *
 * Sent by clients, served by: partition leader. Versions:
 *   v3   the lowest version that Kafka 4.4 serves (KIP-98)
 *   v4   the same bytes
 *   v5   response: + responses.partitionResponses.logStartOffset
 *   v6   the same bytes
 *   v7   the same bytes (KIP-110)
 *   v8   response: + responses.partitionResponses.recordErrors, responses.partitionResponses.errorMessage (KIP-467)
 *   v9   flexible (KIP-482)
 *   v10  response: + responses.partitionResponses.currentLeader, nodeEndpoints (KIP-951)
 *   v11  the same bytes
 *   v12  the same bytes (KIP-890)
 *   v13  request: + topicData.topicId; - topicData.name; response: + responses.topicId; - responses.name (KIP-516)
 */
export const Produce = message(
  'Produce',
  { key: 0, versions: '3-13', flexible: '9+', audience: 'client', listeners: ['broker'] },
  {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12', { ignorable: true, mapKey: true }),
      topicId: uuid('13+', { ignorable: true, mapKey: true }),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
  },
  {
    responses: array('0+', {
      name: string('0-12', { ignorable: true, mapKey: true }),
      topicId: uuid('13+', { ignorable: true, mapKey: true }),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: array(
          '8+',
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
          },
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    nodeEndpoints: array(
      '10+',
      {
        nodeId: int32('10+', { mapKey: true }),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      { tag: 0 },
    ),
  },
)

export type ProduceRequest = RequestOf<typeof Produce>
export type ProduceResponse = ResponseOf<typeof Produce>
