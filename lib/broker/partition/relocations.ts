/**
 * Moves partitions between the log directories of this broker while they serve (KIP-113): a copy grows behind the scenes, and when it has
 * everything it takes the log's place within one turn.
 */
import * as header from '../../../protocol/batch/header.js'
import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { LogDir } from '../../log/log-dir.js'
import type { LogStore } from '../../log/log-store.js'
import type { PartitionLog } from '../../log/partition-log.js'
import type { RateLimit } from '../../metrics/rate-limit.js'
import type { Partition } from './partition.js'

export interface RelocationsPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly logs: LogStore
  /** How fast records may be copied. */
  readonly rate: RateLimit
  readonly find: (topic: string, partition: number) => Partition | ErrorCode
}

interface Move {
  readonly partition: Partition
  readonly directory: LogDir
  readonly future: PartitionLog
}

/** A limit may be lifted meanwhile. */
const LOOK_AGAIN_MS = 100
const READ_BYTES = 1 << 20
const FILE_NAME_MAX = 255

export class Relocations {
  readonly #ports: RelocationsPorts
  #closed = false

  constructor(ports: RelocationsPorts) {
    this.#ports = ports
  }

  /**
   * Begins to move a partition. NONE also when it is there already (a move to elsewhere is called off) or on its way there. Source:
   * ReplicaManager.alterReplicaLogDirs.
   */
  start(topic: string, partition: number, path: string): ErrorCode {
    const { logs, logger } = this.#ports
    // The copy's folder needs a name that file systems take.
    if (`${topic}-${partition}.${'x'.repeat(32)}-future`.length > FILE_NAME_MAX)
      return ErrorCode.INVALID_TOPIC_EXCEPTION
    const directory = logs.directoryAt(path)
    if (directory === null) return ErrorCode.LOG_DIR_NOT_FOUND
    if (directory.failure !== null) return ErrorCode.KAFKA_STORAGE_ERROR
    if (directory.isCordoned) return ErrorCode.INVALID_REPLICA_ASSIGNMENT
    const found = this.#ports.find(topic, partition)
    // Kafka keeps the code that clients of this API know from of old.
    if (found === ErrorCode.NOT_LEADER_OR_FOLLOWER) return ErrorCode.REPLICA_NOT_AVAILABLE
    if (typeof found === 'number') return found
    if (found.log.offline) return ErrorCode.KAFKA_STORAGE_ERROR
    const underWay = logs.futureOf(topic, partition)
    if (underWay?.directory === directory) return ErrorCode.NONE
    try {
      if (underWay !== null) logs.dropFuture(topic, partition)
      if (logs.directoryOf(topic, partition) === directory) return ErrorCode.NONE
      const future = logs.beginFuture(found.log, directory, found.topicId)
      this.#run({ partition: found, directory, future })
      return ErrorCode.NONE
    } catch (error) {
      logger.error(`${topic}-${partition} cannot be moved to ${path}: ${String(error)}`)
      return ErrorCode.KAFKA_STORAGE_ERROR
    }
  }

  /** Begins again what the last run did not finish. */
  resume(): void {
    for (const { topic, partition, directory } of this.#ports.logs.takeInterruptedMoves()) {
      if (this.#ports.logs.directoryOf(topic, partition) !== null) this.start(topic, partition, directory.path)
    }
  }

  close(): void {
    this.#closed = true
  }

  #run(move: Move): void {
    const { logs, logger } = this.#ports
    const { topic, partition } = move.partition
    const what = `${topic}-${partition}`
    this.#copy(move).then(
      (done) => {
        if (done) logger.info(`${what} has moved to ${move.directory.path}.`)
      },
      (error: unknown) => {
        logger.error(`${what} could not be moved to ${move.directory.path} and stays where it is: ${String(error)}`)
        if (this.#isUnderWay(move)) logs.dropFuture(topic, partition)
      },
    )
  }

  /** Orchestrator: after every wait the move may have been called off, the topic deleted, the log cut. True when it has arrived. */
  async #copy(move: Move): Promise<boolean> {
    const { partition, future } = move
    await future.truncateFullyAndStartAt(partition.log.logStartOffset)
    for (let began = false; this.#isUnderWay(move); began = true) {
      const { log } = partition
      if (log.offline || future.offline) throw new Error('one of the two logs is offline')
      const end = commonEnd(log, future)
      if (future.endOffset > end) {
        // It was cut, as followers do: what lay above is not to come back.
        await future.truncateTo(end)
      } else if (future.endOffset < log.logStartOffset) {
        await future.truncateFullyAndStartAt(log.logStartOffset)
        began = false
      } else if (future.endOffset < log.writtenOffset && this.#ports.rate.isExceeded) {
        await this.#turn(Math.min(this.#ports.rate.waitMs, LOOK_AGAIN_MS))
        continue
      } else if (future.endOffset < log.writtenOffset) {
        await this.#copySome(log, future, !began)
      } else {
        await future.flush()
        const isWhole = hasAll(future, partition.log) && !future.offline
        if (this.#isUnderWay(move) && isWhole && !partition.log.hasUnwritten) {
          this.#arrive(move)
          return true
        }
      }
      await this.#turn()
    }
    return false
  }

  async #copySome(log: PartitionLog, future: PartitionLog, isFirst: boolean): Promise<void> {
    const limits = { maxBytes: READ_BYTES, upperBound: log.writtenOffset, minOneMessage: true }
    const { errorCode, pieces, release } = await log.read(future.endOffset, limits)
    // Deleted up to here meanwhile: the next round sees it.
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return
    if (errorCode !== ErrorCode.NONE) throw new Error(`reading it failed with error ${errorCode}`)
    const records = Buffer.concat(pieces)
    release?.()
    // The log may begin within a batch, which is copied whole.
    if (isFirst && records.length > 0 && header.baseOffset(records) < future.endOffset) {
      await future.truncateFullyAndStartAt(header.baseOffset(records))
    }
    const info = future.append(records, { origin: 'replication', leaderEpoch: -1, now: this.#ports.clock.now() })
    if (info.errorCode !== ErrorCode.NONE)
      throw new Error(info.errorMessage ?? `writing it failed with error ${info.errorCode}`)
    this.#ports.rate.record(records.length)
    future.flushPending()
  }

  #arrive({ partition, future }: Move): void {
    const { topic, partition: index, log } = partition
    future.updateConfig(log.config)
    future.deleteRecordsTo(log.logStartOffset)
    partition.replaceLog(this.#ports.logs.promoteFuture(topic, index))
  }

  #isUnderWay({ partition, future }: Move): boolean {
    if (this.#closed || partition.role.kind === 'gone') return false
    return this.#ports.logs.futureOf(partition.topic, partition.partition)?.log === future
  }

  /** Others have the loop in between. */
  #turn(delayMs = 0): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.setTimer(delayMs, resolve))
  }
}

/** Up to where the copy has the log's records. By epochs, too: a log that was cut may have grown again beyond the copy's end. */
function commonEnd(log: PartitionLog, future: PartitionLog): number {
  let end = Math.min(future.endOffset, log.endOffset)
  for (const { epoch, startOffset } of future.leaderEpochs.toReversed()) {
    const { leaderEpoch, endOffset } = log.endOffsetForEpoch(epoch)
    if (leaderEpoch === epoch) return Math.min(end, endOffset)
    end = Math.min(end, startOffset)
  }
  return end
}

const hasAll = (future: PartitionLog, log: PartitionLog): boolean =>
  future.endOffset === log.endOffset && commonEnd(log, future) === log.endOffset
