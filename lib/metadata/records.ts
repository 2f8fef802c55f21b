/**
 * What the metadata log holds. The names and fields are those of Kafka's own metadata records (definitions "metadata" in
 * test/golden/messages.json), so a durable log can store them with `protocol/stored/cluster-metadata` as they are.
 *
 * Optional fields: absent means the default of Kafka's definition (`null` = unchanged in the ...Change records).
 */
export type MetadataRecord =
  | RegisterBrokerRecord
  | UnregisterBrokerRecord
  | FenceBrokerRecord
  | UnfenceBrokerRecord
  | BrokerRegistrationChangeRecord
  | TopicRecord
  | RemoveTopicRecord
  | PartitionRecord
  | PartitionChangeRecord
  | ConfigRecord
  | FeatureLevelRecord
  | ProducerIdsRecord
  | ClearElrRecord
  | NoOpRecord

export interface RegisterBrokerRecord {
  readonly type: 'RegisterBrokerRecord'
  readonly brokerId: number
  readonly incarnationId: string
  readonly brokerEpoch: number
  readonly endPoints: readonly BrokerEndpointRecord[]
  readonly features: readonly BrokerFeature[]
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown?: boolean
  readonly logDirs?: readonly string[]
}

export interface BrokerEndpointRecord {
  readonly name: string
  readonly host: string
  readonly port: number
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL (Kafka's SecurityProtocol). */
  readonly securityProtocol: number
}

export interface BrokerFeature {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface UnregisterBrokerRecord {
  readonly type: 'UnregisterBrokerRecord'
  readonly brokerId: number
  readonly brokerEpoch: number
}

export interface FenceBrokerRecord {
  readonly type: 'FenceBrokerRecord'
  readonly id: number
  readonly epoch: number
}

export interface UnfenceBrokerRecord {
  readonly type: 'UnfenceBrokerRecord'
  readonly id: number
  readonly epoch: number
}

export interface BrokerRegistrationChangeRecord {
  readonly type: 'BrokerRegistrationChangeRecord'
  readonly brokerId: number
  readonly brokerEpoch: number
  /** -1 unfence, 0 unchanged, 1 fence. */
  readonly fenced?: number
  /** 0 unchanged, 1 has begun. */
  readonly inControlledShutdown?: number
  readonly logDirs?: readonly string[]
}

export interface TopicRecord {
  readonly type: 'TopicRecord'
  readonly name: string
  readonly topicId: string
}

export interface RemoveTopicRecord {
  readonly type: 'RemoveTopicRecord'
  readonly topicId: string
}

export interface PartitionRecord {
  readonly type: 'PartitionRecord'
  readonly partitionId: number
  readonly topicId: string
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  /** One id of a log directory per replica (KIP-858). */
  readonly directories?: readonly string[]
  readonly eligibleLeaderReplicas?: readonly number[] | null
  readonly lastKnownElr?: readonly number[] | null
}

/** Every change raises the partition epoch by one, and the leader epoch too when `leader` is set (to the same broker as well). */
export interface PartitionChangeRecord {
  readonly type: 'PartitionChangeRecord'
  readonly partitionId: number
  readonly topicId: string
  readonly isr?: readonly number[] | null
  /** -2 unchanged, -1 none. */
  readonly leader?: number
  readonly replicas?: readonly number[] | null
  readonly removingReplicas?: readonly number[] | null
  readonly addingReplicas?: readonly number[] | null
  readonly directories?: readonly string[] | null
  readonly eligibleLeaderReplicas?: readonly number[] | null
  readonly lastKnownElr?: readonly number[] | null
}

export interface ConfigRecord {
  readonly type: 'ConfigRecord'
  readonly resourceType: number
  readonly resourceName: string
  readonly name: string
  /** null removes the entry. */
  readonly value: string | null
}

export interface FeatureLevelRecord {
  readonly type: 'FeatureLevelRecord'
  readonly name: string
  /** 0 removes the feature. */
  readonly featureLevel: number
}

export interface ProducerIdsRecord {
  readonly type: 'ProducerIdsRecord'
  readonly brokerId: number
  readonly brokerEpoch: number
  /** First id after the block that was given to the broker. */
  readonly nextProducerId: number
}

export interface ClearElrRecord {
  readonly type: 'ClearElrRecord'
  /** '' clears every topic. */
  readonly topicName: string
}

export interface NoOpRecord {
  readonly type: 'NoOpRecord'
}
