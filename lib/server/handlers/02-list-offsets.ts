/**
 * ListOffsets: v1-11
 *
 * Behaviours
 * - By time: the first record with a timestamp >= the asked one, with its own timestamp; none: offset and timestamp -1, no error.
 * - A partition named twice is INVALID_REQUEST for it alone; a negative timestamp that the version does not know UNSUPPORTED_VERSION.
 * - -1 latest (the last stable offset for read_committed), -2 earliest, -3 max timestamp, -4 earliest local; -5 and -6 are about
 *   tiered storage, which there is none of: offset -1.
 * Version notes
 * - v2 (KIP-98): isolation level. v4 (KIP-320): leader epochs. v7 (KIP-734) -3; v8 (KIP-405) -4; v9 (KIP-1005) -5; v11 (KIP-1023) -6.
 * - v5 (KIP-207): OFFSET_NOT_AVAILABLE of a new leader; clients before it know LEADER_NOT_AVAILABLE only.
 * - v10 (KIP-1075): a timeout, for remote storage: ignored.
 */
import { ErrorCode, ListOffsets, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import type { FetchIsolation } from '../../broker/partition/fetch-position.js'
import { type FoundOffset, lookUpOffset, noOffset, timestampIsSupported } from '../../broker/partition/offset-lookup.js'
import { type Awaitable, api, type HandlerResult, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof ListOffsets>
type Response = ResponseInput<typeof ListOffsets>
type PartitionRequest = Request['topics'][number]['partitions'][number]

/** A consumer; a debugging tool is -2 and may ask any replica. */
const CONSUMER = -1
const DEBUGGER = -2
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
const NO_EPOCH = -1
const { OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE } = ErrorCode

export const listOffsets = api(ListOffsets, '1-11', listOffsetsHandler)

function listOffsetsHandler(
  request: Request,
  context: RequestContext,
  broker: BrokerServices,
): Awaitable<HandlerResult<typeof ListOffsets>> {
  const repeated = repeatedPartitions(request)
  const asked = repeated.size === 0 ? request : withoutRepetition(request)
  const found = asked.topics.map(({ name, partitions }) =>
    partitions.map((one): Awaitable<FoundOffset> => {
      if (repeated.has(`${name}:${one.partitionIndex}`)) return noOffset(ErrorCode.INVALID_REQUEST)
      return lookUp(name, one, request, context.apiVersion, broker)
    }),
  )
  if (found.every((topic) => topic.every((one) => !(one instanceof Promise)))) {
    return respond(asked, found as FoundOffset[][], context.apiVersion)
  }
  return Promise.all(found.map((topic) => Promise.all(topic))).then((all) => respond(asked, all, context.apiVersion))
}

function lookUp(
  topic: string,
  { partitionIndex, timestamp, currentLeaderEpoch }: PartitionRequest,
  request: Request,
  version: number,
  broker: BrokerServices,
): Awaitable<FoundOffset> {
  // Kafka fails on an isolation level that there is not, and answers with its catch-all error.
  if (request.isolationLevel !== READ_UNCOMMITTED && request.isolationLevel !== READ_COMMITTED)
    return noOffset(ErrorCode.UNKNOWN_SERVER_ERROR)
  if (!timestampIsSupported(timestamp, version)) return noOffset(ErrorCode.UNSUPPORTED_VERSION)
  const partition = broker.replicas.find(topic, partitionIndex)
  if (typeof partition === 'number') return noOffset(partition)
  // Only -1 says "do not check" here; in Fetch every negative epoch does.
  if (currentLeaderEpoch < NO_EPOCH) return noOffset(ErrorCode.FENCED_LEADER_EPOCH)
  return lookUpOffset(partition, {
    timestamp,
    currentLeaderEpoch,
    isolation: isolationOf(request),
    requireLeader: request.replicaId !== DEBUGGER,
  })
}

function isolationOf({ replicaId, isolationLevel }: Request): FetchIsolation {
  if (replicaId !== CONSUMER) return 'end'
  return isolationLevel === READ_COMMITTED ? 'stable' : 'committed'
}

function repeatedPartitions(request: Request): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}:${partitionIndex}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}

/** A partition asked for twice is answered once. */
function withoutRepetition(request: Request): Request {
  const topics = request.topics.map((topic) => {
    const seen = new Set<number>()
    const first = ({ partitionIndex }: PartitionRequest): boolean => seen.size < seen.add(partitionIndex).size
    return { ...topic, partitions: topic.partitions.filter(first) }
  })
  return { ...request, topics }
}

function respond(request: Request, found: readonly (readonly FoundOffset[])[], version: number): Response {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }, topic) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, index) => {
        const { errorCode, timestamp, offset, leaderEpoch } = found[topic]![index]!
        return {
          partitionIndex,
          errorCode: version < 5 && errorCode === OFFSET_NOT_AVAILABLE ? LEADER_NOT_AVAILABLE : errorCode,
          timestamp,
          offset,
          leaderEpoch: version >= 4 ? leaderEpoch : -1,
        }
      }),
    })),
  }
}
