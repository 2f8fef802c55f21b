import { LayeredMap } from './layered-map.js'
import type { BrokerFeature } from './records.js'

/**
 * What the cluster agrees on, as an immutable value. A new image is made by `apply(image, record)`, never by assignment;
 * whoever holds an image may keep it for as long as it likes.
 */
export interface Image {
  /** Offset of the last metadata record applied, -1 before the first; also the cache key of everything derived from an image. */
  readonly version: number
  readonly clusterId: string
  /** Broker id of the active controller, -1 when there is none. */
  readonly controllerId: number
  readonly brokers: ReadonlyMap<number, BrokerImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  /** Dynamic configs: resource type -> resource name -> key -> value. Brokers' defaults have the resource name ''. */
  readonly configs: ReadonlyMap<ConfigResourceType, ReadonlyMap<string, ReadonlyMap<string, string>>>
  /** Finalized feature levels. */
  readonly features: ReadonlyMap<string, number>
  /** Offset of the last record that changed a feature, -1 when none did. */
  readonly featuresEpoch: number
  /** First producer id that no broker has been given yet. */
  readonly nextProducerId: number
}

/** As on the wire: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
export type ConfigResourceType = 2 | 4 | 8 | 16 | 32
export const ConfigResource = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

/** Kafka's empty uuid in text form: "no id". */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface BrokerImage {
  readonly brokerId: number
  readonly epoch: number
  readonly incarnationId: string
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** One address per listener name, e.g. PLAINTEXT. */
  readonly endpoints: ReadonlyMap<string, Endpoint>
  /** Feature levels this broker can work with. */
  readonly features: readonly BrokerFeature[]
  readonly logDirs: readonly string[]
}

export interface Endpoint {
  readonly listener: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: string
}

export interface TopicImage {
  readonly name: string
  /** Kafka's text form: 22 characters of base64url. */
  readonly topicId: string
  /** Indexed by partition. */
  readonly partitions: readonly PartitionImage[]
}

export interface PartitionImage {
  readonly partition: number
  /** -1 when there is no leader. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** One log directory id per replica; empty when the records named none. */
  readonly directories: readonly string[]
}

/** The image before the first record. */
export function emptyImage(clusterId: string): Image {
  return {
    version: -1,
    clusterId,
    controllerId: -1,
    brokers: new Map(),
    topicsByName: LayeredMap.from(new Map()),
    topicsById: LayeredMap.from(new Map()),
    configs: new Map(),
    features: new Map(),
    featuresEpoch: -1,
    nextProducerId: 0,
  }
}

const noConfigs: ReadonlyMap<string, string> = new Map()

/** The dynamic configs of one resource, in the order in which they were first set; empty when none was set. */
export function resourceConfigs(image: Image, type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
  return image.configs.get(type)?.get(name) ?? noConfigs
}

/** A broker that may lead and be counted in an ISR: registered, not fenced, not shutting down (Kafka calls it active). */
export function isActiveBroker(image: Image, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId)
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

/** `DirectoryId.LOST` (KIP-858): the replica lies in a directory that has failed. */
export const LOST_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** Whether the broker has said that it cannot serve this replica. A new life of the broker begins without such a word. */
export function isLost({ replicas, directories }: PartitionImage, brokerId: number): boolean {
  return directories.includes(LOST_DIRECTORY) && directories[replicas.indexOf(brokerId)] === LOST_DIRECTORY
}

/** A replica that may lead and be counted in an ISR. */
export function isActiveReplica(image: Image, partition: PartitionImage, brokerId: number): boolean {
  return isActiveBroker(image, brokerId) && !isLost(partition, brokerId)
}

/** The directories of other replicas (or the same in another order); those of new ones are not assigned. */
export function directoriesFor(partition: PartitionImage, replicas: readonly number[]): readonly string[] {
  if (partition.directories.length === 0) return partition.directories
  return replicas.map((id) => partition.directories[partition.replicas.indexOf(id)] ?? ZERO_UUID)
}

/** The directories after one replica's was assigned. */
export function withDirectory(partition: PartitionImage, brokerId: number, directory: string): readonly string[] {
  const { replicas, directories } = partition
  return replicas.map((id, index) => (id === brokerId ? directory : (directories[index] ?? ZERO_UUID)))
}

const securityProtocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export function securityProtocolName(code: number): string {
  return securityProtocols[code] ?? 'PLAINTEXT'
}

export function securityProtocolCode(name: string): number {
  const code = securityProtocols.indexOf(name)
  return Math.max(code, 0)
}
