import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int8, int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * CreateTopics: creates topics.
 *
 * Sent by clients, served by: controller. Versions:
 *   v2   the lowest version that Kafka 4.4 serves
 *   v3   the same bytes
 *   v4   the same bytes (KIP-464)
 *   v5   response: + topics.topicConfigErrorCode, topics.numPartitions, topics.replicationFactor, topics.configs;
 *        flexible (KIP-482) (KIP-525)
 *   v6   the same bytes (KIP-599)
 *   v7   response: + topics.topicId (KIP-516)
 */
export const CreateTopics = message(
  'CreateTopics',
  { key: 19, versions: '2-7', flexible: '5+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: array('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        brokerIds: array('0+', 'int32'),
      }),
      configs: array('0+', {
        name: string('0+', { mapKey: true }),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+'),
  },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+', { mapKey: true }),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '1+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array(
        '5+',
        {
          name: string('5+'),
          value: string('5+', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1, ignorable: true }),
          isSensitive: bool('5+'),
        },
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
)

export type CreateTopicsRequest = RequestOf<typeof CreateTopics>
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>
