/**
 * AssignReplicasToDirs: v0, from brokers to the controller
 *
 * Behaviours
 * - A replica in a directory that its broker has not registered (or that failed, DirectoryId.LOST) is offline: another in-sync replica leads, and it
 *   is in no ISR until its broker registers anew.
 * - Each replica succeeds or fails by itself. A sender that is not registered under this epoch: STALE_BROKER_EPOCH. Not the controller:
 *   NOT_CONTROLLER.
 * Deviations
 * - Our brokers only tell what they have lost. Where the others lie is no business of the controller's.
 */
import { AssignReplicasToDirs, ErrorCode } from '../../../protocol/index.js'
import { api } from '../context.js'

export const assignReplicasToDirs = api(AssignReplicasToDirs, '0-0', async (request, _context, broker) => {
  const { brokerId, brokerEpoch, directories } = request
  if (!broker.controller.isActive) return { errorCode: ErrorCode.NOT_CONTROLLER, directories: [] }
  if (broker.image().brokers.get(brokerId)?.epoch !== brokerEpoch) {
    return { errorCode: ErrorCode.STALE_BROKER_EPOCH, directories: [] }
  }
  const assigned = directories.flatMap(({ id, topics }) =>
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topicId, partition: partitionIndex, directory: id })),
    ),
  )
  const results = await broker.controller.assignReplicas(brokerId, assigned)
  let next = 0
  return {
    errorCode: ErrorCode.NONE,
    directories: directories.map(({ id, topics }) => ({
      id,
      topics: topics.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(({ partitionIndex }) => {
          const { errorCode } = results[next++]!
          return { partitionIndex, errorCode }
        }),
      })),
    })),
  }
})
