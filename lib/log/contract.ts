/**
 * What a partition promises to the levels above it, as types. `PartitionLog` implements it.
 *
 * Append is two steps: *accepted* (in this turn: validated, offsets assigned, bytes in the tail, `endOffset` moved) and
 * *written* (handed to the operating system; `writtenOffset` moved, `onWritten` called). Only written data may be acknowledged.
 */
import type { ErrorCode } from '../../protocol/errors.js'

export interface LogView {
  /** First offset that may be read. */
  readonly logStartOffset: number
  /** LEO: the offset the next record gets. */
  readonly endOffset: number
  /** Everything below has been handed to the operating system. Often equal to `endOffset` when `append` returns. */
  readonly writtenOffset: number
  /** First offset of the oldest open transaction, or null. The LSO is the smaller of this and the high watermark. */
  readonly firstUnstableOffset: number | null
  readonly sizeInBytes: number
  /** True after a failed write or read of the disk: appends and reads answer KAFKA_STORAGE_ERROR until the log is opened anew. */
  readonly offline: boolean
  /** Leader epoch of the last batch, -1 when there is none. */
  readonly latestEpoch: number
}

export interface AppendOptions {
  /** 'client': everything is checked, offsets and leader epoch are assigned. 'coordinator': the same without client-only refusals
   *  (control batches are allowed). 'replication': offsets and epochs are kept as they are and must continue the log. */
  origin: 'client' | 'coordinator' | 'replication'
  leaderEpoch: number
  /** Wall time in ms. */
  now: number
  /**
   * transaction.version of what is written, where it matters (KIP-890). A marker of version 2 has a higher epoch than the records that it
   * ends. A client's batch of version 2 that begins a transaction begins with sequence 0 when nothing is known of its producer.
   */
  transactionVersion?: number
}

export interface AppendInfo {
  errorCode: ErrorCode
  /** A sentence for the client (Produce v8+), null when there is no error. */
  errorMessage: string | null
  /** First offset given, or of the original batch when it was a duplicate; -1 on error. */
  baseOffset: number
  /** Last offset given; baseOffset - 1 when nothing was. */
  lastOffset: number
  /** Append time for LogAppendTime topics and duplicates, else -1. */
  logAppendTimeMs: number
  logStartOffset: number
  /** True when an idempotent producer sent this batch before: nothing was appended. */
  duplicate: boolean
  /** Indexes within the batch of the records that were refused (Produce v8+ `recordErrors`). */
  recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[]
}

export interface ReadOptions {
  maxBytes: number
  /** Exclusive bound: high watermark, last stable offset, or endOffset for a follower. */
  upperBound: number
  /** Return the first batch whole even when it is larger than maxBytes. */
  minOneMessage: boolean
}

export interface ReadResult {
  /** NONE, OFFSET_OUT_OF_RANGE (below the log start, beyond the end or negative) or KAFKA_STORAGE_ERROR; on an error there are no pieces. */
  errorCode: ErrorCode
  /** Whole batches, beginning with the one that contains the offset. Views or pooled memory: valid until `release`. */
  pieces: readonly Buffer[]
  sizeInBytes: number
  /** For read_committed: aborted transactions that overlap what was read. */
  abortedTransactions: readonly { producerId: number; firstOffset: number }[]
  /** Called when the pieces have left the process; null when nobody waits for it. */
  release: (() => void) | null
}

/** A record's position in time: what ListOffsets answers. */
export interface TimestampOffset {
  timestamp: number
  offset: number
  /** Epoch of the leader that wrote the batch, -1 when unknown. */
  leaderEpoch: number
}

/** Answer to OffsetForLeaderEpoch: -1/-1 when the epoch is newer than anything known here. */
export interface EpochEndOffset {
  leaderEpoch: number
  endOffset: number
}
