import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, bool, int16, int32, message, string } from '../schema/index.js'

/**
 * AlterPartitionReassignments: moves partitions to other brokers, or cancels that.
 *
 * Sent by clients, served by: controller. Versions:
 *   v0   the first version; flexible (KIP-455)
 *   v1   request: + allowReplicationFactorChange; response: + allowReplicationFactorChange (KIP-860)
 */
export const AlterPartitionReassignments = message(
  'AlterPartitionReassignments',
  { key: 45, versions: '0-1', flexible: '0+', audience: 'client', listeners: ['broker', 'controller'] },
  {
    timeoutMs: int32('0+', { default: 60000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32', { nullable: '0+', default: null }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
)

export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof AlterPartitionReassignments>
