/**
 * Fetch: v4-18
 *
 * Behaviours
 * - Whole batches, from the one that contains the offset; the first non-empty partition yields at least one, whatever the limits.
 * - Waits for minBytes up to maxWaitMs; any error or diverging epoch answers at once.
 * - Records leave by reference: log slices in the response's one writev.
 * - Batches are served as they are stored, in every version.
 * Version notes
 * - v7 (KIP-227): sessions. v9 (KIP-320): leader epochs are checked. v11 (KIP-392): a follower may serve a consumer.
 * - v12 (KIP-595): the last fetched epoch, answered by a diverging one. v13 (KIP-516): topic ids instead of names.
 * - v15 (KIP-903): a follower's id and epoch in a tag. v16 (KIP-951): the current leader and its address.
 * - v17 is about controllers: read and ignored. v18 (KIP-1166): a follower says how far it knows the partition to be committed; one that is
 *   behind is answered sooner.
 */
import { ErrorCode, Fetch, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import type { FetchParams } from '../../broker/partition/fetch-pass.js'
import type { FetchIsolation } from '../../broker/partition/fetch-position.js'
import { type FetchContext, openFetchContext } from '../../broker/partition/fetch-session.js'
import type { FetchAnswer, FetchTarget } from '../../broker/partition/fetch-types.js'
import type { Partition } from '../../broker/partition/partition.js'
import { preferredReadReplica } from '../../broker/partition/read-replica.js'
import { RACK_AWARE_SELECTOR } from '../../metadata/replica-selector.js'
import {
  type Awaitable,
  api,
  CLOSE_CONNECTION,
  type HandlerResult,
  LentResponse,
  type RequestContext,
} from '../context.js'
import type { BrokerServices } from '../services.js'
import { LeaderHints } from './support/leader-hints.js'

type Request = RequestOf<typeof Fetch>
type Result = HandlerResult<typeof Fetch>
type Response = ResponseInput<typeof Fetch>
type TopicResponse = NonNullable<Response['responses']>[number]
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number]

const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

export const fetch = api(Fetch, '4-18', fetchHandler)

function fetchHandler(request: Request, context: RequestContext, broker: BrokerServices): Awaitable<Result> {
  const version = context.apiVersion
  if (request.isolationLevel !== READ_UNCOMMITTED && request.isolationLevel !== READ_COMMITTED)
    return noSuchIsolation(request, version)
  const replicaId = version >= 15 ? request.replicaState.replicaId : request.replicaId
  const session = openFetchContext(
    broker.fetchSessions,
    {
      sessionId: request.sessionId,
      sessionEpoch: request.sessionEpoch,
      usesTopicIds: version >= 13,
      isFromFollower: replicaId >= 0,
      targets: targetsOf(request, version),
      forgotten: request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
        partitions.map((partition) => ({ topic, topicId, partition })),
      ),
    },
    broker.clock.monotonic(),
  )
  if (typeof session === 'number') return { errorCode: session, sessionId: 0, responses: [] }
  const params = paramsOf(request, context, replicaId, session, broker)
  const answers = broker.replicas.fetches.fetch(params, (gone) => context.connection.onClose(gone))
  const answer = (ready: readonly FetchAnswer[]): Result => {
    if (replicaId >= 0) countSent(ready, broker)
    return respond(session, ready, context, broker)
  }
  if (!(answers instanceof Promise)) return answer(answers)
  return answers.then((late) => (late === null ? CLOSE_CONNECTION : answer(late)))
}

/** What a follower is sent of throttled partitions counts, whether it is in sync or not. */
function countSent(answers: readonly FetchAnswer[], { leaderThrottle, image }: BrokerServices): void {
  if (leaderThrottle.isIdle) return
  for (const { target, sizeInBytes } of answers) {
    const topic = target.topic || image().topicsById.get(target.topicId)?.name
    if (topic !== undefined) leaderThrottle.record(topic, target.partition, sizeInBytes)
  }
}

/** Kafka fails on the number and answers with its catch-all error: at top level once there is a place for it (v7). */
function noSuchIsolation(request: Request, version: number): Response {
  const errorCode = ErrorCode.UNKNOWN_SERVER_ERROR
  if (version >= 7) return { errorCode, sessionId: 0, responses: [] }
  return {
    responses: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        lastStableOffset: -1,
        abortedTransactions: [],
        records: [],
      })),
    })),
  }
}

function targetsOf(request: Request, version: number): FetchTarget[] {
  const targets: FetchTarget[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const one of partitions) {
      targets.push({
        topic: version >= 13 ? '' : topic,
        topicId,
        partition: one.partition,
        currentLeaderEpoch: one.currentLeaderEpoch,
        fetchOffset: one.fetchOffset,
        lastFetchedEpoch: one.lastFetchedEpoch,
        logStartOffset: one.logStartOffset,
        partitionMaxBytes: one.partitionMaxBytes,
        highWatermark: one.highWatermark,
      })
    }
  }
  return targets
}

function paramsOf(
  request: Request,
  context: RequestContext,
  replicaId: number,
  session: FetchContext,
  broker: BrokerServices,
): FetchParams {
  const version = context.apiVersion
  const isFromFollower = replicaId >= 0
  // `fetch.max.bytes` protects the broker from its clients; followers are bounded by their own settings.
  const maxBytes = isFromFollower
    ? request.maxBytes
    : Math.min(request.maxBytes, broker.config.number('fetch.max.bytes'))
  return {
    targets: session.targets,
    replicaId,
    isolation: isolationOf(isFromFollower, request.isolationLevel),
    // A consumer that sends its rack (v11+) can be led to a follower, so it may also read from one.
    requireLeader: isFromFollower || version < 11,
    replicaEpoch: version >= 15 ? request.replicaState.replicaEpoch : -1,
    preferredReplica: isFromFollower || version < 11 ? null : replicaSelector(request.rackId, context, broker),
    maxWaitMs: request.maxWaitMs,
    minBytes: request.minBytes,
    maxBytes,
    throttle: isFromFollower ? broker.leaderThrottle : null,
  }
}

/** Null unless consumers are to be led to replicas near them (`replica.selector.class`). */
function replicaSelector(clientRack: string, context: RequestContext, broker: BrokerServices) {
  if (clientRack === '' || broker.config.string('replica.selector.class') !== RACK_AWARE_SELECTOR) return null
  const { brokers } = broker.image()
  const rackOf = (id: number): string | null => {
    const one = brokers.get(id)
    const isThere = one !== undefined && !one.fenced && broker.advertised(id, context.connection) !== null
    return isThere ? one.rack : null
  }
  return ({ role }: Partition, fetchOffset: number): number => {
    if (role.kind !== 'leader') return -1
    const leaderRack = rackOf(broker.brokerId)
    const { followers, image } = role
    return preferredReadReplica({ clientRack, leaderRack, fetchOffset, isr: image.isr, followers, rackOf })
  }
}

function isolationOf(isFromFollower: boolean, isolationLevel: number): FetchIsolation {
  if (isFromFollower) return 'end'
  return isolationLevel === READ_COMMITTED ? 'stable' : 'committed'
}

function respond(
  session: FetchContext,
  answers: readonly FetchAnswer[],
  context: RequestContext,
  broker: BrokerServices,
): Result {
  const { errorCode, sessionId, answers: told } = session.respond(answers, broker.clock.monotonic())
  const hints = new LeaderHints(broker, context)
  const responses: TopicResponse[] = []
  let partitions: PartitionResponse[] = []
  let last: FetchTarget | null = null
  for (const answer of told) {
    const { target } = answer
    if (last === null || target.topic !== last.topic || target.topicId !== last.topicId) {
      partitions = []
      responses.push({ topic: target.topic, topicId: target.topicId, partitions })
    }
    last = target
    partitions.push(partitionResponse(answer, context.apiVersion, hints))
  }
  const response = { throttleTimeMs: 0, errorCode, sessionId, responses, nodeEndpoints: hints.endpoints }
  return answers.some(({ release }) => release !== null)
    ? new LentResponse(response, () => giveBack(answers))
    : response
}

/** The pieces have left the process. */
function giveBack(answers: readonly FetchAnswer[]): void {
  for (const { release } of answers) release?.()
}

function partitionResponse(answer: FetchAnswer, version: number, hints: LeaderHints): PartitionResponse {
  const { target, errorCode, abortedTransactions, divergingEpoch } = answer
  const moved = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
  return {
    partitionIndex: target.partition,
    errorCode,
    highWatermark: answer.highWatermark,
    lastStableOffset: answer.lastStableOffset,
    logStartOffset: answer.logStartOffset,
    abortedTransactions,
    preferredReadReplica: answer.preferredReadReplica,
    records: answer.pieces,
    ...(divergingEpoch === null ? {} : { divergingEpoch }),
    ...(moved && version >= 16 ? { currentLeader: hints.leaderOf(target) } : {}),
  }
}
