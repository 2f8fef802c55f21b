/** Where one fetch stands with one partition, and what it gets: asked of the partition's public state, changing nothing but a follower's progress. */
import { ErrorCode } from '../../../protocol/errors.js'
import type { ReadResult } from '../../log/contract.js'
import { type FetchAnswer, type FetchTarget, failedFetch, NO_PIECES } from './fetch-types.js'
import type { Partition } from './partition.js'
import type { ReplicationThrottle } from './replication-throttle.js'

/** How far a reader may see. */
export type FetchIsolation =
  /** To the high watermark: read_uncommitted. */
  | 'committed'
  /** To the last stable offset: read_committed. */
  | 'stable'
  /** To the end of the log: followers. */
  | 'end'

export interface FetchReader {
  readonly isolation: FetchIsolation
  /** Broker id of a follower, below 0 for clients. */
  readonly replicaId: number
  /** The broker epoch under which a follower asks (KIP-903); -1 when it does not say. */
  readonly replicaEpoch?: number
  /** False: a follower may serve too (KIP-392). */
  readonly requireLeader: boolean
  /** Which follower a consumer should rather read from; -1: this leader. Absent where nobody is led away. */
  readonly preferredReplica?: ((partition: Partition, fetchOffset: number) => number) | null
  /** What followers may be sent; absent for clients. */
  readonly throttle?: ReplicationThrottle | null
}

/** What a fetch would find, before anything is read. */
export interface FetchPosition {
  readonly errorCode: ErrorCode
  readonly divergingEpoch: { epoch: number; endOffset: number } | null
  /** Exclusive bound of what this reader may see. Above the fetch offset: there is something to read. */
  readonly upperBound: number
}

export interface FetchLimits {
  readonly maxBytes: number
  readonly minOneMessage: boolean
}

export function fetchPosition(partition: Partition, target: FetchTarget, reader: FetchReader): FetchPosition {
  const errorCode = checkFetch(partition, target, reader)
  if (errorCode !== ErrorCode.NONE) return { errorCode, divergingEpoch: null, upperBound: -1 }
  const { log } = partition
  const upperBound = partition.upperBound(reader.isolation)
  const { fetchOffset, lastFetchedEpoch } = target
  if (lastFetchedEpoch >= 0) {
    const end = log.endOffsetForEpoch(lastFetchedEpoch)
    if (end.leaderEpoch < 0 || end.endOffset < 0 || fetchOffset < log.logStartOffset) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, divergingEpoch: null, upperBound: -1 }
    }
    // KIP-595: the fetcher's log has batches that this one never had. It truncates to the end of the common epoch.
    if (end.leaderEpoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
      const divergingEpoch = { epoch: end.leaderEpoch, endOffset: end.endOffset }
      return { errorCode: ErrorCode.NONE, divergingEpoch, upperBound }
    }
  }
  // A comparison that is false for what is no offset at all; the bound itself is a legal place to wait.
  const inRange = fetchOffset >= log.logStartOffset && fetchOffset <= log.endOffset
  return { errorCode: inRange ? ErrorCode.NONE : ErrorCode.OFFSET_OUT_OF_RANGE, divergingEpoch: null, upperBound }
}

/** Reads for one fetch. A promise only when the bytes have to come from a medium that makes one wait. */
export function readForFetch(
  partition: Partition,
  target: FetchTarget,
  reader: FetchReader,
  limits: FetchLimits,
): FetchAnswer | Promise<FetchAnswer> {
  const position = fetchPosition(partition, target, reader)
  if (position.errorCode !== ErrorCode.NONE) return failedFetch(target, position.errorCode)
  if (reader.replicaId >= 0 && position.divergingEpoch === null) {
    const { fetchOffset: endOffset, logStartOffset } = target
    partition.followerHas(reader.replicaId, { endOffset, logStartOffset, brokerEpoch: reader.replicaEpoch ?? -1 })
  }
  if (reader.preferredReplica && position.divergingEpoch === null && partition.isLeader) {
    const preferredReadReplica = reader.preferredReplica(partition, target.fetchOffset)
    if (preferredReadReplica >= 0) return { ...answer(partition, target, reader, position, null), preferredReadReplica }
  }
  const nothing = position.divergingEpoch !== null || target.fetchOffset >= position.upperBound
  if (nothing || (limits.maxBytes <= 0 && !limits.minOneMessage) || isHeldBack(partition, reader))
    return answer(partition, target, reader, position, null)
  const result = partition.log.read(target.fetchOffset, { ...limits, upperBound: position.upperBound })
  if (!(result instanceof Promise)) return answer(partition, target, reader, position, result)
  const { role } = partition
  return result.then((read) => {
    // While the disk was read the partition may have got another leader, and the log been cut.
    if (!isStill(partition, role)) {
      return failedFetch(target, checkFetch(partition, target, reader) || ErrorCode.NOT_LEADER_OR_FOLLOWER)
    }
    return answer(partition, target, reader, position, read)
  })
}

/** A leader cuts nothing in its epoch, whoever is in sync in it; a follower's log may be cut whenever it is told of anything. */
function isStill(partition: Partition, before: Partition['role']): boolean {
  const { role } = partition
  if (role === before) return true
  return role.kind === 'leader' && before.kind === 'leader' && role.image.leaderEpoch === before.image.leaderEpoch
}

/** A follower that is not in sync gets no records while more is sent than allowed (ReplicaManager.shouldLeaderThrottle). */
export function isHeldBack(partition: Partition, { throttle, replicaId }: FetchReader): boolean {
  if (!throttle || replicaId < 0 || !throttle.holdsBack(partition.topic, partition.partition)) return false
  return !partition.role.image.isr.includes(replicaId)
}

function checkFetch(partition: Partition, target: FetchTarget, reader: FetchReader): ErrorCode {
  const errorCode = partition.check(target.currentLeaderEpoch, reader.requireLeader)
  if (errorCode !== ErrorCode.NONE || reader.replicaId < 0) return errorCode
  if (partition.follower(reader.replicaId) !== undefined) {
    const { replicaEpoch = -1 } = reader
    // KIP-903: an earlier life of the broker, whose log may have been another one.
    const isOver = replicaEpoch >= 0 && replicaEpoch < partition.brokerEpochOf(reader.replicaId)
    return isOver ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE
  }
  // Not a replica as far as this leader knows: the sender is ahead of it, or wrong.
  return target.currentLeaderEpoch >= 0 ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER
}

function answer(
  partition: Partition,
  target: FetchTarget,
  reader: FetchReader,
  position: FetchPosition,
  read: ReadResult | null,
): FetchAnswer {
  if (read !== null && read.errorCode !== ErrorCode.NONE) return failedFetch(target, read.errorCode)
  const diverged = position.divergingEpoch !== null
  return {
    target,
    errorCode: ErrorCode.NONE,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.log.logStartOffset,
    divergingEpoch: position.divergingEpoch,
    preferredReadReplica: -1,
    abortedTransactions: reader.isolation === 'stable' && !diverged ? (read?.abortedTransactions ?? []) : null,
    pieces: read?.pieces ?? NO_PIECES,
    sizeInBytes: read?.sizeInBytes ?? 0,
    release: read?.release ?? null,
  }
}
