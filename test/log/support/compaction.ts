import { seededRandom } from '../../../lib/host/random-sources.js'
import { type Cleaned, cleanLog } from '../../../lib/log/cleaner.js'
import { CleanerPace } from '../../../lib/log/cleaner-pace.js'
import { CompressionCode, decompress, prepareCodec } from '../../../lib/log/compression/index.js'
import { judge } from '../../../lib/log/log-cleaner.js'
import type { PartitionLog } from '../../../lib/log/partition-log.js'
import { ControlType, parseControlType } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import { type DecodedRecord, decodeBatch } from '../../../protocol/batch/records.js'
import type { TestLog } from './harness.js'

export interface CompactOptions {
  highWatermark?: number
  dedupeBufferBytes?: number
  pace?: CleanerPace
}

/** Cleans the log now, whether it is due or not. */
export function compact(t: TestLog, options: CompactOptions = {}): Promise<Cleaned> {
  const { log, clock } = t
  const now = clock.now()
  const highWatermark = options.highWatermark ?? log.endOffset
  return cleanLog(
    log.body,
    judge(log, highWatermark, now),
    { dedupeBufferBytes: options.dedupeBufferBytes ?? 1_000_000, loadFactor: 0.9, now },
    { random: seededRandom(7), pace: options.pace ?? new CleanerPace(clock, () => Number.POSITIVE_INFINITY) },
  )
}

export interface VisibleBatch {
  bytes: Buffer
  records: DecodedRecord[]
}

/** Every batch from `from` on, as a fetch with small answers brings them. */
export async function batchesOf(log: PartitionLog, from = log.logStartOffset, maxBytes = 700) {
  await prepareCodec(CompressionCode.zstd)
  const batches: VisibleBatch[] = []
  const aborted: { producerId: number; firstOffset: number }[] = []
  let offset = from
  while (offset < log.endOffset) {
    const result = await log.read(offset, { maxBytes, upperBound: log.endOffset, minOneMessage: true })
    if (result.errorCode !== 0) throw new Error(`error ${result.errorCode} at ${offset}`)
    if (result.sizeInBytes === 0) break
    for (const one of result.abortedTransactions) {
      if (!aborted.some((other) => other.producerId === one.producerId && other.firstOffset === one.firstOffset)) {
        aborted.push(one)
      }
    }
    const all = Buffer.concat(result.pieces as Buffer[])
    result.release?.()
    for (let at = 0; at < all.length; at += header.sizeInBytes(all, at)) {
      const bytes = Buffer.from(all.subarray(at, at + header.sizeInBytes(all, at)))
      batches.push({ bytes, records: decodeBatch(bytes, decompress) })
      offset = header.lastOffset(bytes) + 1
    }
  }
  return { batches, aborted }
}

/** The records that a consumer of this isolation level is given, filtered as clients do it. */
export async function consumed(log: PartitionLog, isolation: 'uncommitted' | 'committed'): Promise<DecodedRecord[]> {
  const { batches, aborted } = await batchesOf(log)
  const ends = log.firstUnstableOffset ?? log.endOffset
  const waiting = aborted.sort((a, b) => a.firstOffset - b.firstOffset)
  const skipped = new Set<number>()
  const records: DecodedRecord[] = []
  for (const { bytes, records: inBatch } of batches) {
    const producerId = header.producerId(bytes)
    if (isolation === 'committed') {
      if (header.lastOffset(bytes) >= ends) break
      while (waiting.length > 0 && waiting[0]!.firstOffset <= header.lastOffset(bytes)) {
        skipped.add(waiting.shift()!.producerId)
      }
    }
    if (header.isControl(bytes)) {
      const [marker] = inBatch
      if (marker !== undefined && parseControlType(marker.key) === ControlType.ABORT) skipped.delete(producerId)
    } else if (!(header.isTransactional(bytes) && skipped.has(producerId))) {
      records.push(...inBatch)
    }
  }
  return records
}
