/**
 * ListPartitionReassignments: v0
 *
 * Behaviours
 * - Partitions on the move, of the topics asked or of all (null); what is unknown or does not move is left out.
 */
import { ErrorCode, ListPartitionReassignments } from '../../../protocol/index.js'
import { ongoingReassignments } from '../../cluster/control/reassign.js'
import { api } from '../context.js'

export const listPartitionReassignments = api(ListPartitionReassignments, '0-0', (request, _context, broker) => ({
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  topics: ongoingReassignments(broker.image(), request.topics).map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
      partitionIndex: partition,
      replicas: [...replicas],
      addingReplicas: [...addingReplicas],
      removingReplicas: [...removingReplicas],
    })),
  })),
}))
