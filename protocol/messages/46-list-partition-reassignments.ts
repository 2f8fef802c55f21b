import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * ListPartitionReassignments: lists moves of partitions in progress.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-455)
 */
export const ListPartitionReassignments = message(
  'ListPartitionReassignments',
  { key: 46, versions: '0', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    topics: array(
      '0+',
      {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      },
      { nullable: '0+', default: null },
    ),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32'),
        addingReplicas: array('0+', 'int32'),
        removingReplicas: array('0+', 'int32'),
      }),
    }),
  },
)

export type ListPartitionReassignmentsRequest = RequestOf<typeof ListPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof ListPartitionReassignments>
