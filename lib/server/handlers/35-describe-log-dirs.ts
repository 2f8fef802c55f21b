/**
 * DescribeLogDirs: v1-5
 *
 * Behaviours
 * - One log directory. Null topics: every partition held here; a list: those of it that are here, silently without the others.
 * - The directory is listed also when nothing in it was asked for.
 * Version notes
 * - v3: a top-level error. v4 (KIP-827): total and usable bytes of the volume, -1 where there is none. v5: cordoned, never.
 */
import { DescribeLogDirs, ErrorCode, type RequestOf, type ResponseInput } from '../../../protocol/index.js'
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
  const { directory, totalBytes, usableBytes } = broker.logs.describe()
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    results: [
      {
        errorCode: ErrorCode.NONE,
        logDir: directory,
        topics: Array.from(entriesOf(request, broker), ([name, partitions]) => ({ name, partitions })),
        totalBytes,
        usableBytes,
        isCordoned: false,
      },
    ],
  }
}

function entriesOf(request: Request, broker: BrokerServices): Map<string, PartitionEntry[]> {
  const wanted =
    request.topics === null ? null : new Map(request.topics.map((one) => [one.topic, new Set(one.partitions)]))
  const topics = new Map<string, PartitionEntry[]>()
  for (const { topic, partition, log, highWatermark } of broker.replicas.partitions()) {
    if (wanted !== null && wanted.get(topic)?.has(partition) !== true) continue
    const entries = topics.get(topic) ?? []
    topics.set(topic, entries)
    entries.push({
      partitionIndex: partition,
      partitionSize: log.sizeInBytes,
      // How far the log is behind the committed end: of interest while a replica catches up.
      offsetLag: Math.max(highWatermark - log.endOffset, 0),
      isFutureKey: false,
    })
  }
  return topics
}
