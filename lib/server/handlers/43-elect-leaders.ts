/**
 * ElectLeaders: v0-2, decided by the controller
 *
 * Behaviours
 * - Each partition succeeds or fails by itself: ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE,
 *   UNKNOWN_TOPIC_OR_PARTITION. With a null list every partition is meant, and those that need no election are left out of the answer.
 * Version notes
 * - v0 (KIP-183): preferred elections alone. v1 (KIP-460): the kind of election, an error at top level. v2: flexible.
 */
import { ElectLeaders, ErrorCode } from '../../../protocol/index.js'
import { type ElectedPartition, ElectionType } from '../../cluster/control/elections.js'
import { api } from '../context.js'

export const electLeaders = api(ElectLeaders, '0-2', async (request, { apiVersion }, broker) => {
  const electionType = apiVersion === 0 ? ElectionType.PREFERRED : request.electionType
  if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
    return { errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] }
  }
  const topics = request.topicPartitions
  const results = await broker.controller.electLeaders({ electionType, topics })
  const byTopic = new Map<string, ElectedPartition[]>()
  for (const result of results) {
    const known = byTopic.get(result.topic)
    if (known === undefined) byTopic.set(result.topic, [result])
    else known.push(result)
  }
  const refusal = results.find(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)
  return {
    errorCode: refusal?.errorCode ?? ErrorCode.NONE,
    replicaElectionResults: Array.from(byTopic, ([topic, partitions]) => ({
      topic,
      partitionResult: partitions.map(({ partition, errorCode, errorMessage }) => ({
        partitionId: partition,
        errorCode,
        errorMessage,
      })),
    })),
  }
})
