import { ErrorCode } from '../../../protocol/errors.js'
import { splitList } from '../../metadata/config-value.js'
import { ConfigResource, type Image, isActiveBroker, resourceConfigs } from '../../metadata/image.js'
import { placeReplicas } from '../../metadata/placement.js'
import type { PartitionRecord } from '../../metadata/records.js'
import { type ControlContext, type Outcome, refused } from './command.js'

/** Replica lists for new partitions, or why there are none. */
export type Assignment =
  | { readonly replicas: readonly (readonly number[])[]; readonly problem: null }
  | { readonly replicas: null; readonly problem: Outcome }

export function placed(
  image: Image,
  context: ControlContext,
  partitions: number,
  replicationFactor: number,
): Assignment {
  const placement = placeReplicas({ partitions, replicationFactor }, brokersToPlaceOn(image), context.random)
  if (placement.problem !== null) {
    const message = `A replication factor of ${replicationFactor} is out of reach: ${placement.problem}.`
    return { replicas: null, problem: refused(ErrorCode.INVALID_REPLICATION_FACTOR, message) }
  }
  return { replicas: placement.assignments, problem: null }
}

function* brokersToPlaceOn(image: Image) {
  for (const broker of image.brokers.values()) {
    if (isCordoned(image, broker.brokerId)) continue
    // A broker on its way out takes new replicas only where nobody else can, like a fenced one.
    yield { brokerId: broker.brokerId, rack: broker.rack, fenced: broker.fenced || broker.inControlledShutdown }
  }
}

/**
 * Whether no log directory of the broker takes new replicas (KIP-1066). What a broker was started with is not known here: where all of its
 * directories are cordoned so, it uses them in spite of it.
 */
export function isCordoned(image: Image, brokerId: number): boolean {
  const cordoned = splitList(
    resourceConfigs(image, ConfigResource.BROKER, String(brokerId)).get('cordoned.log.dirs') ?? '',
  )
  if (cordoned.includes('*')) return true
  const directories = image.brokers.get(brokerId)?.logDirs.length ?? 0
  return directories > 0 && cordoned.length >= directories
}

/**
 * Checks the replicas a client chose for one partition. INVALID_REPLICA_ASSIGNMENT when the list is empty, names a broker twice or one
 * that is not registered or all of whose log directories are cordoned, is longer or shorter than the others', or none of the brokers can lead.
 */
export function manualProblem(
  image: Image,
  partition: number,
  replicas: readonly number[],
  replicationFactor: number | null,
): Outcome | null {
  const bad = (why: string) =>
    refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Replicas of partition ${partition}: ${why}.`)
  if (replicas.length === 0) return bad('the list is empty')
  for (const [index, brokerId] of replicas.entries()) {
    if (!image.brokers.has(brokerId)) return bad(`broker ${brokerId} is not registered`)
    if (replicas.indexOf(brokerId) !== index) return bad(`broker ${brokerId} occurs twice`)
    if (isCordoned(image, brokerId)) return bad(`every log directory of broker ${brokerId} is cordoned`)
  }
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    return bad(`${replicas.length} are named where the other partitions have ${replicationFactor}`)
  }
  if (!replicas.some((id) => isActiveBroker(image, id))) return bad('every broker named is fenced or shutting down')
  return null
}

/** The record of a new partition: the active replicas are in sync, the first of them leads. */
export function newPartition(
  image: Image,
  topicId: string,
  partitionId: number,
  replicas: readonly number[],
): PartitionRecord {
  const isr = replicas.filter((id) => isActiveBroker(image, id))
  return {
    type: 'PartitionRecord',
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }
}
