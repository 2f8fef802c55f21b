/** A feature of the cluster and the levels this version of Odradek works with. Recorded from Apache Kafka 4.4. */
export interface FeatureRange {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** The level a new cluster starts with; 0 means not finalized. */
  readonly initialLevel: number
}

export const METADATA_VERSION = 'metadata.version'
export const ELIGIBLE_LEADER_REPLICAS_VERSION = 'eligible.leader.replicas.version'
export const KRAFT_VERSION = 'kraft.version'
export const TRANSACTION_VERSION = 'transaction.version'

export const supportedFeatures: readonly FeatureRange[] = [
  { name: ELIGIBLE_LEADER_REPLICAS_VERSION, minVersion: 0, maxVersion: 1, initialLevel: 1 },
  { name: 'group.version', minVersion: 0, maxVersion: 1, initialLevel: 1 },
  { name: KRAFT_VERSION, minVersion: 0, maxVersion: 1, initialLevel: 0 },
  { name: METADATA_VERSION, minVersion: 7, maxVersion: 33, initialLevel: 33 },
  { name: 'share.version', minVersion: 0, maxVersion: 2, initialLevel: 2 },
  { name: 'streams.version', minVersion: 0, maxVersion: 1, initialLevel: 1 },
  { name: TRANSACTION_VERSION, minVersion: 0, maxVersion: 2, initialLevel: 2 },
]
