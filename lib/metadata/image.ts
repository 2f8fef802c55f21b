/**
 * What the cluster agrees on, as an immutable value. A new image is made by `apply(image, record)`, never by assignment;
 * whoever holds an image may keep it for as long as it likes.
 */
export interface Image {
  /** Offset of the last metadata record applied; also the cache key of everything derived from an image. */
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
  readonly featuresEpoch: number
}

/** As on the wire: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
export type ConfigResourceType = 2 | 4 | 8 | 16 | 32
export const ConfigResource = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

export interface BrokerImage {
  readonly brokerId: number
  readonly epoch: number
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** One address per listener name, e.g. PLAINTEXT. */
  readonly endpoints: ReadonlyMap<string, Endpoint>
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
}
