import { ErrorCode } from '../../../protocol/errors.js'
import { type Image, isActiveReplica } from '../../metadata/image.js'
import type { MetadataRecord, PartitionChangeRecord } from '../../metadata/records.js'
import { elect, electionChange } from '../election.js'
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
import { electorateOf } from './eligible.js'
import { completed, settled } from './reassign.js'

export interface MorePartitions {
  readonly name: string
  /** How many the topic shall have in all. */
  readonly count: number
  /** Replicas of the new ones; null: we choose. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

export interface CreatePartitionsCommand {
  readonly topics: readonly MorePartitions[]
  readonly validateOnly: boolean
}

export interface GrownTopic extends Outcome {
  readonly name: string
}

/**
 * Cases: A. a topic twice -> INVALID_REQUEST, once, nothing done for it. B. more than 10000 new partitions -> POLICY_VIOLATION for each.
 * C. unknown -> UNKNOWN_TOPIC_OR_PARTITION. D. not more than it has -> INVALID_PARTITIONS. E. not one assignment per new partition, or a
 * bad one -> INVALID_REPLICA_ASSIGNMENT. F. the topic's replication factor is out of reach now -> INVALID_REPLICATION_FACTOR.
 */
export function createPartitions(
  image: Image,
  context: ControlContext,
  command: CreatePartitionsCommand,
): Decision<GrownTopic[]> {
  const twice = duplicates(command.topics.map((topic) => topic.name))
  const topics = command.topics.filter((topic) => !twice.has(topic.name))
  const records: MetadataRecord[] = []
  const results: GrownTopic[] = []
  let wanted = 0
  for (const topic of topics) {
    wanted += Math.max(0, topic.count - (image.topicsByName.get(topic.name)?.partitions.length ?? topic.count))
  }
  for (const topic of topics) {
    const outcome = wanted > PARTITIONS_PER_REQUEST_MAX ? tooMany : grow(image, context, topic, records)
    results.push({ name: topic.name, ...outcome })
  }
  for (const name of twice) {
    results.push({ name, ...refused(ErrorCode.INVALID_REQUEST, `The topic ${name} is named more than once.`) })
  }
  return { records: command.validateOnly ? [] : records, results }
}

const tooMany = refused(
  ErrorCode.POLICY_VIOLATION,
  `One request may create at most ${PARTITIONS_PER_REQUEST_MAX} partitions. Use several requests.`,
)

function grow(image: Image, context: ControlContext, wanted: MorePartitions, records: MetadataRecord[]): Outcome {
  const topic = image.topicsByName.get(wanted.name)
  if (topic === undefined) {
    return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null)
  }
  const first = topic.partitions.length
  const more = wanted.count - first
  if (more <= 0) {
    const message = `The topic ${wanted.name} has ${first} partition(s); ${wanted.count} would not be more.`
    return refused(ErrorCode.INVALID_PARTITIONS, message)
  }
  const factor = topic.partitions[0]?.replicas.length ?? 1
  const assignment =
    wanted.assignments === null
      ? placed(image, context, more, factor)
      : chosen(image, wanted.assignments, first, more, factor)
  if (assignment.problem !== null) return assignment.problem
  for (const [index, replicas] of assignment.replicas.entries()) {
    records.push(newPartition(image, topic.topicId, first + index, replicas))
  }
  return DONE
}

function chosen(
  image: Image,
  assignments: readonly { readonly brokerIds: readonly number[] }[],
  first: number,
  more: number,
  factor: number,
) {
  if (assignments.length !== more) {
    const message = `${more} partition(s) are to be added, but replicas are assigned for ${assignments.length}.`
    return { replicas: null, problem: refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message) }
  }
  for (const [index, { brokerIds }] of assignments.entries()) {
    const problem = manualProblem(image, first + index, brokerIds, factor)
    if (problem !== null) return { replicas: null, problem }
  }
  return { replicas: assignments.map(({ brokerIds }) => brokerIds), problem: null }
}

/** What a leader wants to change about a partition it leads, and the state it believes in (AlterPartition). */
export interface PartitionUpdate {
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly number[]
  /** Broker epochs of `isr`, one each, as the leader knows them (KIP-903); -1 or absent: not checked. */
  readonly isrEpochs?: readonly number[]
}

export interface UpdatedPartition extends Outcome {
  readonly topicId: string
  readonly partition: number
}

/**
 * Cases, as ReplicationControlManager.alterPartition has them: A. unknown topic -> UNKNOWN_TOPIC_ID; unknown partition ->
 * UNKNOWN_TOPIC_OR_PARTITION. B. a newer leader epoch or partition epoch than ours -> NOT_CONTROLLER (we are behind). C. an older leader
 * epoch -> FENCED_LEADER_EPOCH. D. not the leader -> INVALID_REQUEST. E. an older partition epoch -> INVALID_UPDATE_VERSION. F. an ISR
 * that is empty, lacks the leader or holds strangers -> INVALID_REQUEST. G. a member that is not active, or has lost its replica -> INELIGIBLE_REPLICA.
 */
export function changePartitions(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  leaderId: number,
  updates: readonly PartitionUpdate[],
): Decision<UpdatedPartition[]> {
  const records: MetadataRecord[] = []
  const results = updates.map((update) => {
    const problem = updateProblem(image, leaderId, update)
    if (problem === null) {
      records.push(isrChange(image, context, update))
    }
    return { topicId: update.topicId, partition: update.partition, ...(problem ?? DONE) }
  })
  return { records, results }
}

/** The new ISR, and with it the end of a move for which it was waited. */
function isrChange(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  { topicId, partition, isr }: PartitionUpdate,
): PartitionChangeRecord {
  const topic = image.topicsById.get(topicId)!
  const known = topic.partitions[partition]!
  const moving = known.addingReplicas.length + known.removingReplicas.length > 0
  const done = moving ? completed({ ...known, isr }) : null
  if (done !== null) return settled(image, context, topic, known, done.replicas, done.isr)
  const electorate = { ...electorateOf(image, context, topic.name), left: known.isr }
  const { elr, lastKnown } = elect({ ...known, isr }, electorate)
  const change = electionChange(known, { leader: known.leader, isr, elr, lastKnown })
  return { type: 'PartitionChangeRecord', topicId, partitionId: partition, ...change, isr }
}

function updateProblem(image: Image, leaderId: number, update: PartitionUpdate): Outcome | null {
  const topic = image.topicsById.get(update.topicId)
  if (topic === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_ID, 'There is no such topic.')
  const known = topic.partitions[update.partition]
  if (known === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'There is no such partition.')
  if (update.leaderEpoch > known.leaderEpoch || update.partitionEpoch > known.partitionEpoch) {
    return refused(ErrorCode.NOT_CONTROLLER, 'The leader knows more than this controller.')
  }
  if (update.leaderEpoch < known.leaderEpoch) {
    return refused(ErrorCode.FENCED_LEADER_EPOCH, `The leader epoch is ${known.leaderEpoch} now.`)
  }
  if (known.leader !== leaderId) return refused(ErrorCode.INVALID_REQUEST, `Broker ${leaderId} does not lead it.`)
  if (update.partitionEpoch < known.partitionEpoch) {
    return refused(ErrorCode.INVALID_UPDATE_VERSION, `The partition epoch is ${known.partitionEpoch} now.`)
  }
  if (!update.isr.includes(leaderId) || update.isr.some((id) => !known.replicas.includes(id))) {
    return refused(ErrorCode.INVALID_REQUEST, 'An ISR holds the leader and replicas of the partition only.')
  }
  const idle = update.isr.find((id, index) => {
    const epoch = update.isrEpochs?.[index] ?? -1
    return !isActiveReplica(image, known, id) || (epoch !== -1 && epoch !== image.brokers.get(id)!.epoch)
  })
  if (idle === undefined) return null
  return refused(
    ErrorCode.INELIGIBLE_REPLICA,
    `Broker ${idle} is fenced, shutting down, has restarted, or has lost its replica.`,
  )
}
