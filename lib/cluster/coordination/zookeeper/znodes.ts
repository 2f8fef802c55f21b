/**
 * The tree in ZooKeeper. What Kafka 3 kept there too has Kafka's paths and JSON, so that people and tools see what they expect; what
 * only Odradek needs lies under `/odradek`.
 *
 *   /cluster/id                             {"version":"1","id":"..."}
 *   /brokers/ids/<id>                       ephemeral: the live members; the node's czxid is the broker epoch
 *   /brokers/topics/<name>                  assignment, topic id; below it partitions/<p>/state (leader, epochs, ISR); for people
 *   /brokers/seqid                          empty; tools of Kafka's take the place for a cluster's by it
 *   /controller                             ephemeral: who holds the lease, and its epoch
 *   /controller_epoch                       the last epoch; its node version fences every append
 *   /odradek/head                           {"nextOffset": n}: where the metadata log ends; carries the watch
 *   /odradek/log/<offset in 19 digits>      one atomic batch of metadata records (a Kafka record batch)
 *   /odradek/snapshot                       {"offset": n, "epoch": e, "parts": k}: the newest whole snapshot
 *   /odradek/snapshots/<offset>-<epoch>/<part>  its bytes
 */
import type { PartitionImage, TopicImage } from '../../../metadata/image.js'
import type { LiveMember, MemberInfo } from '../coordination.js'

export const CLUSTER_ID = '/cluster/id'
export const BROKER_IDS = '/brokers/ids'
export const BROKER_TOPICS = '/brokers/topics'
export const BROKER_SEQUENCE = '/brokers/seqid'
export const CONTROLLER = '/controller'
export const CONTROLLER_EPOCH = '/controller_epoch'
export const HEAD = '/odradek/head'
export const LOG = '/odradek/log'
export const SNAPSHOT = '/odradek/snapshot'
export const SNAPSHOTS = '/odradek/snapshots'

/** Made at the first start; the order has parents before children. */
export const PERSISTENT_FOLDERS = [
  '/cluster',
  '/brokers',
  BROKER_IDS,
  BROKER_TOPICS,
  BROKER_SEQUENCE,
  '/odradek',
  LOG,
  SNAPSHOTS,
] as const

export const logPath = (offset: number): string => `${LOG}/${offset.toString().padStart(19, '0')}`
/** The epoch keeps what two controllers write apart: the order of records is each one's own. */
export const snapshotFolder = ({ offset, epoch }: SnapshotPointer): string =>
  `${SNAPSHOTS}/${offset.toString().padStart(19, '0')}-${epoch}`
export const brokerPath = (brokerId: number): string => `${BROKER_IDS}/${brokerId}`

/** A node that does not hold what it should: another program's tree, or a newer Odradek's. */
export class ZnodeError extends Error {
  override readonly name = 'ZnodeError'
  constructor(path: string, problem: string) {
    super(`The ZooKeeper node ${path} ${problem}.`)
  }
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))

function parsed(path: string, data: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // The error below says it.
  }
  throw new ZnodeError(path, 'holds no JSON object')
}

function whole(path: string, value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new ZnodeError(path, `has no whole number "${name}"`)
}

export const clusterIdBytes = (id: string): Buffer => json({ version: '1', id })

export function readClusterId(data: Buffer): string {
  const { id } = parsed(CLUSTER_ID, data)
  if (typeof id !== 'string' || id === '') throw new ZnodeError(CLUSTER_ID, 'has no "id"')
  return id
}

export const headBytes = (nextOffset: number): Buffer => json({ nextOffset })
export const readHead = (data: Buffer): number => whole(HEAD, parsed(HEAD, data)['nextOffset'], 'nextOffset')

export interface SnapshotPointer {
  /** Offset of the last record that the snapshot holds. */
  readonly offset: number
  /** Of the controller that wrote it. */
  readonly epoch: number
  readonly parts: number
}

export const snapshotBytes = (pointer: SnapshotPointer): Buffer => json(pointer)

export function readSnapshotPointer(data: Buffer): SnapshotPointer {
  const { offset, epoch, parts } = parsed(SNAPSHOT, data)
  return {
    offset: whole(SNAPSHOT, offset, 'offset'),
    epoch: whole(SNAPSHOT, epoch, 'epoch'),
    parts: whole(SNAPSHOT, parts, 'parts'),
  }
}

export const epochBytes = (epoch: number): Buffer => Buffer.from(String(epoch))

export function readEpoch(data: Buffer): number {
  const epoch = Number(data.toString('utf8'))
  if (!Number.isSafeInteger(epoch)) throw new ZnodeError(CONTROLLER_EPOCH, 'holds no whole number')
  return epoch
}

export const controllerBytes = (brokerId: number, controllerEpoch: number, now: number): Buffer =>
  json({ version: 2, brokerid: brokerId, timestamp: String(now), kraftControllerEpoch: -1, controllerEpoch })

export function readController(data: Buffer): { controllerId: number; controllerEpoch: number } {
  const { brokerid, controllerEpoch } = parsed(CONTROLLER, data)
  return {
    controllerId: whole(CONTROLLER, brokerid, 'brokerid'),
    controllerEpoch: whole(CONTROLLER, controllerEpoch, 'controllerEpoch'),
  }
}

/** Kafka's version 5 of a broker's node, and beside it what the metadata records need. */
export function memberBytes(member: MemberInfo, now: number): Buffer {
  const [first] = member.endpoints
  const { incarnationId, features, logDirs, endpoints, previousBrokerEpoch } = member
  return json({
    listener_security_protocol_map: Object.fromEntries(
      member.endpoints.map(({ name, securityProtocol }) => [name, securityProtocol]),
    ),
    endpoints: member.endpoints.map(({ name, host, port }) => `${name}://${host}:${port}`),
    jmx_port: -1,
    features: Object.fromEntries(
      features.map(({ name, minSupportedVersion, maxSupportedVersion }) => [
        name,
        { min_version: minSupportedVersion, max_version: maxSupportedVersion },
      ]),
    ),
    host: first?.host ?? null,
    timestamp: String(now),
    port: first?.port ?? -1,
    ...(member.rack === null ? {} : { rack: member.rack }),
    version: 5,
    odradek: { incarnationId, features, logDirs, endpoints, previousBrokerEpoch },
  })
}

export function readMember(brokerId: number, data: Buffer, czxid: number): LiveMember {
  const path = brokerPath(brokerId)
  const { rack, odradek } = parsed(path, data)
  if (typeof odradek !== 'object' || odradek === null) throw new ZnodeError(path, 'was not written by Odradek')
  const { incarnationId, features, logDirs, endpoints, previousBrokerEpoch } = odradek as Omit<
    MemberInfo,
    'brokerId' | 'rack'
  >
  return {
    brokerId,
    brokerEpoch: czxid,
    incarnationId,
    rack: typeof rack === 'string' ? rack : null,
    endpoints,
    features,
    logDirs,
    ...(previousBrokerEpoch === undefined ? {} : { previousBrokerEpoch }),
  }
}

export const topicPath = (name: string): string => `${BROKER_TOPICS}/${name}`
export const partitionPath = (name: string, partition: number): string => `${topicPath(name)}/partitions/${partition}`

/** Kafka's version 3 of a topic's node. */
export function topicBytes({ topicId, partitions }: TopicImage): Buffer {
  const moving = (of: (partition: PartitionImage) => readonly number[]) =>
    Object.fromEntries(partitions.flatMap((one) => (of(one).length === 0 ? [] : [[one.partition, of(one)]])))
  return json({
    removing_replicas: moving(({ removingReplicas }) => removingReplicas),
    partitions: Object.fromEntries(partitions.map(({ partition, replicas }) => [partition, replicas])),
    topic_id: topicId,
    adding_replicas: moving(({ addingReplicas }) => addingReplicas),
    version: 3,
  })
}

export function partitionStateBytes({ leader, leaderEpoch, isr }: PartitionImage, controllerEpoch: number): Buffer {
  return json({ controller_epoch: controllerEpoch, leader, version: 1, leader_epoch: leaderEpoch, isr })
}
