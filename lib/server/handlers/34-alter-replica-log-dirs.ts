/**
 * AlterReplicaLogDirs: v1-2
 *
 * Behaviours
 * - Moves replicas to other log directories of this broker; the answer says that the moves have begun, DescribeLogDirs how far they are.
 * - LOG_DIR_NOT_FOUND for a directory that the broker does not have, INVALID_REPLICA_ASSIGNMENT for one that is cordoned, KAFKA_STORAGE_ERROR for one (or a replica) that is offline,
 *   UNKNOWN_TOPIC_OR_PARTITION and REPLICA_NOT_AVAILABLE for replicas that are not here, INVALID_TOPIC_EXCEPTION for a name too long
 *   for the folder of a copy.
 * - A partition named twice is moved once, to the directory named last.
 * - Naming the directory where the replica is calls a move off; naming the one it is on its way to changes nothing.
 * Version notes
 * - v2: flexible.
 */
import { AlterReplicaLogDirs, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import { api, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof AlterReplicaLogDirs>
type Response = ResponseInput<typeof AlterReplicaLogDirs>

export const alterReplicaLogDirs = api(AlterReplicaLogDirs, '1-2', alterReplicaLogDirsHandler)

function alterReplicaLogDirsHandler(request: Request, _context: RequestContext, broker: BrokerServices): Response {
  const wanted = new Map<string, Map<number, string>>()
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      const paths = wanted.get(name) ?? new Map<number, string>()
      wanted.set(name, paths)
      for (const partitionIndex of partitions) paths.set(partitionIndex, path)
    }
  }
  return {
    throttleTimeMs: 0,
    results: Array.from(wanted, ([topicName, paths]) => ({
      topicName,
      partitions: Array.from(paths, ([partitionIndex, path]) => ({
        partitionIndex,
        errorCode: broker.relocations.start(topicName, partitionIndex, path),
      })),
    })),
  }
}
