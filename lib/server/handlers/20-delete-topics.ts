/**
 * DeleteTopics: v1-6
 *
 * Behaviours
 * - Gone when answered: metadata, logs, configs, and what groups have committed for it.
 * - Unknown, and impossible, names are UNKNOWN_TOPIC_OR_PARTITION, unknown ids UNKNOWN_TOPIC_ID. Name together with id, neither, or a topic twice
 *   is INVALID_REQUEST and nothing happens to it.
 * - `delete.topic.enable=false`: TOPIC_DELETION_DISABLED for each; INVALID_REQUEST up to v2.
 * Version notes
 * - v5: error messages. v6 (KIP-516): by id.
 */
import { DeleteTopics, ErrorCode, ZERO_UUID } from '../../../protocol/index.js'
import { api } from '../context.js'

export const deleteTopics = api(DeleteTopics, '1-6', async (request, { apiVersion }, broker) => {
  const topics =
    apiVersion >= 6
      ? request.topics.map(({ name, topicId }) => ({ name, topicId }))
      : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  if (!broker.config.boolean('delete.topic.enable')) {
    const errorCode = apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED
    const errorMessage = 'This cluster does not allow topics to be deleted (delete.topic.enable=false).'
    return { responses: topics.map((topic) => ({ ...topic, errorCode, errorMessage })) }
  }
  return { responses: await broker.controller.deleteTopics(topics) }
})
