import { ErrorCode } from '../../../protocol/errors.js'
import { ProtocolError } from '../../../protocol/wire/error.js'
import { DiskError } from '../../host/disk.js'
import { CompressionError } from '../../log/compression/index.js'
import type { TimestampOffset } from '../../log/contract.js'
import { DamagedLog } from '../../log/damage.js'
import type { FetchIsolation } from './fetch-position.js'
import type { Partition } from './partition.js'

/** The offsets that ListOffsets can ask for by name instead of by time, and the version that brought each. */
export const OffsetSpec = {
  LATEST: -1,
  EARLIEST: -2,
  /** KIP-734. */
  MAX_TIMESTAMP: -3,
  /** KIP-405. */
  EARLIEST_LOCAL: -4,
  /** KIP-1005. */
  LATEST_TIERED: -5,
  /** KIP-1023. */
  EARLIEST_PENDING_UPLOAD: -6,
} as const

const MIN_VERSION: ReadonlyMap<number, number> = new Map([
  [OffsetSpec.LATEST, 1],
  [OffsetSpec.EARLIEST, 1],
  [OffsetSpec.MAX_TIMESTAMP, 7],
  [OffsetSpec.EARLIEST_LOCAL, 8],
  [OffsetSpec.LATEST_TIERED, 9],
  [OffsetSpec.EARLIEST_PENDING_UPLOAD, 11],
])

/** Whether a timestamp may be asked for in this version of ListOffsets: times always, names from their version on. */
export function timestampIsSupported(timestamp: number, version: number): boolean {
  if (timestamp >= 0) return true
  const minVersion = MIN_VERSION.get(timestamp)
  return minVersion !== undefined && version >= minVersion
}

export interface OffsetQuery {
  /** Milliseconds since the epoch, or an `OffsetSpec`. */
  readonly timestamp: number
  /** -1: not checked. */
  readonly currentLeaderEpoch: number
  readonly isolation: FetchIsolation
  /** False only for a debugging consumer (replica id -2). */
  readonly requireLeader: boolean
}

export interface FoundOffset {
  readonly errorCode: ErrorCode
  /** -1 when the offset has none, or when there is no such record. */
  readonly timestamp: number
  /** -1 when there is no such record: not an error. */
  readonly offset: number
  readonly leaderEpoch: number
}

export const noOffset = (errorCode: ErrorCode): FoundOffset => ({
  errorCode,
  timestamp: -1,
  offset: -1,
  leaderEpoch: -1,
})

type Searched = TimestampOffset | null | ErrorCode

/** Source: Partition.fetchOffsetForTimestamp. A promise only when records have to be read from a slow medium or unpacked. */
export function lookUpOffset(partition: Partition, query: OffsetQuery): FoundOffset | Promise<FoundOffset> {
  const errorCode = partition.check(query.currentLeaderEpoch, query.requireLeader)
  if (errorCode !== ErrorCode.NONE) return noOffset(errorCode)
  const { log } = partition
  const bound = partition.upperBound(query.isolation)
  // KIP-207: until a new leader knows its end, an answer could go back in time. A follower asks for the log's: it may be the one who is waited for.
  const endIsUnknown = query.isolation !== 'end' && !partition.endIsKnown
  switch (query.timestamp) {
    case OffsetSpec.LATEST:
      if (endIsUnknown) return noOffset(ErrorCode.OFFSET_NOT_AVAILABLE)
      return { errorCode: ErrorCode.NONE, timestamp: -1, offset: bound, leaderEpoch: partition.leaderEpoch }
    case OffsetSpec.EARLIEST:
    case OffsetSpec.EARLIEST_LOCAL: {
      const offset = log.logStartOffset
      return { errorCode: ErrorCode.NONE, timestamp: -1, offset, leaderEpoch: log.epochForOffset(offset) }
    }
    case OffsetSpec.LATEST_TIERED:
    case OffsetSpec.EARLIEST_PENDING_UPLOAD:
      // There is no tiered storage.
      return noOffset(ErrorCode.NONE)
  }
  const found = search(partition, query.timestamp)
  return found instanceof Promise
    ? found.then((one) => visible(one, bound, endIsUnknown))
    : visible(found, bound, endIsUnknown)
}

/** Looks into the records themselves. What cannot be read is an error of this partition alone. */
function search(partition: Partition, timestamp: number): Searched | Promise<Searched> {
  const { log } = partition
  try {
    const found = timestamp === OffsetSpec.MAX_TIMESTAMP ? log.maxTimestampOffset() : log.offsetForTimestamp(timestamp)
    return found instanceof Promise ? found.catch(unreadable) : found
  } catch (error) {
    return unreadable(error)
  }
}

function unreadable(error: unknown): ErrorCode {
  if (error instanceof DiskError || error instanceof DamagedLog) return ErrorCode.KAFKA_STORAGE_ERROR
  if (error instanceof ProtocolError || error instanceof CompressionError) return ErrorCode.CORRUPT_MESSAGE
  throw error
}

/** A record that this reader may not see yet is as if it were not there. */
function visible(found: Searched, bound: number, endIsUnknown: boolean): FoundOffset {
  if (typeof found === 'number') return noOffset(found)
  if (found !== null && found.offset < bound) return { errorCode: ErrorCode.NONE, ...found }
  return noOffset(endIsUnknown ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.NONE)
}

/** The end of an epoch for OffsetForLeaderEpoch (KIP-101, KIP-279, KIP-320). */
export function lookUpEpochEnd(
  partition: Partition,
  query: { currentLeaderEpoch: number; leaderEpoch: number },
): { errorCode: ErrorCode; leaderEpoch: number; endOffset: number } {
  const errorCode = partition.check(query.currentLeaderEpoch, true)
  if (errorCode !== ErrorCode.NONE) return { errorCode, leaderEpoch: -1, endOffset: -1 }
  return { errorCode, ...partition.log.endOffsetForEpoch(query.leaderEpoch) }
}
