import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, uuid } from '../schema/index.js'

/**
 * AssignReplicasToDirs: tells the controller in which log directories replicas lie.
 *
 * Sent by other brokers, served by: controller. Versions:
 *   v0   the only version; flexible (KIP-858)
 */
export const AssignReplicasToDirs = message(
  'AssignReplicasToDirs',
  { key: 73, versions: '0', flexible: '0+', audience: 'inter-broker', listeners: ['controller'] },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    directories: array('0+', {
      id: uuid('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
        }),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    directories: array('0+', {
      id: uuid('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
)

export type AssignReplicasToDirsRequest = RequestOf<typeof AssignReplicasToDirs>
export type AssignReplicasToDirsResponse = ResponseOf<typeof AssignReplicasToDirs>
