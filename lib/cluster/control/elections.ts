/** Elections that somebody asks for. Source: ReplicationControlManager.electLeaders (KIP-183, KIP-460). */
import { ErrorCode } from '../../../protocol/errors.js'
import { type Image, isActiveReplica, type PartitionImage, type TopicImage } from '../../metadata/image.js'
import type { MetadataRecord, PartitionChangeRecord } from '../../metadata/records.js'
import { elect, electionChange } from '../election.js'
import { type ControlContext, type Decision, DONE, type Outcome, refused } from './command.js'
import { electorateOf } from './eligible.js'

/** On the wire: 0 the preferred (first) replica, 1 any that lives, though records may be lost. */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const
export type ElectionType = (typeof ElectionType)[keyof typeof ElectionType]

export interface ElectLeadersCommand {
  readonly electionType: ElectionType
  /** Null: every partition; those that need no election are then left out of the answer. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
}

export interface ElectedPartition extends Outcome {
  readonly topic: string
  readonly partition: number
}

export interface ElectedLeaders {
  /** Why nothing was decided at all; null when it was. */
  readonly refusal: Outcome | null
  readonly partitions: readonly ElectedPartition[]
}

/**
 * Cases: A. unknown topic or partition -> UNKNOWN_TOPIC_OR_PARTITION. B. preferred: the first replica leads already; unclean: somebody leads ->
 * ELECTION_NOT_NEEDED. C. preferred: the first replica is not in sync, or not there -> PREFERRED_LEADER_NOT_AVAILABLE. D. unclean: no replica lives
 * -> ELIGIBLE_LEADERS_NOT_AVAILABLE.
 */
export function electLeaders(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  command: ElectLeadersCommand,
): Decision<ElectedPartition[]> {
  const records: MetadataRecord[] = []
  const results: ElectedPartition[] = []
  const asked = command.topics ?? everyPartition(image)
  for (const { topic, partitions } of asked) {
    for (const index of partitions) {
      const found = image.topicsByName.get(topic)
      const outcome = electOne(image, context, found, index, command.electionType, records)
      if (command.topics === null && outcome.errorCode === ErrorCode.ELECTION_NOT_NEEDED) continue
      results.push({ topic, partition: index, ...outcome })
    }
  }
  return { records, results }
}

function* everyPartition(image: Image) {
  for (const { name, partitions } of image.topicsByName.values()) {
    yield { topic: name, partitions: partitions.map(({ partition }) => partition) }
  }
}

const NOT_NEEDED = 'No election is needed.'

function electOne(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage | undefined,
  index: number,
  type: ElectionType,
  records: MetadataRecord[],
): Outcome {
  const partition = topic?.partitions[index]
  if (topic === undefined || partition === undefined) {
    return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'There is no such partition.') // A
  }
  if (type === ElectionType.PREFERRED) {
    if (partition.leader === partition.replicas[0]) return refused(ErrorCode.ELECTION_NOT_NEEDED, NOT_NEEDED) // B
    const change = preferredLeader(image, topic, partition)
    if (change === null)
      return refused(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred replica is not in sync.') // C
    records.push(change)
    return DONE
  }
  if (partition.leader !== -1) return refused(ErrorCode.ELECTION_NOT_NEEDED, NOT_NEEDED) // B
  const election = elect(partition, { ...electorateOf(image, context, topic.name), unclean: true })
  if (election.leader === -1) return refused(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'No replica lives.') // D
  records.push({ ...change(topic, partition, election.leader), ...electionChange(partition, election) })
  return DONE
}

/** Null when the first replica leads already or cannot. */
function preferredLeader(image: Image, topic: TopicImage, partition: PartitionImage): PartitionChangeRecord | null {
  const [preferred] = partition.replicas
  if (preferred === undefined || preferred === partition.leader) return null
  return partition.isr.includes(preferred) && isActiveReplica(image, partition, preferred)
    ? change(topic, partition, preferred)
    : null
}

function change(topic: TopicImage, partition: PartitionImage, leader: number): PartitionChangeRecord {
  return { type: 'PartitionChangeRecord', topicId: topic.topicId, partitionId: partition.partition, leader }
}

/**
 * Gives leaderships back to preferred replicas (`auto.leader.rebalance.enable`), at most `limit` at once: each of them makes clients look for
 * their leader.
 */
export function rebalanceLeaders(image: Image, limit: number): Decision<number> {
  const records: PartitionChangeRecord[] = []
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      if (records.length >= limit) return { records, results: records.length }
      const record = preferredLeader(image, topic, partition)
      if (record !== null) records.push(record)
    }
  }
  return { records, results: records.length }
}

/** Lets this in-sync replica lead, preferred or not: what a test of fail-over asks for. */
export function moveLeader(image: Image, topicName: string, index: number, brokerId: number): Decision<Outcome> {
  const topic = image.topicsByName.get(topicName)
  const partition = topic?.partitions[index]
  if (topic === undefined || partition === undefined) {
    const message = `There is no partition ${index} of a topic ${topicName}.`
    return { records: [], results: refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message) }
  }
  if (partition.leader === brokerId) return { records: [], results: DONE }
  if (!partition.isr.includes(brokerId) || !isActiveReplica(image, partition, brokerId)) {
    const message = `Broker ${brokerId} is not an in-sync replica of ${topicName}-${index} (those are ${partition.isr.join(', ')}).`
    return { records: [], results: refused(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, message) }
  }
  return { records: [change(topic, partition, brokerId)], results: DONE }
}
