import { buildEndTxnMarker } from '../../../protocol/batch/control.js'
import { ErrorCode } from '../../../protocol/errors.js'
import type { Logger } from '../../host/logger.js'
import type { AppendInfo, ReadResult } from '../../log/contract.js'
import type { PartitionLog } from '../../log/partition-log.js'
import type { PartitionImage } from '../../metadata/image.js'
import type { TransactionMarker } from '../coordinator/contract.js'
import {
  type FetchAnswer,
  type FetchLimits,
  type FetchPosition,
  type FetchTarget,
  failedFetch,
  NO_PIECES,
} from './fetch-types.js'
import { committedOffset, effectiveMinIsr, type FollowerState } from './isr.js'
import { leaderRole, type Role } from './roles.js'

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
  /** False: a follower may serve too (KIP-392). */
  readonly requireLeader: boolean
}

export interface PartitionOptions {
  readonly brokerId: number
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly minInsyncReplicas: number
}

export interface PartitionPorts {
  readonly log: PartitionLog
  /** The high watermark has moved, or the role has changed: whoever waits for this partition should look. May be called inside `append`. */
  onChange(partition: Partition): void
}

/**
 * One replica of a partition on this broker: who may append, what is committed, how far a reader sees. It has no timers and waits for nothing.
 *
 * The high watermark follows the log's *written* offset (of all in-sync replicas), never the accepted one: what has not been
 * handed to the operating system is neither acknowledged nor shown. With one replica it moves inside the append.
 */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  #log: PartitionLog
  minInsyncReplicas: number
  readonly #brokerId: number
  readonly #ports: PartitionPorts
  readonly #listeners = new Set<() => void>()
  #role: Role
  #highWatermark: number
  #seenWritten: number

  constructor(options: PartitionOptions, ports: PartitionPorts, image: PartitionImage) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.minInsyncReplicas = options.minInsyncReplicas
    this.#log = ports.log
    this.#brokerId = options.brokerId
    this.#ports = ports
    this.#role = { kind: ports.log.offline ? 'offline' : 'follower', image }
    this.#highWatermark = ports.log.logStartOffset
    this.#seenWritten = ports.log.writtenOffset
    this.#listen()
  }

  get log(): PartitionLog {
    return this.#log
  }

  /** The same records in another directory. What is being read from the old one is asked for again. */
  replaceLog(log: PartitionLog): void {
    this.#log.onWritten = null
    this.#log.onOffline = null
    log.assignLeaderEpoch(this.leaderEpoch)
    log.onHighWatermark(this.#highWatermark)
    this.#log = log
    this.#role = { ...this.#role }
    this.#listen()
  }

  #listen(): void {
    this.#log.onWritten = () => this.#written()
    this.#log.onOffline = () => this.#fail()
  }

  get role(): Role {
    return this.#role
  }

  get isLeader(): boolean {
    return this.#role.kind === 'leader'
  }

  get leaderEpoch(): number {
    return this.#role.image.leaderEpoch
  }

  /** Everything below is on every in-sync replica. Never goes back while this broker leads. */
  get highWatermark(): number {
    return this.#highWatermark
  }

  /** LSO: everything below is committed and belongs to no open transaction. */
  get lastStableOffset(): number {
    const unstable = this.log.firstUnstableOffset
    return unstable === null ? this.#highWatermark : Math.min(unstable, this.#highWatermark)
  }

  /** Takes the role that the cluster's metadata gives this broker. */
  applyImage(image: PartitionImage): void {
    if (this.#role.kind === 'gone') throw new Error(`${this.topic}-${this.partition} is gone and gets no new role`)
    if (this.#role.kind === 'offline') {
      this.#role = { kind: 'offline', image }
      return
    }
    if (image.leader === this.#brokerId) {
      // KIP-101: the epoch begins where the log ends now, also when nothing is ever written in it.
      this.log.assignLeaderEpoch(image.leaderEpoch)
      this.#role = leaderRole(this.#brokerId, image, this.#role, this.log.endOffset)
      this.#commit()
    } else {
      this.#role = { kind: 'follower', image }
    }
    this.#ports.onChange(this)
  }

  /** The topic was deleted or the replica moved away: every waiter is told, nothing is served any more. */
  retire(): void {
    this.#role = { kind: 'gone', image: this.#role.image }
    this.#ports.onChange(this)
  }

  /** NONE, or why a request that believes in this leader epoch (-1: none named) is not served here. */
  check(currentLeaderEpoch: number, requireLeader: boolean): ErrorCode {
    const { kind, image } = this.#role
    if (kind === 'leader' && currentLeaderEpoch < 0) return ErrorCode.NONE
    if (kind === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR
    if (kind === 'gone') return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== image.leaderEpoch) {
      return currentLeaderEpoch < image.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
    }
    return requireLeader && kind !== 'leader' ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE
  }

  /**
   * Appends a client's batch. On return it is accepted, and with one replica and a synchronous disk also committed.
   * The bytes are copied, patched in the copy, and may be reused by the caller.
   */
  append(records: Buffer, acks: number, now: number, transactionVersion = 0): AppendInfo | ErrorCode {
    const role = this.#role
    if (role.kind !== 'leader') return this.check(-1, true)
    if (acks === -1 && role.image.isr.length < this.#minIsr(role.image)) return ErrorCode.NOT_ENOUGH_REPLICAS
    const info = this.log.append(records, {
      origin: 'client',
      leaderEpoch: role.image.leaderEpoch,
      now,
      transactionVersion,
    })
    this.#written()
    return info
  }

  /** Appends a batch of a coordinator (or a transaction marker) that leads in `leaderEpoch`; as safe as acks=-1. */
  appendAsCoordinator(
    records: Buffer,
    leaderEpoch: number,
    now: number,
    transactionVersion = 0,
  ): AppendInfo | ErrorCode {
    const role = this.#role
    if (role.kind !== 'leader') return this.check(-1, true)
    if (role.image.leaderEpoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (role.image.isr.length < this.#minIsr(role.image)) return ErrorCode.NOT_ENOUGH_REPLICAS
    const info = this.log.append(records, { origin: 'coordinator', leaderEpoch, now, transactionVersion })
    this.#written()
    return info
  }

  /**
   * Appends the marker that ends a producer's transaction here. INVALID_PRODUCER_EPOCH: the log has a later epoch of the producer;
   * TRANSACTION_COORDINATOR_FENCED: a marker of a later coordinator.
   */
  appendMarker(marker: TransactionMarker, leaderEpoch: number, now: number): AppendInfo | ErrorCode {
    const { producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion = 0 } = marker
    const type = commit ? 'commit' : 'abort'
    const batch = buildEndTxnMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestamp: now })
    return this.appendAsCoordinator(batch, leaderEpoch, now, transactionVersion)
  }

  /**
   * Whether what was appended below `offset` may be acknowledged: null while it may not, else NONE or what became of it.
   * acks 1: written here; acks -1: below the high watermark, with enough in-sync replicas still there.
   */
  acknowledgement(offset: number, acks: number): ErrorCode | null {
    const role = this.#role
    if (role.kind !== 'leader') return this.check(-1, true)
    if (acks !== -1) return this.log.writtenOffset >= offset ? ErrorCode.NONE : null
    if (this.#highWatermark < offset) return null
    return role.image.isr.length < this.#minIsr(role.image)
      ? ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
      : ErrorCode.NONE
  }

  /** Where a fetch stands: may it read, has its log diverged, how far does it see. */
  position(target: FetchTarget, reader: FetchReader): FetchPosition {
    const errorCode = this.#checkFetch(target, reader)
    if (errorCode !== ErrorCode.NONE) return { errorCode, divergingEpoch: null, upperBound: -1 }
    const upperBound = this.upperBound(reader.isolation)
    const { fetchOffset, lastFetchedEpoch } = target
    if (lastFetchedEpoch >= 0) {
      const end = this.log.endOffsetForEpoch(lastFetchedEpoch)
      if (end.leaderEpoch < 0 || end.endOffset < 0 || fetchOffset < this.log.logStartOffset) {
        return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, divergingEpoch: null, upperBound: -1 }
      }
      // KIP-595: the fetcher's log has batches that this one never had. It truncates to the end of the common epoch.
      if (end.leaderEpoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
        return {
          errorCode: ErrorCode.NONE,
          divergingEpoch: { epoch: end.leaderEpoch, endOffset: end.endOffset },
          upperBound,
        }
      }
    }
    // A comparison that is false for what is no offset at all; the bound itself is a legal place to wait.
    const inRange = fetchOffset >= this.log.logStartOffset && fetchOffset <= this.log.endOffset
    return { errorCode: inRange ? ErrorCode.NONE : ErrorCode.OFFSET_OUT_OF_RANGE, divergingEpoch: null, upperBound }
  }

  /** Reads for one fetch. A promise only when the bytes have to come from a medium that makes one wait. */
  read(target: FetchTarget, reader: FetchReader, limits: FetchLimits): FetchAnswer | Promise<FetchAnswer> {
    const position = this.position(target, reader)
    if (position.errorCode !== ErrorCode.NONE) return failedFetch(target, position.errorCode)
    const follower = this.#follower(reader.replicaId)
    if (follower !== undefined && position.divergingEpoch === null) this.#followerHas(follower, target.fetchOffset)
    const nothing = position.divergingEpoch !== null || target.fetchOffset >= position.upperBound
    if (nothing || (limits.maxBytes <= 0 && !limits.minOneMessage)) return this.#answer(target, reader, position, null)
    const result = this.log.read(target.fetchOffset, { ...limits, upperBound: position.upperBound })
    if (!(result instanceof Promise)) return this.#answer(target, reader, position, result)
    const role = this.#role
    return result.then((read) => {
      // While the disk was read the partition may have got another leader, and the log been cut.
      if (this.#role !== role)
        return failedFetch(target, this.#checkFetch(target, reader) || ErrorCode.NOT_LEADER_OR_FOLLOWER)
      return this.#answer(target, reader, position, read)
    })
  }

  /** The smallest log start offset of all replicas: what DeleteRecords reports. */
  get lowWatermark(): number {
    return this.log.logStartOffset
  }

  /** Calls back after the high watermark has moved or the role has changed, once per turn at most. Returns what undoes it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Tells the listeners. For `Replicas` alone, which knows when it is safe. */
  notify(logger: Logger): void {
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        logger.error(`A listener of ${this.topic}-${this.partition} failed.`, { error })
      }
    }
  }

  /** Exclusive bound of what a reader of this isolation may see. */
  upperBound(isolation: FetchIsolation): number {
    switch (isolation) {
      case 'committed':
        return this.#highWatermark
      case 'stable':
        return this.lastStableOffset
      case 'end':
        return this.log.endOffset
    }
  }

  /** Whether the end of the log is known yet: a new leader has to see its first offset committed (KIP-207). */
  get endIsKnown(): boolean {
    return this.#role.kind !== 'leader' || this.#highWatermark >= this.#role.epochStartOffset
  }

  /** Deletes the records below `offset` (-1: all that is committed). Source: Partition.deleteRecordsOnLeader. */
  deleteRecords(offset: number): ErrorCode {
    const errorCode = this.check(-1, true)
    if (errorCode !== ErrorCode.NONE) return errorCode
    // Records of a topic that is only compacted are its state: not to be cut off.
    if (!this.log.config.cleanupDelete) return ErrorCode.POLICY_VIOLATION
    const target = offset === -1 ? this.#highWatermark : offset
    if (!(target >= 0 && target <= this.#highWatermark)) return ErrorCode.OFFSET_OUT_OF_RANGE
    const deleted = this.log.deleteRecordsTo(target)
    if (deleted === ErrorCode.NONE) this.#ports.onChange(this)
    return deleted
  }

  #checkFetch(target: FetchTarget, reader: FetchReader): ErrorCode {
    const errorCode = this.check(target.currentLeaderEpoch, reader.requireLeader)
    if (errorCode !== ErrorCode.NONE || reader.replicaId < 0) return errorCode
    if (this.#follower(reader.replicaId) !== undefined) return ErrorCode.NONE
    // Not a replica as far as this leader knows: the sender is ahead of it, or wrong.
    return target.currentLeaderEpoch >= 0 ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  #follower(replicaId: number): FollowerState | undefined {
    return replicaId < 0 || this.#role.kind !== 'leader' ? undefined : this.#role.followers.get(replicaId)
  }

  /** A follower that asks for an offset has everything below it. */
  #followerHas(follower: FollowerState, offset: number): void {
    if (offset <= follower.endOffset || offset > this.log.endOffset) return
    follower.endOffset = offset
    this.#advance()
  }

  #answer(target: FetchTarget, reader: FetchReader, position: FetchPosition, read: ReadResult | null): FetchAnswer {
    if (read !== null && read.errorCode !== ErrorCode.NONE) return failedFetch(target, read.errorCode)
    return {
      target,
      errorCode: ErrorCode.NONE,
      highWatermark: this.#highWatermark,
      lastStableOffset: this.lastStableOffset,
      logStartOffset: this.log.logStartOffset,
      divergingEpoch: position.divergingEpoch,
      abortedTransactions: reader.isolation === 'stable' ? (read?.abortedTransactions ?? []) : null,
      pieces: read?.pieces ?? NO_PIECES,
      sizeInBytes: read?.sizeInBytes ?? 0,
      release: read?.release ?? null,
    }
  }

  #minIsr(image: PartitionImage): number {
    return effectiveMinIsr(this.minInsyncReplicas, image.replicas.length)
  }

  /** The log has, or may have, written more: at once inside an append, or later and on its own. */
  #written(): void {
    if (this.log.writtenOffset === this.#seenWritten) return
    this.#seenWritten = this.log.writtenOffset
    this.#advance()
  }

  #advance(): void {
    if (this.#role.kind !== 'leader') return
    // acks=1 waits for the write alone, so this is news even when the high watermark stays.
    this.#commit()
    this.#ports.onChange(this)
  }

  #commit(): void {
    if (this.#role.kind !== 'leader') return
    const { image, followers } = this.#role
    const { writtenOffset } = this.log
    // The common case, without the object: one replica.
    const before = this.#highWatermark
    this.#highWatermark =
      image.isr.length === 1 && image.isr[0] === this.#brokerId && this.#minIsr(image) === 1
        ? Math.max(this.#highWatermark, writtenOffset)
        : committedOffset({
            highWatermark: this.#highWatermark,
            writtenOffset,
            brokerId: this.#brokerId,
            isr: image.isr,
            followers,
            minIsr: this.#minIsr(image),
          })
    if (this.#highWatermark !== before) this.log.onHighWatermark(this.#highWatermark)
  }

  /** The log's disk has failed: nothing more is served from it, and whoever waits is told. */
  #fail(): void {
    if (this.#role.kind === 'offline' || this.#role.kind === 'gone') return
    this.#role = { kind: 'offline', image: this.#role.image }
    this.#ports.onChange(this)
  }
}
