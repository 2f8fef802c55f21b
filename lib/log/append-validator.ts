/**
 * Checks the bytes that a producer sent for one partition, as Apache Kafka 4.4 does (ProduceRequest.validateRecords,
 * UnifiedLog.analyzeAndValidateRecords, LogValidator), and makes them ready for the log. Pure: bytes and rules in, a verdict out.
 *
 * A batch is patched in place where the format allows it: base offset and leader epoch lie before the CRC's range; the time of a
 * LogAppendTime topic needs a new CRC; another compression needs a new batch. What it costs: one CRC, a walk over the
 * records (their lengths, keys' presence and timestamps; not their offset deltas, when they are not compressed), no copies.
 *
 * Deviation: a compressed batch whose offset deltas are not 0, 1, 2 ... is refused with INVALID_RECORD; Kafka trips over it.
 */

import { computeCrc, updateCrc } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { RecordWalker } from '../../protocol/batch/records.js'
import { ErrorCode } from '../../protocol/errors.js'
import { ProtocolError } from '../../protocol/wire/error.js'
import { rewriteBatch } from './append-rewrite.js'
import { type AppendRules, targetCompression } from './append-rules.js'
import { onlyBatchSize, refusal } from './append-shape.js'
import {
  CompressionCode,
  CompressionError,
  DECOMPRESSED_BYTES_MAX,
  decompress,
  prepareCodec,
} from './compression/index.js'

export interface RecordError {
  batchIndex: number
  batchIndexErrorMessage: string | null
}

export interface RefusedBatch {
  readonly errorCode: Exclude<ErrorCode, typeof ErrorCode.NONE>
  /** A sentence for the client (Produce v8+). */
  readonly message: string
  /** The records that are to blame, when single ones are. */
  readonly recordErrors: readonly RecordError[]
}

export interface AcceptedBatch {
  readonly errorCode: typeof ErrorCode.NONE
  /** Exactly one batch: a view of the bytes given, or new memory when it was rewritten (`rewritten`). */
  readonly batch: Buffer
  readonly rewritten: boolean
  readonly recordCount: number
  readonly lastOffsetDelta: number
  /** Largest timestamp in ms, -1 when no record has one; `now` on a LogAppendTime topic. */
  readonly maxTimestamp: number
  /** Offset, relative to the batch's, of the first record that has `maxTimestamp` (0 under LogAppendTime), -1 without any. */
  readonly offsetOfMaxTimestamp: number
  /** The append time for the answer, -1 on a CreateTime topic. */
  readonly logAppendTimeMs: number
  /** -1 when the producer is not idempotent. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly control: boolean
}

export type Verdict = RefusedBatch | AcceptedBatch

/** As in `AppendOptions.origin`: coordinators may write control batches and are trusted with offsets and sequences. */
export type BatchOrigin = 'client' | 'coordinator'

/**
 * At most this many bad records are named in an answer: a batch of the smallest records would otherwise yield an answer ten times
 * its own size. Kafka's clients treat the unnamed ones as failed with the batch.
 */
const RECORD_ERRORS_MAX = 1000

/** The largest number that fits an int64: absurd times round, and must not round out of the field. */
const INT64_MAX_AS_NUMBER = 2 ** 63 - 1024

/** What the walk over the records found. */
interface Walk {
  maxTimestamp: number
  indexOfMaxTimestamp: number
  consecutive: boolean
  refused: RefusedBatch | null
}

/**
 * The codec that must be prepared (`prepareCodec`) before `validateBatch` may be called for these bytes, null when there is none.
 * Looks at one byte, so that it can be asked for every batch.
 */
export function codecsNeeded(records: Buffer | null, rules: AppendRules): number | null {
  if (records === null || records.length < header.HEADER_BYTES) return null
  const source = header.compressionCode(records)
  const zstd = CompressionCode.zstd
  if (source !== zstd && targetCompression(rules, source) !== zstd) return null
  return prepareCodec(zstd) === null ? null : zstd
}

/**
 * Checks one partition's bytes and patches them (time and CRC) in place.
 *
 * @param records as they came; null is a quirk of some clients and answered like empty ones
 * @param now wall time in ms
 * @throws CompressionError NOT_READY when `codecsNeeded` was not heeded; nothing else
 */
export function validateBatch(
  records: Buffer | null,
  rules: AppendRules,
  now: number,
  origin: BatchOrigin = 'client',
): Verdict {
  const size = onlyBatchSize(records)
  if (typeof size !== 'number') return size
  const batch = records!.length === size ? records! : records!.subarray(0, size)
  const refused = checkHeader(batch, rules, origin)
  if (refused !== null) return refused
  const source = header.compressionCode(batch)
  let section = batch
  let sectionAt = header.HEADER_BYTES
  if (source !== 0) {
    const plain = decompressed(batch, source)
    if (!Buffer.isBuffer(plain)) return plain
    section = plain
    sectionAt = 0
  }
  const walk = walkRecords(batch, section, sectionAt, rules, now)
  if (walk.refused !== null) return walk.refused
  // Control batches are never compressed by the broker.
  const target = header.isControl(batch) ? source : targetCompression(rules, source)
  if (target !== source) {
    const rewritten = rewriteBatch(batch, section.subarray(sectionAt), walk, rules, target, now)
    if (rewritten.length > rules.maxMessageBytes) return tooLarge(rewritten.length, rules)
    return accepted(rewritten, true, walk, rules, now)
  }
  if (source !== 0 && !walk.consecutive) {
    return refusal(ErrorCode.INVALID_RECORD, 'The offset deltas of the compressed records are not consecutive.')
  }
  stampTime(batch, rules, now, walk.maxTimestamp)
  return accepted(batch, false, walk, rules, now)
}

/** Gives a validated batch its place in the log. Both fields lie before the CRC's range. */
export function assignOffsets(batch: Buffer, baseOffset: number, leaderEpoch: number): void {
  header.pokeInt64(batch, header.BASE_OFFSET, baseOffset)
  header.pokeInt32(batch, header.LEADER_EPOCH, leaderEpoch)
}

const tooLarge = (bytes: number, rules: AppendRules): RefusedBatch =>
  refusal(
    ErrorCode.MESSAGE_TOO_LARGE,
    `The record batch has ${bytes} bytes, more than the topic's max.message.bytes of ${rules.maxMessageBytes}.`,
  )

/** What the header alone can tell, in Kafka's order: base offset, size, CRC, codec, counts, control, sequence. */
function checkHeader(batch: Buffer, rules: AppendRules, origin: BatchOrigin): RefusedBatch | null {
  const client = origin === 'client'
  if (client && header.baseOffset(batch) !== 0) {
    return refusal(
      ErrorCode.INVALID_RECORD,
      `The base offset of the batch should be 0, it is ${header.baseOffset(batch)}.`,
    )
  }
  if (batch.length > rules.maxMessageBytes) return tooLarge(batch.length, rules)
  if (batch.length < header.HEADER_BYTES) {
    return refusal(ErrorCode.CORRUPT_MESSAGE, `The batch has ${batch.length} bytes, less than its header.`)
  }
  const crc = computeCrc(batch)
  if (crc !== header.crc(batch)) {
    return refusal(ErrorCode.CORRUPT_MESSAGE, `The batch's CRC is ${header.crc(batch)}, its bytes have ${crc}.`)
  }
  return client ? checkClientFields(batch) : null
}

function checkClientFields(batch: Buffer): RefusedBatch | null {
  const count = header.recordCount(batch)
  const lastDelta = header.lastOffsetDelta(batch)
  if (lastDelta < 0) {
    return refusal(ErrorCode.INVALID_RECORD, `The batch has the last offset delta ${lastDelta}.`)
  }
  if (count <= 0) return refusal(ErrorCode.INVALID_RECORD, `The batch declares ${count} records.`)
  if (count !== lastDelta + 1) {
    return refusal(
      ErrorCode.INVALID_RECORD,
      `The batch declares ${count} records, but its last offset delta is ${lastDelta}.`,
    )
  }
  if (header.isControl(batch)) return refusal(ErrorCode.INVALID_RECORD, 'Clients may not write control records.')
  if (header.producerId(batch) > -1 && header.baseSequence(batch) < 0) {
    return refusal(
      ErrorCode.INVALID_RECORD,
      `The batch of producer ${header.producerId(batch)} has the sequence number ${header.baseSequence(batch)}.`,
    )
  }
  return null
}

function decompressed(batch: Buffer, code: number): Buffer | RefusedBatch {
  try {
    return decompress(code, batch.subarray(header.HEADER_BYTES), DECOMPRESSED_BYTES_MAX)
  } catch (error) {
    if (!(error instanceof CompressionError) || error.code === 'NOT_READY') throw error
    // Kafka's answer to an unknown codec and to garbage; a bomb is told apart, so that clients split their batch.
    const errorCode = error.code === 'TOO_LARGE' ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.UNKNOWN_SERVER_ERROR
    return refusal(errorCode, `The batch cannot be decompressed: ${error.message}.`)
  }
}

/** Reads every record once: structure, key (compacted topics), timestamp. */
function walkRecords(batch: Buffer, section: Buffer, start: number, rules: AppendRules, now: number): Walk {
  const walk: Walk = { maxTimestamp: -1, indexOfMaxTimestamp: -1, consecutive: true, refused: null }
  const errors = new RecordErrors()
  const createTime = rules.timestampType === 'CreateTime'
  const oldest = now - rules.timestampBeforeMaxMs
  const newest = now + rules.timestampAfterMaxMs
  const bodyBytesMax = section === batch ? Number.POSITIVE_INFINITY : rules.maxDecompressedBytes
  const base = header.baseTimestamp(batch)
  // A client may set the bit; then the batch's maximum is every record's time (KIP-32).
  const carriesAppendTime = header.timestampType(batch) === 1
  const appendTime = header.maxTimestamp(batch)
  const record = new RecordWalker(section, start, section.length, header.recordCount(batch))
  try {
    while (record.next()) {
      if (record.bodyBytes > bodyBytesMax) {
        walk.refused = refusal(
          ErrorCode.INVALID_RECORD,
          `Record ${record.index} has ${record.bodyBytes} bytes, more than max.decompressed.message.bytes allows.`,
        )
        return walk
      }
      const timestamp = carriesAppendTime ? appendTime : base + Number(record.timestampDelta)
      if (record.offsetDelta !== record.index) walk.consecutive = false
      if (rules.compact && record.keyLength < 0) errors.keyless(record.index)
      else if (createTime && timestamp !== -1) {
        if (timestamp < oldest || timestamp > newest) errors.timestamp(record.index, timestamp, oldest, newest)
      } else if (carriesAppendTime) errors.appendTime(record.index)
      if (timestamp > walk.maxTimestamp) {
        walk.maxTimestamp = Math.min(timestamp, INT64_MAX_AS_NUMBER)
        walk.indexOfMaxTimestamp = record.index
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    walk.refused = refusal(ErrorCode.INVALID_RECORD, `${error.message}.`)
    return walk
  }
  walk.refused = errors.refusal()
  return walk
}

/** Collects what is wrong with single records: a bounded list and a total. */
class RecordErrors {
  #total = 0
  #timestamps = false
  readonly #list: RecordError[] = []

  keyless(batchIndex: number): void {
    this.#add(batchIndex, 'A compacted topic takes no record without a key.')
  }

  timestamp(batchIndex: number, timestamp: number, oldest: number, newest: number): void {
    this.#timestamps = true
    this.#add(batchIndex, `The timestamp ${timestamp} lies outside of [${oldest}, ${newest}].`)
  }

  appendTime(batchIndex: number): void {
    this.#timestamps = true
    this.#add(batchIndex, 'A producer may not set the timestamp type LogAppendTime.')
  }

  #add(batchIndex: number, batchIndexErrorMessage: string): void {
    this.#total++
    if (this.#list.length < RECORD_ERRORS_MAX) this.#list.push({ batchIndex, batchIndexErrorMessage })
  }

  refusal(): RefusedBatch | null {
    if (this.#total === 0) return null
    return {
      errorCode: this.#timestamps ? ErrorCode.INVALID_TIMESTAMP : ErrorCode.INVALID_RECORD,
      message: `${this.#total} of the batch's records ${this.#timestamps ? 'have invalid timestamps' : 'are invalid'}.`,
      recordErrors: this.#list,
    }
  }
}

/**
 * Writes timestamp type and maximum timestamp where they differ from what is to be stored, and the CRC then: clients do not always
 * set the maximum, and the LogAppendTime bit of a client does not survive on a CreateTime topic. As in Kafka, unused attribute
 * bits survive only when nothing has to be written.
 */
function stampTime(batch: Buffer, rules: AppendRules, now: number, maxTimestamp: number): void {
  const type = rules.timestampType === 'LogAppendTime' ? 1 : 0
  const max = type === 1 ? now : maxTimestamp
  if (header.timestampType(batch) === type && header.maxTimestamp(batch) === max) return
  const kept = header.COMPRESSION_MASK | header.TRANSACTIONAL_BIT | header.CONTROL_BIT | header.DELETE_HORIZON_BIT
  batch[header.ATTRIBUTES] = 0
  batch[header.ATTRIBUTES + 1] = (batch[header.ATTRIBUTES + 1]! & kept) | (type === 1 ? header.TIMESTAMP_TYPE_BIT : 0)
  header.pokeInt64(batch, header.MAX_TIMESTAMP, max)
  updateCrc(batch)
}

function accepted(batch: Buffer, rewritten: boolean, walk: Walk, rules: AppendRules, now: number): AcceptedBatch {
  const appendTime = rules.timestampType === 'LogAppendTime'
  return {
    errorCode: ErrorCode.NONE,
    batch,
    rewritten,
    recordCount: header.recordCount(batch),
    lastOffsetDelta: header.lastOffsetDelta(batch),
    maxTimestamp: appendTime ? now : walk.maxTimestamp,
    offsetOfMaxTimestamp: appendTime ? 0 : walk.indexOfMaxTimestamp,
    logAppendTimeMs: appendTime ? now : -1,
    producerId: header.producerId(batch),
    producerEpoch: header.producerEpoch(batch),
    baseSequence: header.baseSequence(batch),
    transactional: header.isTransactional(batch),
    control: header.isControl(batch),
  }
}
