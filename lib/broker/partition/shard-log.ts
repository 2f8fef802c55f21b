import { buildBatch } from '../../../protocol/batch/builder.js'
import * as header from '../../../protocol/batch/header.js'
import { forEachBatch, forEachRecord } from '../../../protocol/batch/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { CompressionCode, decompress, prepareCodec } from '../../log/compression/index.js'
import type { ReadResult } from '../../log/contract.js'
import type { KeyValueRecord, ShardLog, StoredRecord } from '../coordinator/contract.js'
import type { Partition } from './partition.js'

/** Bytes read at a time while a shard is loaded: few reads, and no more memory than one large fetch. */
const LOAD_BYTES = 1024 * 1024

/**
 * A coordinator's log over a partition that this broker leads, for one leader epoch. When the leadership changes its appends fail with
 * NOT_LEADER_OR_FOLLOWER: the shard is unloaded, and loaded by the next leader from the same records.
 */
export class PartitionShardLog implements ShardLog {
  readonly leaderEpoch: number
  readonly #partition: Partition

  constructor(partition: Partition) {
    this.#partition = partition
    this.leaderEpoch = partition.leaderEpoch
  }

  get endOffset(): number {
    return this.#partition.log.endOffset
  }

  get highWatermark(): number {
    return this.#partition.highWatermark
  }

  get maxBatchBytes(): number {
    const { appendRules, segmentBytes } = this.#partition.log.config
    return Math.min(appendRules.maxMessageBytes, segmentBytes)
  }

  append(records: readonly KeyValueRecord[], now: number): { errorCode: ErrorCode; lastOffset: number } {
    const batch = buildBatch(records, { baseTimestamp: now, maxTimestamp: now })
    const info = this.#partition.appendAsCoordinator(batch, this.leaderEpoch, now)
    if (typeof info === 'number') return { errorCode: info, lastOffset: -1 }
    if (info.errorCode !== ErrorCode.NONE) return { errorCode: info.errorCode, lastOffset: -1 }
    return { errorCode: ErrorCode.NONE, lastOffset: info.lastOffset }
  }

  onHighWatermark(listener: () => void): () => void {
    let seen = this.#partition.highWatermark
    return this.#partition.onChange(() => {
      if (this.#partition.highWatermark === seen) return
      seen = this.#partition.highWatermark
      listener()
    })
  }

  read(visit: (record: StoredRecord) => void): void | Promise<void> {
    return this.#readFrom(this.#partition.log.logStartOffset, this.endOffset, visit)
  }

  /** Goes on in this turn for as long as memory has the bytes. */
  #readFrom(start: number, end: number, visit: (record: StoredRecord) => void): void | Promise<void> {
    const { log } = this.#partition
    const limits = { maxBytes: LOAD_BYTES, minOneMessage: true, upperBound: end }
    let offset = start
    while (offset < end) {
      const result = log.read(offset, limits)
      if (result instanceof Promise) {
        return result.then((late) => this.#resume(late, offset, end, visit))
      }
      if (needsZstd(result)) return this.#resume(result, offset, end, visit)
      offset = this.#visitAll(result, offset, end, visit)
    }
  }

  async #resume(result: ReadResult, offset: number, end: number, visit: (record: StoredRecord) => void): Promise<void> {
    if (needsZstd(result)) await prepareCodec(CompressionCode.zstd)
    return this.#readFrom(this.#visitAll(result, offset, end, visit), end, visit)
  }

  /** Visits what was read; returns the offset after it. */
  #visitAll(result: ReadResult, offset: number, end: number, visit: (record: StoredRecord) => void): number {
    const { topic, partition } = this.#partition
    if (result.errorCode !== ErrorCode.NONE) {
      throw new Error(`${topic}-${partition} cannot be read at offset ${offset}: error ${result.errorCode}`)
    }
    // Compaction may have left a gap at the end.
    if (result.sizeInBytes === 0) return end
    const bytes = result.pieces.length === 1 ? result.pieces[0]! : Buffer.concat(result.pieces)
    let next = offset
    forEachBatch(bytes, (at) => {
      next = header.lastOffset(bytes, at) + 1
      if (!header.isControl(bytes, at)) visitBatch(bytes, at, offset, visit)
    })
    result.release?.()
    if (next <= offset) throw new Error(`${topic}-${partition} has no whole batch at offset ${offset}`)
    return next
  }
}

function visitBatch(bytes: Buffer, at: number, start: number, visit: (record: StoredRecord) => void): void {
  const baseOffset = header.baseOffset(bytes, at)
  forEachRecord(bytes, at, decompress, (record) => {
    const offset = baseOffset + record.offsetDelta
    // The first batch may begin before what is asked for.
    if (offset >= start) visit({ offset, key: record.key(), value: record.value() })
  })
}

/** Looks before it asks the codec, because asking starts it. */
function needsZstd(result: ReadResult): boolean {
  let found = false
  for (const piece of result.pieces) {
    forEachBatch(piece, (at) => {
      found ||= header.compressionCode(piece, at) === CompressionCode.zstd
    })
  }
  return found && prepareCodec(CompressionCode.zstd) !== null
}
