/**
 * OffsetFetch: v1-10
 *
 * Behaviours
 * - An unknown group, topic or partition is no error: offset -1, leader epoch -1, metadata "".
 * - A null list of topics (v2+) means everything the group has committed.
 * Version notes
 * - v1 has no error of the whole group: it is repeated on every partition asked for.
 * - v5: leader epochs (KIP-320). v7: requireStable (KIP-447) hides offsets that a transaction is about to replace.
 * - v8: several groups in one request (KIP-709). v9: member id and epoch (KIP-848), which a classic group does not look at.
 * - v10: topics by id; an unknown id is UNKNOWN_TOPIC_ID, and "everything" leaves out topics that are gone.
 */
import { OffsetFetch, type RequestOf, type ResponseInput, ZERO_UUID } from '../../../protocol/index.js'
import { type Answer, all, then } from '../../broker/group/answer.js'
import type { OffsetFetchCommand, OffsetFetchReply } from '../../broker/group/commands.js'
import { api } from '../context.js'

type Request = RequestOf<typeof OffsetFetch>
type Response = ResponseInput<typeof OffsetFetch>

export const offsetFetch = api(OffsetFetch, '1-10', (request, { apiVersion }, { groups }) => {
  const byId = apiVersion >= 10
  const fetch = (command: OffsetFetchCommand): Answer<OffsetFetchReply> => groups.fetchOffsets(command, byId)
  if (apiVersion < 8) return then(fetch(singleGroup(request)), (reply) => singleAnswer(request, apiVersion, reply))
  // Everything of a group is told once, however often it is asked for: a small request must not make an answer without bounds.
  const whole = new Set<string>()
  const asked = request.groups.filter(
    ({ groupId, topics }) => topics !== null || (!whole.has(groupId) && whole.add(groupId)),
  )
  const answers = asked.map(({ groupId, topics }) =>
    fetch({
      groupId,
      topics: topics === null ? null : byId ? topics : topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
      requireStable: request.requireStable,
    }),
  )
  return then(all(answers), (replies): Response => ({ throttleTimeMs: 0, groups: replies }))
})

function singleGroup({ groupId, topics, requireStable }: Request): OffsetFetchCommand {
  return {
    groupId,
    topics: topics === null ? null : topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
    requireStable,
  }
}

function singleAnswer(request: Request, version: number, { errorCode, topics }: OffsetFetchReply): Response {
  if (version >= 2 || errorCode === 0) return { throttleTimeMs: 0, errorCode, topics }
  return {
    topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: -1,
        committedLeaderEpoch: -1,
        metadata: '',
        errorCode,
      })),
    })),
  }
}
