/**
 * DescribeLogDirs: v1-5
 *
 * Behaviours
 * - Null topics: every partition held here; a list: those of it that are here, silently without the others.
 * - A directory that has failed is listed with KAFKA_STORAGE_ERROR and nothing else. A copy on its way to another directory
 *   (AlterReplicaLogDirs) is listed there as the future replica.
 * - A directory is listed also when nothing in it was asked for.
 * Version notes
 * - v3: a top-level error. v4 (KIP-827): total and usable bytes of the volume, -1 where there is none. v5 (KIP-1066):
 *   whether it is cordoned.
 */
import { DescribeLogDirs, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
import type { LogInDirectory } from '../../log/store-contract.js'
import { api, type RequestContext } from '../context.js'
import type { BrokerServices } from '../services.js'

type Request = RequestOf<typeof DescribeLogDirs>
type Response = ResponseInput<typeof DescribeLogDirs>

interface PartitionEntry {
  partitionIndex: number
  partitionSize: number
  offsetLag: number
  isFutureKey: boolean
}

export const describeLogDirs = api(DescribeLogDirs, '1-5', describeLogDirsHandler)

function describeLogDirsHandler(request: Request, _context: RequestContext, broker: BrokerServices): Response {
  const wanted = request.topics === null ? null : partitionsByTopic(request.topics)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    results: broker.logs.describe().map(({ directory, isOffline, isCordoned, totalBytes, usableBytes, logs }) => {
      const topics = new Map<string, PartitionEntry[]>()
      for (const log of logs) {
        if (wanted !== null && wanted.get(log.topic)?.has(log.partition) !== true) continue
        const entries = topics.get(log.topic) ?? []
        topics.set(log.topic, entries)
        entries.push(entryOf(log, broker))
      }
      return {
        errorCode: isOffline ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE,
        logDir: directory,
        topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })),
        totalBytes,
        usableBytes,
        isCordoned,
      }
    }),
  }
}

/** A topic may be named several times. */
function partitionsByTopic(topics: NonNullable<Request['topics']>): Map<string, Set<number>> {
  const wanted = new Map<string, Set<number>>()
  for (const { topic, partitions } of topics) {
    let indexes = wanted.get(topic)
    if (indexes === undefined) wanted.set(topic, (indexes = new Set()))
    for (const index of partitions) indexes.add(index)
  }
  return wanted
}

function entryOf(log: LogInDirectory, broker: BrokerServices): PartitionEntry {
  const { topic, partition, sizeInBytes, endOffset, isFuture } = log
  const replica = broker.replicas.find(topic, partition)
  // How far the log is behind the committed end, while a replica catches up; a copy, how far behind the log it copies.
  const goal = typeof replica === 'number' ? 0 : isFuture ? replica.log.endOffset : replica.highWatermark
  return {
    partitionIndex: partition,
    partitionSize: sizeInBytes,
    offsetLag: Math.max(goal - endOffset, 0),
    isFutureKey: isFuture,
  }
}
