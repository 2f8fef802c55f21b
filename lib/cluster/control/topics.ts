import { ErrorCode } from '../../../protocol/errors.js'
import { type ConfigProblem, topicConfigsProblem } from '../../metadata/config-rules.js'
import { type Image, ZERO_UUID } from '../../metadata/image.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { type EffectiveConfig, effectiveTopicConfigs } from '../../metadata/topic-config.js'
import { CLUSTER_METADATA, collisionKey, mayCollide, topicNameProblem } from '../../metadata/topic-name.js'
import { manualProblem, newPartition, placed } from './assignment.js'
import {
  type ControlContext,
  type Decision,
  DONE,
  duplicates,
  type Outcome,
  PARTITIONS_PER_REQUEST_MAX,
  refused,
} from './command.js'

export interface NewTopic {
  readonly name: string
  /** -1: num.partitions of the controller. */
  readonly numPartitions: number
  /** -1: default.replication.factor of the controller. */
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface CreateTopicsCommand {
  readonly topics: readonly NewTopic[]
  readonly validateOnly: boolean
}

export interface CreatedTopic extends Outcome {
  readonly name: string
  /** The zero uuid on error. */
  readonly topicId: string
  /** -1 on error, like replicationFactor. */
  readonly numPartitions: number
  readonly replicationFactor: number
  /** All configs in force, alphabetically; null on error. */
  readonly configs: readonly EffectiveConfig[] | null
}

/**
 * Cases, in this order:
 *
 * A. a name twice in the request -> INVALID_REQUEST, once, at the end of the answer
 * B. `__cluster_metadata` -> INVALID_REQUEST, at the end too
 * C. more than 10000 partitions in all -> POLICY_VIOLATION for each
 * D. exists -> TOPIC_ALREADY_EXISTS, whatever else is wrong with it
 * E. bad name, or one that collides with an existing topic's -> INVALID_TOPIC_EXCEPTION; two of one request may collide
 * F. null, unknown or bad config -> INVALID_CONFIG
 * G. manual assignment -> INVALID_REQUEST beside a count or factor, INVALID_REPLICA_ASSIGNMENT when it does not hold
 * H. count and factor -> INVALID_REPLICATION_FACTOR, INVALID_PARTITIONS
 */
export function createTopics(
  image: Image,
  context: ControlContext,
  command: CreateTopicsCommand,
): Decision<CreatedTopic[]> {
  const twice = duplicates(command.topics.map((topic) => topic.name))
  const topics = command.topics.filter((topic) => !twice.has(topic.name) && topic.name !== CLUSTER_METADATA)
  const results: CreatedTopic[] = []
  const records: MetadataRecord[] = []
  // C
  if (partitionsWanted(topics, context) > PARTITIONS_PER_REQUEST_MAX) {
    const message = `One request may create at most ${PARTITIONS_PER_REQUEST_MAX} partitions. Use several requests.`
    const names = new Set(command.topics.map((topic) => topic.name))
    return {
      records,
      results: [...names].map((name) => failedTopic(name, refused(ErrorCode.POLICY_VIOLATION, message))),
    }
  }
  const collisions = topics.some((topic) => mayCollide(topic.name)) ? collidingNames(image) : null
  for (const topic of topics) {
    const problem = nameProblem(image, topic.name, collisions)
    results.push(problem === null ? createTopic(image, context, topic, records) : failedTopic(topic.name, problem))
  }
  // A
  for (const name of twice) {
    const message = `The topic ${name} is named more than once in this request.`
    results.push(failedTopic(name, refused(ErrorCode.INVALID_REQUEST, message)))
  }
  // B
  if (!twice.has(CLUSTER_METADATA) && command.topics.some((topic) => topic.name === CLUSTER_METADATA)) {
    const message = `${CLUSTER_METADATA} is reserved and cannot be created.`
    results.push(failedTopic(CLUSTER_METADATA, refused(ErrorCode.INVALID_REQUEST, message)))
  }
  return { records: command.validateOnly ? [] : records, results }
}

export function failedTopic(name: string, outcome: Outcome): CreatedTopic {
  return { name, ...outcome, topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1, configs: null }
}

function partitionsWanted(topics: readonly NewTopic[], context: ControlContext): number {
  let sum = 0
  for (const topic of topics) {
    if (topic.assignments.length > 0) sum += topic.assignments.length
    else sum += topic.numPartitions === -1 ? context.config.number('num.partitions') : Math.max(0, topic.numPartitions)
  }
  return sum
}

function collidingNames(image: Image): Map<string, string> {
  const names = new Map<string, string>()
  for (const name of image.topicsByName.keys()) if (mayCollide(name)) names.set(collisionKey(name), name)
  return names
}

function nameProblem(image: Image, name: string, collisions: ReadonlyMap<string, string> | null): Outcome | null {
  // D
  if (image.topicsByName.has(name)) return refused(ErrorCode.TOPIC_ALREADY_EXISTS, `The topic ${name} exists already.`)
  // E
  const problem = topicNameProblem(name)
  if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  const other = collisions?.get(collisionKey(name))
  if (other === undefined) return null
  const message = `The topic ${name} would collide with ${other}: '.' and '_' are the same in metric names.`
  return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, message)
}

function createTopic(image: Image, context: ControlContext, topic: NewTopic, records: MetadataRecord[]): CreatedTopic {
  const configs = new Map<string, string>()
  const configProblem = readConfigs(topic, configs) ?? topicConfigsProblem(configs, context.config)
  // F
  if (configProblem !== null) return failedTopic(topic.name, configProblem)
  const assignment = topic.assignments.length > 0 ? chosen(image, topic) : counted(image, context, topic)
  if (assignment.problem !== null) return failedTopic(topic.name, assignment.problem)
  const topicId = context.random.topicId()
  records.push({ type: 'TopicRecord', name: topic.name, topicId })
  for (const [name, value] of configs) {
    records.push({ type: 'ConfigRecord', resourceType: 2, resourceName: topic.name, name, value })
  }
  for (const [index, replicas] of assignment.replicas.entries()) {
    records.push(newPartition(image, topicId, index, replicas))
  }
  return {
    ...DONE,
    name: topic.name,
    topicId,
    numPartitions: assignment.replicas.length,
    replicationFactor: assignment.replicas[0]?.length ?? 0,
    configs: effectiveTopicConfigs(configs, context.config),
  }
}

/** Collects the topic's own configs; the same key twice: the last wins. */
function readConfigs(topic: NewTopic, configs: Map<string, string>): ConfigProblem | null {
  for (const { name, value } of topic.configs) {
    if (value === null) {
      return {
        errorCode: ErrorCode.INVALID_CONFIG,
        errorMessage: `The config ${name} of topic ${topic.name} has no value.`,
      }
    }
    configs.set(name, value)
  }
  return null
}

/** G: the client says which brokers hold what. */
function chosen(image: Image, topic: NewTopic) {
  const wrong = (problem: Outcome) => ({ replicas: null, problem })
  if (topic.replicationFactor !== -1) {
    const message = 'With an assignment of replicas the replication factor must be -1.'
    return wrong(refused(ErrorCode.INVALID_REQUEST, message))
  }
  if (topic.numPartitions !== -1) {
    return wrong(
      refused(ErrorCode.INVALID_REQUEST, 'With an assignment of replicas the number of partitions must be -1.'),
    )
  }
  const replicas: (readonly number[])[] = []
  let factor: number | null = null
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (replicas[partitionIndex] !== undefined) {
      const message = `Partition ${partitionIndex} is assigned more than once.`
      return wrong(refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message))
    }
    const problem = manualProblem(image, partitionIndex, brokerIds, factor)
    if (problem !== null) return wrong(problem)
    // Checked before it becomes an array index, so that a partition 2 billion allocates nothing.
    if (partitionIndex < 0 || partitionIndex >= topic.assignments.length) return wrong(holes)
    factor = brokerIds.length
    replicas[partitionIndex] = brokerIds
  }
  return { replicas, problem: null }
}

const holes = refused(
  ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  'Assigned partitions must be numbered from 0 without holes.',
)

/** H: we choose. */
function counted(image: Image, context: ControlContext, topic: NewTopic) {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    const message = `The replication factor is ${topic.replicationFactor}; it must be 1 or more, or -1 for the default.`
    return { replicas: null, problem: refused(ErrorCode.INVALID_REPLICATION_FACTOR, message) }
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    const message = `The number of partitions is ${topic.numPartitions}; it must be 1 or more, or -1 for the default.`
    return { replicas: null, problem: refused(ErrorCode.INVALID_PARTITIONS, message) }
  }
  const { config } = context
  const partitions = topic.numPartitions === -1 ? config.number('num.partitions') : topic.numPartitions
  const factor = topic.replicationFactor === -1 ? config.number('default.replication.factor') : topic.replicationFactor
  return placed(image, context, partitions, factor)
}

export interface TopicToDelete {
  /** null: by id. */
  readonly name: string | null
  /** The zero uuid: by name. */
  readonly topicId: string
}

export interface DeletedTopic extends Outcome {
  readonly name: string | null
  readonly topicId: string
}

/**
 * Cases: A. neither or both of name and id -> INVALID_REQUEST. B. a name, or an id, twice -> INVALID_REQUEST, once. C. unknown ->
 * UNKNOWN_TOPIC_OR_PARTITION (also for names that no topic can have) or UNKNOWN_TOPIC_ID. D. one topic by name and by id ->
 * INVALID_REQUEST, nothing deleted. E. deleted.
 */
export function deleteTopics(image: Image, topics: readonly TopicToDelete[]): Decision<DeletedTopic[]> {
  const results: DeletedTopic[] = []
  const names: string[] = []
  const ids: string[] = []
  const fail = (topic: TopicToDelete, errorCode: ErrorCode, errorMessage: string) => {
    results.push({ ...topic, errorCode, errorMessage })
  }
  for (const topic of topics) {
    if (topic.name !== null && topic.topicId !== ZERO_UUID) {
      fail(topic, ErrorCode.INVALID_REQUEST, 'Give the name of the topic or its id, not both.')
    } else if (topic.name !== null) names.push(topic.name)
    else if (topic.topicId !== ZERO_UUID) ids.push(topic.topicId)
    else fail(topic, ErrorCode.INVALID_REQUEST, 'The topic has neither a name nor an id.')
  }
  const twiceNames = duplicates(names)
  const twiceIds = duplicates(ids)
  const wantedIds = new Set(ids)
  const found = new Map<string, { name: string; byBoth: boolean }>()
  for (const name of new Set(names)) {
    const topic = image.topicsByName.get(name)
    const asked = { name, topicId: ZERO_UUID }
    if (twiceNames.has(name)) fail(asked, ErrorCode.INVALID_REQUEST, `The topic ${name} is named more than once.`)
    else if (topic === undefined) fail(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}.`)
    else found.set(topic.topicId, { name, byBoth: wantedIds.has(topic.topicId) })
  }
  for (const topicId of wantedIds) {
    const topic = image.topicsById.get(topicId)
    const asked = { name: null, topicId }
    if (twiceIds.has(topicId)) fail(asked, ErrorCode.INVALID_REQUEST, `The topic id ${topicId} occurs more than once.`)
    else if (topic === undefined) fail(asked, ErrorCode.UNKNOWN_TOPIC_ID, `There is no topic with the id ${topicId}.`)
    else if (!found.has(topicId)) found.set(topicId, { name: topic.name, byBoth: false })
  }
  const records: MetadataRecord[] = []
  for (const [topicId, { name, byBoth }] of found) {
    if (byBoth) fail({ name, topicId }, ErrorCode.INVALID_REQUEST, `The topic ${name} is given by name and by id.`)
    else {
      records.push({ type: 'RemoveTopicRecord', topicId })
      results.push({ ...DONE, name, topicId })
    }
  }
  return { records, results }
}
