/** Moving partitions to other brokers. Source: ReplicationControlManager.alterPartitionReassignments, PartitionReassignmentReplicas (KIP-455). */
import { ErrorCode } from '../../../protocol/errors.js'
import {
  directoriesFor,
  type Image,
  isActiveReplica,
  type PartitionImage,
  type TopicImage,
} from '../../metadata/image.js'
import type { MetadataRecord, PartitionChangeRecord } from '../../metadata/records.js'
import { elect, electionChange } from '../election.js'
import { isCordoned } from './assignment.js'
import { type ControlContext, type Decision, DONE, type Outcome, refused } from './command.js'
import { electorateOf, hasElr } from './eligible.js'
import { isUnclean } from './unclean.js'

export interface ReassignCommand {
  readonly allowReplicationFactorChange: boolean
  readonly topics: readonly {
    readonly name: string
    /** `replicas` null: cancel what is under way. */
    readonly partitions: readonly { readonly partitionIndex: number; readonly replicas: readonly number[] | null }[]
  }[]
}

export interface ReassignedPartition extends Outcome {
  readonly topic: string
  readonly partition: number
}

/**
 * Cases: A. unknown topic or partition -> UNKNOWN_TOPIC_OR_PARTITION. B. cancel without a move under way -> NO_REASSIGNMENT_IN_PROGRESS; where no
 * in-sync replica would be left -> INVALID_REPLICA_ASSIGNMENT, unless the topic puts up with a loss: then one of those of before leads. C. an empty
 * target, a broker twice, unknown or cordoned -> INVALID_REPLICA_ASSIGNMENT. D. another
 * number of replicas although that is not allowed -> INVALID_REPLICATION_FACTOR. E. only the order changes, or replicas go: done at once.
 */
export function reassignPartitions(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  command: ReassignCommand,
): Decision<ReassignedPartition[]> {
  const records: MetadataRecord[] = []
  const results: ReassignedPartition[] = []
  for (const { name, partitions } of command.topics) {
    const topic = image.topicsByName.get(name)
    for (const { partitionIndex, replicas } of partitions) {
      const partition = topic?.partitions[partitionIndex]
      const outcome =
        topic === undefined || partition === undefined
          ? refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'There is no such partition.') // A
          : replicas === null
            ? cancel(image, context, topic, partition, records)
            : begin(image, context, topic, partition, replicas, command.allowReplicationFactorChange, records)
      results.push({ topic: name, partition: partitionIndex, ...outcome })
    }
  }
  return { records, results }
}

function cancel(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage,
  partition: PartitionImage,
  records: MetadataRecord[],
): Outcome {
  const { addingReplicas, removingReplicas } = partition
  if (addingReplicas.length + removingReplicas.length === 0) {
    return refused(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, null) // B
  }
  const replicas = originalReplicas(partition)
  const isr = partition.isr.filter((id) => replicas.includes(id))
  if (isr.length === 0) {
    if (!isUnclean(image, context.config, topic.name)) {
      const message = 'None of the replicas of before is in sync: cancelling would lose what the others alone have.'
      return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message) // B
    }
    const lives = (id: number): boolean => isActiveReplica(image, partition, id)
    const eligible = partition.eligibleLeaderReplicas.filter((id) => replicas.includes(id))
    isr.push(eligible.find(lives) ?? replicas.find(lives) ?? replicas[0]!)
  }
  records.push(settled(image, context, topic, partition, replicas, isr))
  return DONE
}

function begin(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage,
  partition: PartitionImage,
  target: readonly number[],
  mayChangeFactor: boolean,
  records: MetadataRecord[],
): Outcome {
  const bad = (why: string) => refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)
  if (target.length === 0) return bad('The list of replicas is empty.') // C
  for (const [index, id] of target.entries()) {
    if (target.indexOf(id) !== index) return bad(`Broker ${id} occurs twice.`)
    if (!image.brokers.has(id)) return bad(`Broker ${id} is not registered.`)
    if (isCordoned(image, id)) return bad(`Every log directory of broker ${id} is cordoned.`)
  }
  const current = partition.replicas
  const factor = current.length - partition.removingReplicas.length
  if (!mayChangeFactor && target.length !== factor) {
    const message = `The partition has ${factor} replicas, not ${target.length}.`
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, message) // D
  }
  const original = originalReplicas(partition)
  const adding = target.filter((id) => !original.includes(id)).sort(rising)
  // Also what an earlier move was about to add stays until this one is done: it may be all that is in sync.
  const removing = current.filter((id) => !target.includes(id)).sort(rising)
  const moving = {
    replicas: [...target, ...removing],
    addingReplicas: adding,
    removingReplicas: removing,
  }
  const done = completed({ ...moving, isr: partition.isr })
  if (done !== null) {
    records.push(settled(image, context, topic, partition, done.replicas, done.isr)) // E
    return DONE
  }
  records.push({
    type: 'PartitionChangeRecord',
    topicId: topic.topicId,
    partitionId: partition.partition,
    ...moving,
    ...leaderFor(image, context, topic, partition, moving.replicas, partition.isr),
  })
  return DONE
}

const rising = (a: number, b: number): number => a - b

/** The replicas of before the move: what there is without what it adds. */
function originalReplicas({ replicas, addingReplicas }: PartitionImage): readonly number[] {
  return addingReplicas.length === 0 ? replicas : replicas.filter((id) => !addingReplicas.includes(id))
}

/**
 * What a move has led to when everything it adds is in sync; null while it goes on. Never down to no in-sync replica, and where there are fewer
 * replicas afterwards not before all of them are in sync: what goes may be a copy that is needed (KAFKA-15665, KAFKA-19975).
 */
export function completed(
  partition: Pick<PartitionImage, 'replicas' | 'isr' | 'addingReplicas' | 'removingReplicas'>,
): { readonly replicas: readonly number[]; readonly isr: readonly number[] } | null {
  const { addingReplicas, removingReplicas } = partition
  const replicas = partition.replicas.filter((id) => !removingReplicas.includes(id))
  const isr = partition.isr.filter((id) => !removingReplicas.includes(id))
  const needed = removingReplicas.length > addingReplicas.length ? replicas : addingReplicas
  return isr.length > 0 && needed.every((id) => isr.includes(id)) ? { replicas, isr } : null
}

/** The record that ends a move, either way. */
export function settled(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage,
  partition: PartitionImage,
  replicas: readonly number[],
  isr: readonly number[],
): PartitionChangeRecord {
  return {
    type: 'PartitionChangeRecord',
    topicId: topic.topicId,
    partitionId: partition.partition,
    replicas,
    isr,
    addingReplicas: [],
    removingReplicas: [],
    ...leaderFor(image, context, topic, partition, replicas, isr),
  }
}

/**
 * A leader that is not among the replicas any more hands over; so does an eligible one. Where a replica goes another epoch begins in any case: should
 * it come back, nothing that is known of it, or under way to it, is from before. Source: PartitionChangeBuilder.
 */
function leaderFor(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage,
  partition: PartitionImage,
  replicas: readonly number[],
  isr: readonly number[],
): Partial<PartitionChangeRecord> {
  const election = elect(
    { ...partition, replicas, isr, directories: directoriesFor(partition, replicas) },
    { ...electorateOf(image, context, topic.name), left: partition.isr },
  )
  const { isr: elected, ...changed } = electionChange(partition, election)
  const loses = partition.replicas.some((id) => !replicas.includes(id))
  const change = loses && changed.leader === undefined ? { ...changed, leader: partition.leader } : changed
  // Without KIP-966 a move changes the ISR as it says and not otherwise.
  return election.leader === -1 || elected === undefined || !hasElr(image) ? change : { ...change, isr: elected }
}

export interface OngoingReassignment {
  readonly name: string
  readonly partitions: readonly Pick<PartitionImage, 'partition' | 'replicas' | 'addingReplicas' | 'removingReplicas'>[]
}

/** Moves under way; `asked` null: of every topic. */
export function ongoingReassignments(
  image: Image,
  asked: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null,
): OngoingReassignment[] {
  const found: OngoingReassignment[] = []
  const wanted =
    asked === null ? null : new Map(asked.map(({ name, partitionIndexes }) => [name, new Set(partitionIndexes)]))
  for (const name of wanted?.keys() ?? image.topicsByName.keys()) {
    const partitions = (image.topicsByName.get(name)?.partitions ?? []).filter(
      ({ partition, addingReplicas, removingReplicas }) =>
        addingReplicas.length + removingReplicas.length > 0 && (wanted?.get(name)?.has(partition) ?? true),
    )
    if (partitions.length > 0) found.push({ name, partitions })
  }
  return found
}
