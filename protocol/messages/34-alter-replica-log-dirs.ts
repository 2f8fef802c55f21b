import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, message, string } from '../schema/index.js'

/**
 * AlterReplicaLogDirs: moves replicas to other log directories of a broker.
 *
 * Sent by clients, served by: named broker. Versions:
 *   v1   the lowest version that Kafka 4.4 serves (KIP-113)
 *   v2   flexible (KIP-482)
 */
export const AlterReplicaLogDirs = message(
  'AlterReplicaLogDirs',
  { key: 34, versions: '1-2', flexible: '2+', audience: 'client', listeners: ['broker'] },
  {
    dirs: array('0+', {
      path: string('0+', { mapKey: true }),
      topics: array('0+', {
        name: string('0+', { mapKey: true }),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
)

export type AlterReplicaLogDirsRequest = RequestOf<typeof AlterReplicaLogDirs>
export type AlterReplicaLogDirsResponse = ResponseOf<typeof AlterReplicaLogDirs>
