/**
 * AlterPartition: v2-3, from the leaders of partitions to the controller
 *
 * Behaviours
 * - Each partition succeeds or fails by itself; the answer shows the state that is in force afterwards.
 * - A sender that is not registered under this epoch: STALE_BROKER_EPOCH. Not the controller: NOT_CONTROLLER.
 * Version notes
 * - v2 (KIP-841): topic ids. v3 (KIP-903): the epochs of the in-sync brokers; one that has restarted since is INELIGIBLE_REPLICA.
 */
import { AlterPartition, ErrorCode, type RequestOf } from '../../../protocol/index.js'
import type { PartitionUpdate } from '../../cluster/control/partitions.js'
import { api } from '../context.js'

type TopicData = RequestOf<typeof AlterPartition>['topics'][number]

export const alterPartition = api(AlterPartition, '2-3', async (request, { apiVersion }, broker) => {
  if (!broker.controller.isActive) return { errorCode: ErrorCode.NOT_CONTROLLER, topics: [] }
  const { brokerId, brokerEpoch, topics } = request
  if (broker.image().brokers.get(brokerId)?.epoch !== brokerEpoch) {
    return { errorCode: ErrorCode.STALE_BROKER_EPOCH, topics: [] }
  }
  const updates = topics.flatMap((topic) => updatesOf(topic, apiVersion))
  const results = await broker.controller.changePartitions(brokerId, updates)
  let next = 0
  return {
    errorCode: ErrorCode.NONE,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const { errorCode } = results[next++]!
        const now = broker.image().topicsById.get(topicId)?.partitions[partitionIndex]
        if (errorCode !== ErrorCode.NONE || now === undefined) return { partitionIndex, errorCode }
        const { leader, leaderEpoch, isr, partitionEpoch } = now
        return { partitionIndex, errorCode, leaderId: leader, leaderEpoch, isr: [...isr], partitionEpoch }
      }),
    })),
  }
})

function updatesOf({ topicId, partitions }: TopicData, version: number): PartitionUpdate[] {
  return partitions.map(({ partitionIndex, leaderEpoch, partitionEpoch, newIsr, newIsrWithEpochs }) => ({
    topicId,
    partition: partitionIndex,
    leaderEpoch,
    partitionEpoch,
    isr: version >= 3 ? newIsrWithEpochs.map(({ brokerId }) => brokerId) : newIsr,
    ...(version >= 3 ? { isrEpochs: newIsrWithEpochs.map(({ brokerEpoch }) => brokerEpoch) } : {}),
  }))
}
