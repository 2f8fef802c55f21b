/**
 * OffsetDelete: v0 (KIP-496)
 *
 * Behaviours
 * - Topics that a member reads: GROUP_SUBSCRIBED_TO_TOPIC. A living group whose protocol type is not "consumer": NON_EMPTY_GROUP.
 * - An unknown topic or partition: UNKNOWN_TOPIC_OR_PARTITION for itself. An offset that is not there: NONE.
 * - Unknown group: GROUP_ID_NOT_FOUND, at top level, without topics, whatever the topics are.
 */
import { OffsetDelete } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { api } from '../context.js'

export const offsetDelete = api(OffsetDelete, '0-0', (request, _context, { groups }) => {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => partitionIndex),
  }))
  return then(groups.deleteOffsets({ groupId: request.groupId, topics }), ({ errorCode, topics: answered }) => ({
    errorCode,
    throttleTimeMs: 0,
    topics: answered,
  }))
})
