import { ErrorCode } from '../../../protocol/errors.js'
import type { Logger } from '../../host/logger.js'
import type { AppendInfo } from '../../log/contract.js'
import type { PartitionLog } from '../../log/partition-log.js'
import type { PartitionImage } from '../../metadata/image.js'
import { ChangeListeners } from './change-listeners.js'
import {
  type FetchIsolation,
  type FetchLimits,
  type FetchPosition,
  type FetchReader,
  fetchPosition,
  readForFetch,
} from './fetch-position.js'
import type { FetchAnswer, FetchTarget } from './fetch-types.js'
import type { FollowerReport, FollowerState } from './isr.js'
import { committedOffset, effectiveMinIsr, lowestStart, maximalIsr, mayBeElected, noteFetch } from './isr.js'
import type { FromLeader, PartitionOptions, PartitionPorts } from './partition-types.js'
import { leaderRole, type Role } from './roles.js'

const ALWAYS = (): boolean => true
const NEVER_MOVES = (): number => 0

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
  readonly #listeners = new ChangeListeners()
  #role: Role
  #highWatermark: number
  #seenWritten: number
  /** Cuts of the log that are under way. */
  cutting = 0
  /** An ISR that the controller was asked for and may have recorded already: until we know, its members count too. */
  #proposedIsr: readonly number[] | null = null

  constructor(options: PartitionOptions, ports: PartitionPorts, image: PartitionImage) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.minInsyncReplicas = options.minInsyncReplicas
    this.#log = ports.log
    this.#brokerId = options.brokerId
    this.#ports = ports
    this.#role = { kind: ports.log.offline ? 'offline' : 'follower', image }
    const { logStartOffset, writtenOffset } = ports.log
    this.#highWatermark = Math.min(Math.max(ports.highWatermark ?? 0, logStartOffset), writtenOffset)
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
    return this.#role.kind === 'leader' && this.#serves
  }

  get #serves(): boolean {
    return this.cutting === 0 && (this.#ports.inCluster ?? ALWAYS)()
  }

  get #nowMs(): number {
    return (this.#ports.monotonicMs ?? NEVER_MOVES)()
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
      if (image.partitionEpoch !== this.#role.image.partitionEpoch) this.#proposedIsr = null
      this.#role = leaderRole(this.#brokerId, image, this.#role, this.log.endOffset, this.#nowMs)
      this.#commit()
    } else {
      this.#proposedIsr = null
      this.#role = { kind: 'follower', image }
    }
    this.#ports.onChange(this)
  }

  /** Whether this broker is in the cluster has changed: whoever waits is told, or what was held back is committed. */
  standingChanged(): void {
    this.#commit()
    this.#ports.onChange(this)
  }

  /** The topic was deleted or the replica moved away: every waiter is told that by `errorCode`, nothing is served any more. */
  retire(errorCode: ErrorCode): void {
    this.#role = { kind: 'gone', image: this.#role.image, errorCode }
    this.#ports.onChange(this)
  }

  /** NONE, or why a request that believes in this leader epoch (-1: none named) is not served here. */
  check(currentLeaderEpoch: number, requireLeader: boolean): ErrorCode {
    const { kind, image } = this.#role
    if (kind === 'leader' && !this.#serves) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (kind === 'leader' && currentLeaderEpoch < 0) return ErrorCode.NONE
    if (kind === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR
    if (this.#role.kind === 'gone') return this.#role.errorCode
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== image.leaderEpoch) {
      return currentLeaderEpoch < image.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
    }
    return requireLeader && kind !== 'leader' ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE
  }

  /** Appends a copy of a client's batch. On return it is accepted, and with one replica and a synchronous disk also committed. */
  append(records: Buffer, acks: number, now: number, transactionVersion = 0): AppendInfo | ErrorCode {
    const role = this.#role
    if (role.kind !== 'leader' || !this.#serves) return this.check(-1, true)
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
    if (role.kind !== 'leader' || !this.#serves) return this.check(-1, true)
    if (role.image.leaderEpoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (role.image.isr.length < this.#minIsr(role.image)) return ErrorCode.NOT_ENOUGH_REPLICAS
    const info = this.log.append(records, { origin: 'coordinator', leaderEpoch, now, transactionVersion })
    this.#written()
    return info
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
    return fetchPosition(this, target, reader)
  }

  /** Reads for one fetch. A promise only when the bytes have to come from a medium that makes one wait. */
  read(target: FetchTarget, reader: FetchReader, limits: FetchLimits): FetchAnswer | Promise<FetchAnswer> {
    return readForFetch(this, target, reader, limits)
  }

  /** The smallest log start offset of those who may lead: what DeleteRecords waits for and reports. */
  get lowWatermark(): number {
    const { logStartOffset } = this.log
    return this.#role.kind === 'leader' ? lowestStart(logStartOffset, this.#role, this.#proposedIsr) : logStartOffset
  }

  /** Calls back after the high watermark has moved or the role has changed, once per turn at most. Returns what undoes it. */
  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Tells the listeners. For `Replicas` alone, which knows when it is safe. */
  notify(logger: Logger): void {
    this.#listeners.notify(`${this.topic}-${this.partition}`, logger)
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

  /** The epoch under which a broker is in the cluster now; -1 when it is not. */
  brokerEpochOf(brokerId: number): number {
    return this.#ports.brokerEpoch?.(brokerId) ?? -1
  }

  /** What this leader knows of a replica's log; undefined when it does not lead, or the broker holds no replica. */
  follower(replicaId: number): FollowerState | undefined {
    return replicaId < 0 || this.#role.kind !== 'leader' ? undefined : this.#role.followers.get(replicaId)
  }

  /** A follower that asks for an offset has everything below it. */
  followerHas(replicaId: number, report: FollowerReport): void {
    const { endOffset: offset, logStartOffset } = report
    const follower = this.follower(replicaId)
    if (follower === undefined || offset > this.log.endOffset) return
    const { endOffset: before, logStartOffset: startBefore } = follower
    noteFetch(follower, report, this.log.endOffset, this.#nowMs)
    if (offset > before || logStartOffset > startBefore) this.#advance()
    const { isr } = this.#role.image
    if (offset >= this.#highWatermark && !isr.includes(replicaId) && !this.isProposing)
      this.#ports.onFollowerCaughtUp?.(this)
  }

  /** The controller is being asked for another ISR. */
  get isProposing(): boolean {
    return this.#proposedIsr !== null
  }

  /**
   * The controller is asked for this ISR; null: it has refused. Until the metadata shows what became of it, nothing is committed that a
   * member of either ISR lacks: the controller may have let a newcomer in and may elect it.
   */
  proposeIsr(isr: readonly number[] | null): void {
    this.#proposedIsr = isr
    if (isr === null) this.#commit()
  }

  /** Takes over what the leader sent. NONE also for an answer that has been overtaken by a change of leader: it is dropped. */
  appendAsFollower(records: Buffer, { leaderEpoch, highWatermark, logStartOffset, now }: FromLeader): ErrorCode {
    const { kind, image } = this.#role
    if (kind !== 'follower' || image.leaderEpoch !== leaderEpoch) return ErrorCode.NONE
    // Deleted there, so another history does not matter: the leader's start may lie within a batch.
    if (logStartOffset >= this.log.endOffset) this.log.deleteRecordsTo(this.log.endOffset)
    if (records.length > 0) {
      const { errorCode } = this.log.append(records, { origin: 'replication', leaderEpoch, now })
      if (errorCode !== ErrorCode.NONE) return errorCode
    }
    const before = this.#highWatermark
    this.#highWatermark = Math.max(before, Math.min(highWatermark, this.log.writtenOffset))
    if (this.#highWatermark !== before) this.log.onHighWatermark(this.#highWatermark)
    if (logStartOffset > this.log.logStartOffset) this.log.deleteRecordsTo(Math.min(logStartOffset, this.log.endOffset))
    if (this.#highWatermark !== before || records.length > 0) this.#ports.onChange(this)
    return ErrorCode.NONE
  }

  /** Follower: drops everything from `offset` on (or begins anew, when nobody counts on it); the high watermark follows the log down. */
  async truncateTo(offset: number): Promise<void> {
    await this.#cut(() => this.log.truncateTo(offset, !mayBeElected(this.#role.image, this.#brokerId)))
    this.#highWatermark = Math.min(this.#highWatermark, this.log.endOffset)
  }

  /** Follower: drops everything; the next record is `offset`. */
  async restartAt(offset: number): Promise<void> {
    await this.#cut(() => this.log.truncateFullyAndStartAt(offset))
    this.#highWatermark = offset
  }

  /** Who becomes the leader meanwhile serves nobody until it is over, and leads from where the log ends then. */
  async #cut(work: () => void | Promise<void>): Promise<void> {
    this.cutting++
    try {
      await work()
    } finally {
      this.cutting--
      this.#seenWritten = this.log.writtenOffset
      if (this.#role.kind === 'leader') {
        this.log.assignLeaderEpoch(this.#role.image.leaderEpoch)
        this.#role = { ...this.#role, epochStartOffset: Math.min(this.#role.epochStartOffset, this.log.endOffset) }
        this.#ports.onChange(this)
      }
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
    if (this.#role.kind !== 'leader' || !this.#serves) return
    const { image, followers } = this.#role
    // The common case, without the object: one replica.
    const before = this.#highWatermark
    this.#highWatermark =
      image.isr.length === 1 &&
      image.isr[0] === this.#brokerId &&
      this.#proposedIsr === null &&
      this.#minIsr(image) === 1
        ? Math.max(this.#highWatermark, this.log.writtenOffset)
        : committedOffset({
            highWatermark: this.#highWatermark,
            writtenOffset: this.log.writtenOffset,
            brokerId: this.#brokerId,
            isr: maximalIsr(image, this.#proposedIsr),
            recorded: image.isr.length,
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
    this.#ports.onOffline?.()
  }
}
