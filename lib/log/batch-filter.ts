/**
 * What compaction leaves of one batch (Kafka's Cleaner.cleanInto and MemoryRecords.filterTo): pure, bytes in and bytes out.
 *
 * Everything that identifies a record stays: offsets, times, producer, epochs and sequences, the codec. A batch that loses records is
 * its old header with a few fields changed and the surviving records byte for byte.
 */
import { updateCrc } from '../../protocol/batch/builder.js'
import { ControlType, parseControlType } from '../../protocol/batch/control.js'
import * as header from '../../protocol/batch/header.js'
import { exactInt64, RecordWalker } from '../../protocol/batch/records.js'
import { sizeOfVarlong, writeVarint, writeVarlong } from '../../protocol/wire/varint.js'
import type { CleanerTransactions } from './cleaner-transactions.js'
import { compressInSteps, decompress, decompressInSteps } from './compression/index.js'
import type { OffsetMap } from './offset-map.js'
import type { ProducerEntry } from './producer-state.js'
import { type Steps, walkThrough } from './steps.js'
import type { AbortedTransaction } from './txn-index.js'

export interface FilterRules {
  readonly map: Pick<OffsetMap, 'get' | 'latestOffset'>
  readonly transactions: CleanerTransactions
  /** What the partition knows of a producer now. */
  producer(producerId: number): Readonly<ProducerEntry> | undefined
  readonly now: number
  readonly deleteRetentionMs: number
  /** Asked within large batches: a promise until which to rest, or null. */
  rest(): Promise<void> | null
}

/** 'copy': the batch stays as it is. */
export type Filtered = 'copy' | 'drop' | Buffer

/** Stretches of a records section that stay, as pairs of start and end. */
interface Kept {
  readonly ranges: number[]
  count: number
  bytes: number
  tombstones: boolean
  /** Of the records that stay; NaN when one is beyond exact arithmetic. */
  maxTimestamp: number
}

const ATTRIBUTES_LOW = header.ATTRIBUTES + 1
const NO_TIMESTAMP = 0xff
/** After so many records a rest is due to be asked for. */
export const STEP_RECORDS = 256

export class BatchFilter {
  /** Set by `filter` for an abort marker that stays needed: the new segment's transaction index gets it. */
  aborted: AbortedTransaction | null = null

  constructor(private readonly rules: FilterRules) {}

  /**
   * Filters the batch at `at`, which is whole and sound. `keepHeader`: an empty batch with its header is left even of a batch that loses
   * everything. The batch's codec must be ready. A promise: of a large batch, whose bytes must stay until then.
   * @throws ProtocolError, CompressionError when the batch cannot be read
   */
  filter(b: Buffer, at: number, keepHeader: boolean): Filtered | Promise<Filtered> {
    this.aborted = null
    const keep = keepHeader || this.isLastOfProducer(b, at)
    const steps = header.isControl(b, at) ? this.filterMarker(b, at, keep) : this.filterData(b, at, keep)
    return walkThrough(steps, this.rules.rest)
  }

  /**
   * The last batch of a producer that is remembered stays (perhaps empty), or a restart would forget its sequence number; of a producer
   * without batches it is the marker with its epoch.
   */
  private isLastOfProducer(b: Buffer, at: number): boolean {
    const producerId = header.producerId(b, at)
    const entry = producerId < 0 ? undefined : this.rules.producer(producerId)
    if (entry === undefined) return false
    const last = entry.batches.at(-1)
    if (last !== undefined) return last.lastOffset === header.lastOffset(b, at)
    return header.isControl(b, at) && header.producerEpoch(b, at) === entry.producerEpoch
  }

  /**
   * A marker goes once nothing of its transaction is left and the delete horizon, which is set when that is first seen, has passed: a
   * reader that saw the batches must have had time to see how they ended.
   */
  private *filterMarker(b: Buffer, at: number, keep: boolean): Steps<Filtered> {
    const type = controlType(b, at)
    // Emptied by an earlier cleaning.
    if (type === null) return keep ? 'copy' : 'drop'
    if (type !== ControlType.ABORT && type !== ControlType.COMMIT) return 'copy'
    const { transactions, now } = this.rules
    const abort = type === ControlType.ABORT
    const { spent, entry } = transactions.onMarker(header.producerId(b, at), header.lastOffset(b, at), abort)
    this.aborted = entry
    if (!spent) return 'copy'
    if (!hasHorizon(b, at)) return yield* rewrite(b, at, wholeSection(b, at), this.horizon())
    return keep || header.baseTimestamp(b, at) > now ? 'copy' : 'drop'
  }

  private *filterData(b: Buffer, at: number, keep: boolean): Steps<Filtered> {
    const { transactions } = this.rules
    const transactional = header.isTransactional(b, at)
    const aborted = transactions.onBatch(header.producerId(b, at), header.lastOffset(b, at), transactional)
    const count = header.recordCount(b, at)
    if (aborted || count === 0) {
      if (!keep) return 'drop'
      return count === 0 ? 'copy' : emptied(b, at)
    }
    const section = sectionAsStored(b, at) ?? (yield* decompressedSection(b, at))
    const kept = yield* this.survivors(b, at, section)
    if (kept.count === 0) return keep ? emptied(b, at) : 'drop'
    const horizon = kept.tombstones && !hasHorizon(b, at) ? this.horizon() : null
    if (kept.count === count && horizon === null) return 'copy'
    return yield* rewrite(b, at, { section, kept, complete: kept.count === count }, horizon)
  }

  /** "For ever" is Long.MAX_VALUE ms: it must not wrap around to a time that has passed, as in Kafka. */
  private horizon(): number {
    return Math.min(this.rules.now + this.rules.deleteRetentionMs, Number.MAX_SAFE_INTEGER)
  }

  private *survivors(b: Buffer, at: number, section: Buffer): Steps<Kept> {
    const { map, now } = this.rules
    const kept: Kept = { ranges: [], count: 0, bytes: 0, tombstones: false, maxTimestamp: Number.NEGATIVE_INFINITY }
    const baseOffset = header.baseOffset(b, at)
    const baseTimestamp = header.baseTimestamp(b, at)
    const deletesExpired = hasHorizon(b, at) && baseTimestamp <= now
    const { ranges } = kept
    const records = new RecordWalker(section, 0, section.length, header.recordCount(b, at))
    let start = 0
    while (records.next()) {
      const end = records.at
      const offset = baseOffset + records.offsetDelta
      if (offset > map.latestOffset || this.isLatest(records, offset, deletesExpired)) {
        if (ranges.length > 0 && ranges[ranges.length - 1] === start) ranges[ranges.length - 1] = end
        else ranges.push(start, end)
        kept.count++
        kept.bytes += end - start
        kept.tombstones ||= records.valueLength < 0
        kept.maxTimestamp = Math.max(kept.maxTimestamp, baseTimestamp + Number(records.timestampDelta))
      }
      start = end
      if (records.index % STEP_RECORDS === STEP_RECORDS - 1) yield null
    }
    return kept
  }

  /** Records without a key have no place in a compacted log: they are from the time before it was one. */
  private isLatest(record: RecordWalker, offset: number, deletesExpired: boolean): boolean {
    if (record.keyLength < 0) return false
    if (offset < this.rules.map.get(record.buffer, record.keyStart, record.keyStart + record.keyLength)) return false
    return record.valueLength >= 0 || !deletesExpired
  }
}

/** KIP-534: whether the base timestamp is the time from which on tombstones and markers of the batch may go. */
function hasHorizon(b: Buffer, at: number): boolean {
  return (b[at + ATTRIBUTES_LOW]! & header.DELETE_HORIZON_BIT) !== 0
}

/** The type of a control batch's record; null when there is none. @throws ProtocolError */
export function controlType(b: Buffer, at: number): number | null {
  const section = sectionOf(b, at)
  const record = new RecordWalker(section, 0, section.length, header.recordCount(b, at))
  return record.next() ? parseControlType(record.key()) : null
}

/** The records of a batch that is not compressed, else null. */
export function sectionAsStored(b: Buffer, at: number): Buffer | null {
  return header.compressionCode(b, at) === 0 || header.recordCount(b, at) === 0 ? storedSection(b, at) : null
}

/** The records of one that is. @throws CompressionError */
export function* decompressedSection(b: Buffer, at: number): Steps<Buffer> {
  const section = yield* decompressInSteps(header.compressionCode(b, at), storedSection(b, at))
  yield null
  return section
}

/** The records of a control batch, at once. */
const sectionOf = (b: Buffer, at: number): Buffer =>
  sectionAsStored(b, at) ?? decompress(header.compressionCode(b, at), storedSection(b, at))

const storedSection = (b: Buffer, at: number): Buffer =>
  b.subarray(at + header.HEADER_BYTES, at + header.sizeInBytes(b, at))

interface Survivors {
  section: Buffer
  kept: Kept
  /** All records stay. */
  complete: boolean
}

function wholeSection(b: Buffer, at: number): Survivors {
  const section = sectionOf(b, at)
  const count = header.recordCount(b, at)
  const kept = { ranges: [0, section.length], count, bytes: section.length, tombstones: false, maxTimestamp: 0 }
  return { section, kept, complete: true }
}

/** The batch with the survivors only; with `horizon` the base timestamp becomes that, and the records' times are told from there. */
function* rewrite(b: Buffer, at: number, survivors: Survivors, horizon: number | null): Steps<Buffer> {
  const { section, kept } = survivors
  const plain = horizon === null ? yield* joined(section, kept) : yield* retimed(b, at, section, kept, horizon)
  const code = header.compressionCode(b, at)
  const body = code === 0 ? plain : yield* compressInSteps(code, plain)
  yield null
  return rewritten(b, at, survivors, horizon, body)
}

function rewritten(b: Buffer, at: number, { kept, complete }: Survivors, horizon: number | null, body: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(header.HEADER_BYTES + body.length)
  b.copy(batch, 0, at, at + header.HEADER_BYTES)
  body.copy(batch, header.HEADER_BYTES)
  if (horizon !== null) {
    batch[ATTRIBUTES_LOW]! |= header.DELETE_HORIZON_BIT
    header.pokeInt64(batch, header.BASE_TIMESTAMP, horizon)
  }
  const { maxTimestamp } = kept
  // KIP-32: the append time of a LogAppendTime batch stands for all of its records.
  if (!complete && header.timestampType(b, at) === 0 && Number.isSafeInteger(maxTimestamp)) {
    header.pokeInt64(batch, header.MAX_TIMESTAMP, maxTimestamp)
  }
  return sealed(batch, kept.count)
}

/** The header alone: no record is left, but the offsets and the producer's sequence numbers are. */
function emptied(b: Buffer, at: number): Buffer {
  const batch = Buffer.allocUnsafe(header.HEADER_BYTES)
  b.copy(batch, 0, at, at + header.HEADER_BYTES)
  batch[ATTRIBUTES_LOW]! &= ~(header.COMPRESSION_MASK | header.DELETE_HORIZON_BIT)
  batch.fill(NO_TIMESTAMP, header.BASE_TIMESTAMP, header.BASE_TIMESTAMP + 8)
  return sealed(batch, 0)
}

function sealed(batch: Buffer, recordCount: number): Buffer {
  header.pokeInt32(batch, header.BATCH_LENGTH, batch.length - header.LOG_OVERHEAD)
  header.pokeInt32(batch, header.RECORD_COUNT, recordCount)
  updateCrc(batch)
  return batch
}

function* joined(section: Buffer, { ranges, bytes }: Kept): Steps<Buffer> {
  const to = Buffer.allocUnsafe(bytes)
  let done = 0
  for (let i = 0; i < ranges.length; i += 2) {
    done += section.copy(to, done, ranges[i]!, ranges[i + 1]!)
    if (i % STEP_RECORDS === STEP_RECORDS - 2) yield null
  }
  return to
}

/** The survivors with their timestamp deltas counted from `horizon`. */
function* retimed(b: Buffer, at: number, section: Buffer, kept: Kept, horizon: number): Steps<Buffer> {
  const shift = exactDifference(exactInt64(b, at + header.BASE_TIMESTAMP), horizon)
  // A record's size and delta may grow from one byte each to five and ten.
  const to = Buffer.allocUnsafe(kept.bytes + kept.count * 13)
  let done = 0
  let count = 0
  for (let i = 0; i < kept.ranges.length; i += 2) {
    const end = kept.ranges[i + 1]!
    const records = new RecordWalker(section, kept.ranges[i]!, end, Number.POSITIVE_INFINITY)
    while (records.at < end && records.next()) {
      const delta = exactSum(records.timestampDelta, shift)
      const restStart =
        records.at - records.bodyBytes + 1 + sizeOfVarlongAt(section, records.at - records.bodyBytes + 1)
      const size = 1 + sizeOfVarlong(delta) + (records.at - restStart)
      done = writeVarint(to, done, size)
      to[done++] = records.attributes
      done = writeVarlong(to, done, delta)
      done += section.copy(to, done, restStart, records.at)
      if (++count % STEP_RECORDS === 0) yield null
    }
  }
  return to.subarray(0, done)
}

function sizeOfVarlongAt(b: Buffer, at: number): number {
  let size = 1
  while (b[at + size - 1]! >= 0x80) size++
  return size
}

/** Sums of int64 values that may be bigints at run time; wraps as Java does. */
function exactSum(a: number, b: number): number {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a + b)) return a + b
  return BigInt.asIntN(64, BigInt(a) + BigInt(b)) as unknown as number
}

function exactDifference(a: number, b: number): number {
  return exactSum(a, typeof b === 'number' ? -b : (-BigInt(b) as unknown as number))
}
