/**
 * AlterPartitionReassignments: v0-1, decided by the controller
 *
 * Behaviours
 * - Each partition succeeds or fails by itself. A move goes on in the background: ListPartitionReassignments shows it until every new
 *   replica is in sync. A null list of replicas cancels it.
 * Version notes
 * - v1 (KIP-860): whether the number of replicas may change.
 */
import { AlterPartitionReassignments, ErrorCode } from '../../../protocol/index.js'
import { api } from '../context.js'

export const alterPartitionReassignments = api(
  AlterPartitionReassignments,
  '0-1',
  async (request, { apiVersion }, broker) => {
    const allowReplicationFactorChange = apiVersion === 0 || request.allowReplicationFactorChange
    // Kafka answers this one without having looked at it.
    if (request.topics.length === 0) return { allowReplicationFactorChange: true, errorMessage: '', responses: [] }
    const results = await broker.controller.reassignPartitions({ allowReplicationFactorChange, topics: request.topics })
    const refusal = results.find(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)
    let next = 0
    return {
      allowReplicationFactorChange,
      errorCode: refusal?.errorCode ?? ErrorCode.NONE,
      errorMessage: refusal?.errorMessage ?? null,
      responses: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const { errorCode, errorMessage } = results[next++]!
          return { partitionIndex, errorCode, errorMessage }
        }),
      })),
    }
  },
)
