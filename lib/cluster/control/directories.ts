/** Where brokers say that their replicas lie. Source: ReplicationControlManager.handleAssignReplicasToDirs (KIP-858). */
import { ErrorCode } from '../../../protocol/errors.js'
import {
  type Image,
  LOST_DIRECTORY,
  type PartitionImage,
  type TopicImage,
  withDirectory,
} from '../../metadata/image.js'
import type { PartitionChangeRecord } from '../../metadata/records.js'
import { elect, electionChange } from '../election.js'
import { type ControlContext, type Decision, DONE, type Outcome, refused } from './command.js'
import { electorateOf } from './eligible.js'
import { isUnclean } from './unclean.js'

export interface ReplicaInDirectory {
  readonly topicId: string
  readonly partition: number
  /** One that the broker has not registered is lost, and the replica with it. */
  readonly directory: string
}

export interface AssignedReplica extends Outcome, ReplicaInDirectory {}

/**
 * A replica in a lost directory leads nothing and is in sync with nobody, unless it was the last. Cases: A. unknown topic -> UNKNOWN_TOPIC_ID; unknown
 * partition -> UNKNOWN_TOPIC_OR_PARTITION. B. no replica of the broker -> NOT_LEADER_OR_FOLLOWER.
 */
export function assignReplicas(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  brokerId: number,
  assigned: readonly ReplicaInDirectory[],
): Decision<AssignedReplica[]> {
  const records: PartitionChangeRecord[] = []
  const logDirs = image.brokers.get(brokerId)?.logDirs ?? []
  const results = assigned.map((one): AssignedReplica => {
    const topic = image.topicsById.get(one.topicId)
    const partition = topic?.partitions[one.partition]
    if (topic === undefined) return { ...one, ...refused(ErrorCode.UNKNOWN_TOPIC_ID, null) } // A
    if (partition === undefined) return { ...one, ...refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null) } // A
    const at = partition.replicas.indexOf(brokerId)
    if (at < 0) return { ...one, ...refused(ErrorCode.NOT_LEADER_OR_FOLLOWER, null) } // B
    const directory = logDirs.includes(one.directory) ? one.directory : LOST_DIRECTORY
    if (partition.directories[at] !== directory) {
      records.push(moved(image, context, topic, partition, withDirectory(partition, brokerId, directory)))
    }
    return { ...one, ...DONE }
  })
  return { records, results }
}

function moved(
  image: Image,
  context: Pick<ControlContext, 'config'>,
  topic: TopicImage,
  partition: PartitionImage,
  directories: readonly string[],
): PartitionChangeRecord {
  const election = elect(
    { ...partition, directories },
    {
      ...electorateOf(image, context, topic.name),
      unclean: isUnclean(image, context.config, topic.name),
    },
  )
  return {
    type: 'PartitionChangeRecord',
    topicId: topic.topicId,
    partitionId: partition.partition,
    directories,
    ...electionChange(partition, election),
  }
}
