/**
 * ElectLeaders: v0-2, decided by the controller
 *
 * Behaviours
 * - Each partition succeeds or fails by itself: ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE,
 *   UNKNOWN_TOPIC_OR_PARTITION. With a null list every partition is meant, and those that need no election are left out of the answer; their topics are not.
 * - An unknown kind of election: INVALID_REQUEST, at top level and for each partition; so is what the controller cannot decide at all.
 * Version notes
 * - v0 (KIP-183): preferred elections alone. v1 (KIP-460): the kind of election, an error at top level. v2: flexible.
 */
import { ElectLeaders, ErrorCode } from '../../../protocol/index.js'
import type { Outcome } from '../../cluster/control/command.js'
import { type ElectedPartition, ElectionType } from '../../cluster/control/elections.js'
import { api } from '../context.js'

export const electLeaders = api(ElectLeaders, '0-2', async (request, { apiVersion }, broker) => {
  const electionType = apiVersion === 0 ? ElectionType.PREFERRED : request.electionType
  const topics = request.topicPartitions
  if (topics?.length === 0) return { errorCode: ErrorCode.NONE, replicaElectionResults: [] }
  if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
    const errorMessage = `There is no election of type ${electionType}.`
    return undecided({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage }, topics)
  }
  const { refusal, partitions: results } = await broker.controller.electLeaders({ electionType, topics })
  if (refusal !== null) return undecided(refusal, topics)
  const elected = topics === null ? ofEveryTopic(broker.image().topicsByName.keys(), results) : asAsked(topics, results)
  return {
    errorCode: ErrorCode.NONE,
    replicaElectionResults: elected.map(([topic, partitions]) => ({
      topic,
      partitionResult: partitions.map(({ partition, errorCode, errorMessage }) => ({
        partitionId: partition,
        errorCode,
        errorMessage,
      })),
    })),
  }
})

type OfTopic = readonly [topic: string, partitions: readonly ElectedPartition[]]

function ofEveryTopic(names: Iterable<string>, results: readonly ElectedPartition[]): OfTopic[] {
  const byTopic = new Map<string, ElectedPartition[]>([...names].map((name) => [name, []]))
  for (const result of results) byTopic.get(result.topic)?.push(result)
  return [...byTopic]
}

/** A topic that is named twice is answered twice. */
function asAsked(topics: readonly AskedTopic[], results: readonly ElectedPartition[]): OfTopic[] {
  let next = 0
  return topics.map(({ topic, partitions }) => [topic, results.slice(next, (next += partitions.length))])
}

interface AskedTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

function undecided({ errorCode, errorMessage }: Outcome, topics: readonly AskedTopic[] | null) {
  return {
    errorCode,
    replicaElectionResults: (topics ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }
}
