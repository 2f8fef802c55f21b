/**
 * Metadata: v0-13
 *
 * Behaviours
 * - Answers are cached as bytes per image (see metadata-cache.ts); a hit is not even decoded.
 * - A topic that may be auto-created is created before the answer leaves, which then names its leaders.
 * - An invalid name is INVALID_TOPIC_EXCEPTION, with or without the auto-create flag; a topic named twice is answered once.
 * Version notes
 * - v0: an empty list means all topics; from v1 on null does, and empty means none. v0 names living replicas only; when one is missing the
 *   partition is REPLICA_NOT_AVAILABLE, which clients pass over.
 * - v4: allowAutoTopicCreation; before it, true is understood.
 * - v8-v10 cluster operations, v8+ topic operations (KIP-430): bit fields when asked for.
 * - v10 (KIP-516): topic ids in the answer; asking by id is INVALID_REQUEST in v10 and v11 and works from v12 on, where
 *   one topic with an id makes those with a name only be left out.
 * Deviations (compat/FINDINGS.md)
 * - Kafka answers the first request for a topic to be auto-created with UNKNOWN_TOPIC_OR_PARTITION.
 */
import { ErrorCode, encode, Metadata, type RequestOf, type ResponseInput, ZERO_UUID } from '../../../protocol/index.js'
import { type BrokerImage, type Image, isLost, type PartitionImage, type TopicImage } from '../../metadata/image.js'
import { isInternalTopic, topicNameProblem } from '../../metadata/topic-name.js'
import { api, type ConnectionView, EncodedBody, type RequestContext } from '../context.js'
import { metadataCacheKey } from '../metadata-cache.js'
import type { BrokerServices } from '../services.js'
import { clusterOperations, OPERATIONS_NOT_ASKED, topicOperations } from './support/authorized-operations.js'

type Request = RequestOf<typeof Metadata>
type Response = ResponseInput<typeof Metadata>
type Topic = NonNullable<Response['topics']>[number]
type Partition = NonNullable<Topic['partitions']>[number]

export const metadata = api(
  Metadata,
  '0-13',
  (request, context, broker) => {
    const wanted = wantedTopics(request, context.apiVersion)
    if (wanted === 'ids-not-spoken') return idsNotSpoken(request)
    const missing = autoCreatable(request, wanted, context, broker)
    if (missing.length === 0) return remember(context, broker, encodeAnswer(request, wanted, context, broker))
    return broker.topicCreator
      .create(missing)
      .then(() => new EncodedBody(encodeAnswer(request, wanted, context, broker)))
  },
  {
    shortcut(context, broker) {
      const key = cacheKey(context.body, context)
      return key === null ? null : broker.metadataCache.get(broker.image(), key)
    },
  },
)

/** Topics by name, by id, or all of them. */
type Wanted = { kind: 'all' } | { kind: 'names'; names: string[] } | { kind: 'ids'; ids: string[] }

function wantedTopics(request: Request, version: number): Wanted | 'ids-not-spoken' {
  const { topics } = request
  if (topics === null || (version === 0 && topics.length === 0)) return { kind: 'all' }
  const ids = topics.map((topic) => topic.topicId).filter((id) => id !== ZERO_UUID)
  // What has no name can only be meant by its id.
  if (version < 12 && (ids.length > 0 || topics.some(({ name }) => name === null))) return 'ids-not-spoken'
  if (ids.length > 0) return { kind: 'ids', ids: [...new Set(ids)] }
  return { kind: 'names', names: [...new Set(topics.map((topic) => topic.name ?? ''))] }
}

function cacheKey(body: Buffer, context: RequestContext): string | null {
  const { listenerName, localAddress } = context.connection
  return metadataCacheKey(context.apiVersion, listenerName, localAddress, body)
}

function idsNotSpoken(request: Request): Response {
  return {
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: request.topics!.map(({ name, topicId }) => ({
      errorCode: ErrorCode.INVALID_REQUEST,
      name: name ?? '',
      topicId,
      partitions: [],
    })),
  }
}

function autoCreatable(request: Request, wanted: Wanted, context: RequestContext, broker: BrokerServices): string[] {
  if (wanted.kind !== 'names') return []
  const asked = context.apiVersion < 4 || request.allowAutoTopicCreation
  if (!asked || !broker.config.boolean('auto.create.topics.enable')) return []
  const { topicsByName } = broker.image()
  return wanted.names.filter((name) => !topicsByName.has(name) && topicNameProblem(name) === null)
}

function encodeAnswer(request: Request, wanted: Wanted, context: RequestContext, broker: BrokerServices): Buffer {
  return encode(Metadata, 'response', context.apiVersion, answer(request, wanted, context, broker.image(), broker))
}

/** Only in the turn of the request: its bytes, the key of the cache, are gone after it. */
function remember(context: RequestContext, broker: BrokerServices, bytes: Buffer): EncodedBody {
  const key = cacheKey(context.body, context)
  return key === null ? new EncodedBody(bytes) : broker.metadataCache.put(broker.image(), key, bytes)
}

function answer(
  request: Request,
  wanted: Wanted,
  context: RequestContext,
  image: Image,
  broker: BrokerServices,
): Response {
  const view = new TopicView(image, broker, context, request.includeTopicAuthorizedOperations)
  return {
    throttleTimeMs: 0,
    brokers: liveBrokers(image, context.connection, broker),
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    topics: view.topics(wanted),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : OPERATIONS_NOT_ASKED,
  }
}

function liveBrokers(image: Image, connection: ConnectionView, broker: BrokerServices) {
  return [...image.brokers.values()].flatMap(({ brokerId, rack, fenced }) => {
    const address = fenced ? null : broker.advertised(brokerId, connection)
    return address === null ? [] : [{ nodeId: brokerId, host: address.host, port: address.port, rack }]
  })
}

/** Topics as one client sees them: through its listener, with its rights. */
class TopicView {
  readonly #image: Image
  readonly #version: number
  readonly #operations: number
  /** Brokers that this client's listener reaches. */
  readonly #reachable: ReadonlySet<number>

  constructor(image: Image, broker: BrokerServices, context: RequestContext, includeOperations: boolean) {
    this.#image = image
    this.#version = context.apiVersion
    this.#operations = includeOperations ? topicOperations : OPERATIONS_NOT_ASKED
    const reachable = (one: BrokerImage): boolean =>
      !one.fenced && broker.advertised(one.brokerId, context.connection) !== null
    this.#reachable = new Set([...image.brokers.values()].filter(reachable).map((one) => one.brokerId))
  }

  topics(wanted: Wanted): Topic[] {
    switch (wanted.kind) {
      case 'all':
        return [...this.#image.topicsByName.values()].map((topic) => this.#topic(topic))
      case 'names':
        return wanted.names.map((name) => this.#byName(name))
      case 'ids':
        return wanted.ids.map((id) => this.#byId(id))
    }
  }

  #byName(name: string): Topic {
    const topic = this.#image.topicsByName.get(name)
    if (topic) return this.#topic(topic)
    const errorCode =
      topicNameProblem(name) === null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
    return {
      errorCode,
      name,
      isInternal: isInternalTopic(name),
      partitions: [],
      topicAuthorizedOperations: this.#operations,
    }
  }

  #byId(topicId: string): Topic {
    const topic = this.#image.topicsById.get(topicId)
    if (topic) return this.#topic(topic)
    return {
      errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
      name: null,
      topicId,
      isInternal: false,
      partitions: [],
      topicAuthorizedOperations: this.#operations,
    }
  }

  #topic(topic: TopicImage): Topic {
    return {
      errorCode: ErrorCode.NONE,
      name: topic.name,
      topicId: topic.topicId,
      isInternal: isInternalTopic(topic.name),
      partitions: topic.partitions.map((partition) => this.#partition(partition)),
      topicAuthorizedOperations: this.#operations,
    }
  }

  #partition(partition: PartitionImage): Partition {
    const leaderHere = this.#reachable.has(partition.leader)
    const replicaNodes = this.#named(partition.replicas)
    const isrNodes = this.#named(partition.isr)
    const isWhole = replicaNodes.length === partition.replicas.length && isrNodes.length === partition.isr.length
    const errorCode = isWhole ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE
    return {
      errorCode: leaderHere ? errorCode : this.#leaderError(partition.leader),
      partitionIndex: partition.partition,
      leaderId: leaderHere ? partition.leader : -1,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes,
      isrNodes,
      offlineReplicas: partition.replicas.filter((id) => !this.#reachable.has(id) || isLost(partition, id)),
    }
  }

  /** Clients of v0 are told of no broker that is not among the answer's. */
  #named(replicas: readonly number[]): number[] {
    return this.#version === 0 ? replicas.filter((id) => this.#reachable.has(id)) : [...replicas]
  }

  /** A leader that lives but has no such listener; clients before v6 do not know that error. */
  #leaderError(leader: number): ErrorCode {
    const alive = this.#image.brokers.get(leader)?.fenced === false
    return alive && this.#version >= 6 ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE
  }
}
