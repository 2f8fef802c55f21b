import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string, uuid } from '../schema/index.js'

/**
 * DeleteTopics: deletes topics.
 *
 * Sent by clients, served by: controller. Versions:
 *   v1   the lowest version that Kafka 4.4 serves
 *   v2   the same bytes
 *   v3   the same bytes
 *   v4   flexible (KIP-482)
 *   v5   response: + responses.errorMessage (KIP-599)
 *   v6   request: + topics; - topicNames; response: + responses.topicId; responses.name may be null (KIP-516)
 */
export const DeleteTopics = message(
  'DeleteTopics',
  { key: 20, versions: '1-6', flexible: '4+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    topics: array('6+', {
      name: string('6+', { nullable: '6+', default: null }),
      topicId: uuid('6+'),
    }),
    topicNames: array('0-5', 'string', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
  {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+', mapKey: true }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
)

export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>
