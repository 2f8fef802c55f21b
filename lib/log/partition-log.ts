/**
 * One partition's log: the only class of this folder that others use, together with LogStore.
 *
 * Everything is decided and booked in the turn of the call. Memory runs ahead of the disk only by what the tail still has to write.
 */
import { ErrorCode } from '../../protocol/errors.js'
import { DiskError } from '../host/disk.js'
import { silentLogger } from '../host/logger.js'
import { batchAround, cutReplica, markerIn, refuseProducer } from './admission.js'
import { validateBatch } from './append-validator.js'
import type { Walk } from './batch-walk.js'
import { decompress } from './compression/index.js'
import type { LogConfig } from './config.js'
import type {
  AppendInfo,
  AppendOptions,
  EpochEndOffset,
  LogView,
  ReadOptions,
  ReadResult,
  TimestampOffset,
} from './contract.js'
import { DamagedLog } from './damage.js'
import type { EpochEntry } from './leader-epochs.js'
import { LogBody } from './log-body.js'
import type { PartitionLogOptions, PartitionLogPorts } from './log-options.js'
import { EMPTY_RESULT, OUT_OF_RANGE, STORAGE_ERROR } from './log-reader.js'
import type { ProducerStates } from './producer-state.js'
import { findSegments } from './recovery.js'
import { countDeletable } from './retention.js'
import { LogShared } from './shared.js'
import { firstRecordSince, type Lookup, recordWithMaxTimestamp, withCodecs } from './timestamp-search.js'

const DAY_MS = 86_400_000
const NO_RECORD_ERRORS: AppendInfo['recordErrors'] = Object.freeze([])

export class PartitionLog implements LogView {
  readonly topic: string
  readonly partition: number
  /**
   * `writtenOffset` has moved outside of `append`. An append that is written at once (memory disk) says so by `writtenOffset ===
   * endOffset` when it returns, and does not call.
   */
  onWritten: ((writtenOffset: number) => void) | null = null
  /** The log has gone offline by a disk failure. Called once, in the turn of the failure (perhaps within `append`). */
  onOffline: ((error: unknown) => void) | null = null
  /** For this folder's own: the cleaner. */
  readonly body: LogBody

  /** A log without files yet: cheap, touches no disk. Use `open` where there may be some. */
  constructor(
    private readonly options: PartitionLogOptions,
    ports: PartitionLogPorts,
  ) {
    this.topic = options.topic
    this.partition = options.partition
    this.body = new LogBody(
      {
        folder: options.folder,
        config: options.config,
        expirationMs: options.producerIdExpirationMs ?? DAY_MS,
        maxProducers: options.maxProducers ?? 100_000,
      },
      {
        ...ports,
        logger: ports.logger ?? silentLogger,
        shared: ports.shared ?? new LogShared(),
        onWritten: (offset) => this.onWritten?.(offset),
        onOffline: (error) => {
          this.onOffline?.(error)
          ports.onOffline?.(error)
        },
      },
    )
  }

  /**
   * Opens what is on the disk, or an empty log. One that cannot be opened (damage, a disk that fails) is `offline`: said in the log with
   * file and position, and nothing on the disk is changed.
   */
  static async open(options: PartitionLogOptions, ports: PartitionLogPorts): Promise<PartitionLog> {
    const log = new PartitionLog(options, ports)
    try {
      const bases = findSegments(ports.disk, options.folder)
      if (bases.length > 0) await log.body.open(bases, options.known)
    } catch (error) {
      if (!(error instanceof DamagedLog || error instanceof DiskError)) throw error
      log.body.abandon(error, options.known)
    }
    return log
  }

  get config(): LogConfig {
    return this.body.config
  }

  get logStartOffset(): number {
    return this.body.logStartOffset
  }

  get endOffset(): number {
    return this.body.endOffset
  }

  get writtenOffset(): number {
    return this.body.writtenOffset
  }

  /** Everything below is on the medium itself: a loss of power cannot take it. At most `writtenOffset`. */
  get recoveryPoint(): number {
    return this.body.recoveryPoint
  }

  get offline(): boolean {
    return this.body.offline
  }

  get sizeInBytes(): number {
    return this.body.segments.sizeInBytes
  }

  get latestEpoch(): number {
    return this.body.epochs.latestEpoch
  }

  get firstUnstableOffset(): number | null {
    const first = this.body.producers.transactions.firstUnstableOffset
    return first === null ? null : Math.max(first, this.body.logStartOffset)
  }

  /** For DescribeProducers, and for who lets them expire. */
  get producers(): ProducerStates {
    return this.body.producers
  }

  get leaderEpochs(): readonly EpochEntry[] {
    return this.body.epochs.entries
  }

  get folder(): string {
    return this.options.folder
  }

  get segmentCount(): number {
    return this.body.segments.all.length
  }

  /** True while something accepted waits to be written. */
  get hasUnwritten(): boolean {
    return this.body.tail.isDirty
  }

  /**
   * Accepts records in this turn. `records` may be a view into a read buffer: it is patched in place and copied once. See
   * AppendOptions for the origins. Errors are values; KAFKA_STORAGE_ERROR when the log is offline or goes offline by this.
   * `codecsNeeded(records, config.appendRules)` must have been heeded before.
   * @throws CompressionError NOT_READY when it was not
   */
  append(records: Buffer | null, options: AppendOptions): AppendInfo {
    const { body } = this
    const { origin, leaderEpoch, now } = options
    if (body.offline) return this.refuse(ErrorCode.KAFKA_STORAGE_ERROR, 'The log is offline after a disk failure.')
    if (body.isClosing) return this.refuse(ErrorCode.KAFKA_STORAGE_ERROR, 'The log is being closed.')
    if (origin === 'replication') return this.appendReplicated(records ?? Buffer.alloc(0), now)
    const verdict = validateBatch(records, body.config.appendRules, now, origin)
    if (verdict.errorCode !== ErrorCode.NONE) {
      return this.refuse(verdict.errorCode, verdict.message, verdict.recordErrors)
    }
    if (verdict.batch.length > body.config.segmentBytes) {
      const message = `The batch has ${verdict.batch.length} bytes, more than the topic's segment.bytes.`
      return this.refuse(ErrorCode.RECORD_LIST_TOO_LARGE, message)
    }
    const marker = markerIn(verdict)
    if (verdict.producerId >= 0) {
      const refusal = refuseProducer(verdict, options, marker, body.producers)
      if (refusal?.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return this.duplicate()
      if (refusal !== null) return this.refuse(refusal.errorCode, refusal.message)
    }
    const baseOffset = body.endOffset
    if (!body.take(verdict, baseOffset, leaderEpoch, marker, now)) {
      return this.refuse(ErrorCode.KAFKA_STORAGE_ERROR, 'The disk has failed.')
    }
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      baseOffset,
      lastOffset: body.endOffset - 1,
      logAppendTimeMs: verdict.logAppendTimeMs,
      logStartOffset: body.logStartOffset,
      duplicate: false,
      recordErrors: NO_RECORD_ERRORS,
    }
  }

  /** Resolves when everything accepted so far is written (`writtenOffset` has reached it), or the log is offline. */
  async whenWritten(): Promise<void> {
    const { body } = this
    const target = body.endOffset
    await body.tail.drain()
    while (body.writtenOffset < Math.min(target, body.endOffset) && body.durability.syncing !== null) {
      await body.durability.syncing
    }
  }

  /** Writes what was accepted now, instead of at the end of the turn. */
  flushPending(): void {
    this.body.tail.flushPending()
  }

  /**
   * Whole batches from the one that contains `offset`, below `upperBound`. At once when memory has them, else a promise. Reading at
   * the end or at the bound gives an empty result.
   */
  read(offset: number, options: ReadOptions): ReadResult | Promise<ReadResult> {
    const { body } = this
    if (body.offline) return STORAGE_ERROR
    if (!(offset >= body.logStartOffset && offset <= body.endOffset)) return OUT_OF_RANGE
    if (offset >= options.upperBound || offset === body.endOffset) return EMPTY_RESULT
    return body.reader.read(offset, options)
  }

  /**
   * ListOffsets by time: the first record whose timestamp is at least `timestamp`, null when there is none.
   * @throws ProtocolError, CompressionError, DamagedLog or DiskError when the log cannot be read (or a rejection with them)
   */
  offsetForTimestamp(timestamp: number): Lookup {
    const { segments, logStartOffset } = this.body
    return this.search(() => firstRecordSince(segments.all, timestamp, logStartOffset, decompress))
  }

  /** ListOffsets -3 (KIP-734): the first record with the largest timestamp. Failures as in `offsetForTimestamp`. */
  maxTimestampOffset(): Lookup {
    const { segments, logStartOffset } = this.body
    return this.search(() => recordWithMaxTimestamp(segments.all, logStartOffset, decompress))
  }

  /** OffsetForLeaderEpoch: see LeaderEpochs.endOffsetFor. */
  endOffsetForEpoch(epoch: number): EpochEndOffset {
    return this.body.epochs.endOffsetFor(epoch, this.body.endOffset)
  }

  /** Epoch of the leader that wrote `offset`, -1 when unknown. */
  epochForOffset(offset: number): number {
    return this.body.epochs.epochFor(offset)
  }

  /** A leader begins: its epoch starts at the end of the log even before it writes (KIP-101). */
  assignLeaderEpoch(epoch: number): void {
    this.body.epochs.assign(epoch, this.body.endOffset)
  }

  /** Transactions whose marker is below the high watermark are stable from now on. */
  onHighWatermark(highWatermark: number): void {
    this.body.producers.transactions.onHighWatermark(highWatermark)
  }

  /**
   * Follower: drops everything from `offset` on. A batch that reaches past `offset` goes whole, so the end may be lower. A promise
   * when a write is under way or bytes have to be read: nothing may be appended until it resolves. `anew`: see LogBody.
   */
  truncateTo(offset: number, anew = false): void | Promise<void> {
    return this.body.truncateTo(offset, anew)
  }

  /** Drops everything; the next record gets `offset`. A promise as in `truncateTo`. */
  truncateFullyAndStartAt(offset: number): void | Promise<void> {
    return this.body.restartAt(offset)
  }

  /**
   * DeleteRecords: moves the log start up to `offset` (never down); segments wholly below it go at once. The caller has compared
   * with the high watermark; OFFSET_OUT_OF_RANGE above the end.
   */
  deleteRecordsTo(offset: number): ErrorCode {
    const { body } = this
    if (body.offline) return ErrorCode.KAFKA_STORAGE_ERROR
    if (offset > body.endOffset) return ErrorCode.OFFSET_OUT_OF_RANGE
    if (offset <= body.logStartOffset) return ErrorCode.NONE
    body.moveStart(offset)
    const { all } = body.segments
    let count = 0
    while (count < all.length - 1 && all[count + 1]!.baseOffset <= offset) count++
    body.dropFirst(count)
    return ErrorCode.NONE
  }

  /** Deletes what time, size and the log start offset say; returns how many segments went. */
  applyRetention(now: number, highWatermark: number): number {
    const { body } = this
    if (body.offline) return 0
    const count = countDeletable(body.segments.all, {
      now,
      deleteByPolicy: body.config.cleanupDelete,
      retentionMs: body.config.retentionMs,
      retentionBytes: body.config.retentionBytes,
      logStartOffset: body.logStartOffset,
      highWatermark,
      endOffset: body.endOffset,
    })
    if (count === 0) return 0
    if (count === body.segments.all.length && !this.roll(now)) return 0
    body.dropFirst(count)
    body.moveStart(Math.max(body.logStartOffset, body.segments.first.baseOffset))
    return count
  }

  /** Begins a new segment at the end of the log, unless the active one is empty. False when the disk failed. */
  roll(now: number): boolean {
    this.body.tail.flushPending()
    return this.body.rollAt(this.body.endOffset, now)
  }

  updateConfig(config: LogConfig): void {
    this.body.config = config
    this.body.durability.onConfig()
  }

  updateProducerIdExpiration(ms: number): void {
    this.body.producers.updateExpiration(ms)
  }

  /** Makes everything accepted so far durable. Rejects with the DiskError of a failed sync; the log is offline then. */
  flush(): Promise<void> {
    return this.body.flush()
  }

  /** Writes what is left and closes the files. The log answers KAFKA_STORAGE_ERROR afterwards. */
  close(): Promise<void> {
    return this.body.close()
  }

  /** Its directory has failed: it is not touched any more. */
  takeOffline(error: unknown): void {
    this.body.goOffline(error)
  }

  /** Removes the log and its files; what waits to be written is dropped. A promise only when a write is under way. */
  delete(): void | Promise<void> {
    return this.body.delete()
  }

  private search(walk: () => Walk<TimestampOffset | null>): Lookup {
    const { body } = this
    return withCodecs(
      () => body.reader.run(walk()),
      (error) => body.goOffline(error),
    )
  }

  private refuse(
    errorCode: ErrorCode,
    errorMessage: string | null,
    recordErrors: AppendInfo['recordErrors'] = NO_RECORD_ERRORS,
  ): AppendInfo {
    const { logStartOffset } = this.body
    return {
      errorCode,
      errorMessage,
      baseOffset: -1,
      lastOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset,
      duplicate: false,
      recordErrors,
    }
  }

  /** The batch that came again is answered as the first time, with its own time whatever the topic's timestamp type. */
  private duplicate(): AppendInfo {
    const { baseOffset, lastOffset, timestamp } = this.body.producers.duplicate!
    return {
      ...this.refuse(ErrorCode.NONE, null),
      baseOffset,
      lastOffset,
      logAppendTimeMs: timestamp,
      duplicate: true,
    }
  }

  /** Batches from the leader: kept as they are, all or none. */
  private appendReplicated(records: Buffer, now: number): AppendInfo {
    const { body } = this
    const around = body.endOffset === body.logStartOffset ? batchAround(records, body.endOffset) : -1
    if (around >= 0 && !body.beginBelowStart(around)) {
      return this.refuse(ErrorCode.KAFKA_STORAGE_ERROR, 'The log cannot begin anew now.')
    }
    const batches = cutReplica(records, body.endOffset)
    if ('errorCode' in batches) return this.refuse(batches.errorCode, batches.message)
    const baseOffset = batches[0]?.baseOffset ?? body.endOffset
    for (const batch of batches) {
      if (!body.take(batch, batch.baseOffset, batch.leaderEpoch, null, now)) {
        return this.refuse(ErrorCode.KAFKA_STORAGE_ERROR, 'The disk has failed.')
      }
    }
    return { ...this.refuse(ErrorCode.NONE, null), baseOffset, lastOffset: body.endOffset - 1 }
  }
}
