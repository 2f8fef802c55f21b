import { buildBatch } from '../../../protocol/batch/builder.js'
import { parseEndTxnMarker } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import { forEachBatch, forEachRecord } from '../../../protocol/batch/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { CompressionCode, decompress, prepareCodec } from '../../log/compression/index.js'
import type { AppendInfo, ReadResult } from '../../log/contract.js'
import type {
  Appended,
  KeyValueRecord,
  ProducerStamp,
  ShardLog,
  ShardVisitor,
  TransactionMarker,
} from '../coordinator/contract.js'
import { appendMarker } from './append-marker.js'
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

  append(records: readonly KeyValueRecord[], now: number, producer: ProducerStamp | null = null): Appended {
    const times = { baseTimestamp: now, maxTimestamp: now }
    // A coordinator's transactional batches have no sequence: they are never sent twice.
    const batch = buildBatch(records, producer === null ? times : { ...times, ...producer, transactional: true })
    return appended(this.#partition.appendAsCoordinator(batch, this.leaderEpoch, now))
  }

  appendMarker(marker: TransactionMarker, now: number): Appended {
    return appended(appendMarker(this.#partition, marker, this.leaderEpoch, now))
  }

  onHighWatermark(listener: () => void): () => void {
    let seen = this.#partition.highWatermark
    return this.#partition.onChange(() => {
      if (this.#partition.highWatermark === seen) return
      seen = this.#partition.highWatermark
      listener()
    })
  }

  read(visitor: ShardVisitor): void | Promise<void> {
    // What a cut is about to take away was never decided.
    if (this.#partition.cutting > 0) return this.#whenCut().then(() => this.read(visitor))
    return this.#readFrom(this.#partition.log.logStartOffset, this.endOffset, visitor)
  }

  /** Resolves when no cut is under way any more, or another leads: then nobody wants to know. */
  #whenCut(): Promise<void> {
    const partition = this.#partition
    return new Promise((resolve) => {
      const stop = partition.onChange(() => {
        if (partition.cutting > 0 && partition.leaderEpoch === this.leaderEpoch) return
        stop()
        resolve()
      })
    })
  }

  /** Goes on in this turn for as long as memory has the bytes. */
  #readFrom(start: number, end: number, visitor: ShardVisitor): void | Promise<void> {
    const { log } = this.#partition
    const limits = { maxBytes: LOAD_BYTES, minOneMessage: true, upperBound: end }
    let offset = start
    while (offset < end) {
      const result = log.read(offset, limits)
      if (result instanceof Promise) {
        return result.then((late) => this.#resume(late, offset, end, visitor))
      }
      if (needsZstd(result)) return this.#resume(result, offset, end, visitor)
      offset = this.#visitAll(result, offset, end, visitor)
    }
  }

  async #resume(result: ReadResult, offset: number, end: number, visitor: ShardVisitor): Promise<void> {
    if (needsZstd(result)) await prepareCodec(CompressionCode.zstd)
    return this.#readFrom(this.#visitAll(result, offset, end, visitor), end, visitor)
  }

  /** Visits what was read; returns the offset after it. */
  #visitAll(result: ReadResult, offset: number, end: number, visitor: ShardVisitor): number {
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
      if (header.isControl(bytes, at)) visitMarker(bytes, at, visitor)
      else visitBatch(bytes, at, offset, visitor)
    })
    result.release?.()
    if (next <= offset) throw new Error(`${topic}-${partition} has no whole batch at offset ${offset}`)
    return next
  }
}

function appended(info: AppendInfo | ErrorCode): Appended {
  if (typeof info === 'number') return { errorCode: info, lastOffset: -1 }
  if (info.errorCode !== ErrorCode.NONE) return { errorCode: info.errorCode, lastOffset: -1 }
  return { errorCode: ErrorCode.NONE, lastOffset: info.lastOffset }
}

function visitBatch(bytes: Buffer, at: number, start: number, visitor: ShardVisitor): void {
  const baseOffset = header.baseOffset(bytes, at)
  const producer = header.isTransactional(bytes, at)
    ? { producerId: header.producerId(bytes, at), producerEpoch: header.producerEpoch(bytes, at) }
    : null
  forEachRecord(bytes, at, decompress, (record) => {
    const offset = baseOffset + record.offsetDelta
    // The first batch may begin before what is asked for.
    if (offset >= start) visitor.record({ offset, key: record.key(), value: record.value(), producer })
  })
}

function visitMarker(bytes: Buffer, at: number, visitor: ShardVisitor): void {
  const marker = parseEndTxnMarker(bytes, at)
  if (marker === null) return
  visitor.marker({
    producerId: header.producerId(bytes, at),
    producerEpoch: header.producerEpoch(bytes, at),
    coordinatorEpoch: marker.coordinatorEpoch,
    commit: marker.type === 'commit',
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
