/** Small clusters as images, for tests of decisions. */

import { applyAll } from '../../../lib/metadata/apply.js'
import { BrokerConfig } from '../../../lib/metadata/broker-config.js'
import { emptyImage, type Image } from '../../../lib/metadata/image.js'
import type { MetadataRecord } from '../../../lib/metadata/records.js'

export interface PartitionState {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly leader: number
  readonly addingReplicas?: readonly number[]
  readonly removingReplicas?: readonly number[]
  readonly eligibleLeaderReplicas?: readonly number[]
  readonly lastKnownElr?: readonly number[]
}

/** The settings of a controller without settings. */
export const context = { config: new BrokerConfig({ brokerId: 1 }) }

/** Topics get the id `id-of-<name>`, brokers their id as epoch, partitions leader epoch 5 and partition epoch 7. */
export function clusterImage(
  brokers: Readonly<Record<number, 'up' | 'fenced'>>,
  topics: Readonly<Record<string, readonly PartitionState[]>>,
): Image {
  const records: MetadataRecord[] = Object.entries(brokers).map(([id, state]) => ({
    type: 'RegisterBrokerRecord',
    brokerId: Number(id),
    incarnationId: 'i',
    brokerEpoch: Number(id),
    endPoints: [],
    features: [],
    rack: null,
    fenced: state === 'fenced',
  }))
  for (const [name, partitions] of Object.entries(topics)) {
    const topicId = `id-of-${name}`
    records.push({ type: 'TopicRecord', name, topicId })
    for (const [partitionId, state] of partitions.entries()) {
      records.push({
        type: 'PartitionRecord',
        partitionId,
        topicId,
        addingReplicas: [],
        removingReplicas: [],
        leaderEpoch: 5,
        partitionEpoch: 7,
        ...state,
      })
    }
  }
  return applyAll(emptyImage('c'), records)
}
