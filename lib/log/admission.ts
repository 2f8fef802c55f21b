/** May a batch go into this log? What the validator cannot know: the producers' states, the segment size, a follower's position. */
import { isValidBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { AcceptedBatch } from './append-validator.js'
import { endOfTransaction } from './batch-effects.js'
import type { AppendOptions } from './contract.js'
import type { EndTransaction, ProducerStates } from './producer-state.js'

/** A batch on its way into the log. `AcceptedBatch` is one. */
export interface IncomingBatch {
  readonly batch: Buffer
  readonly lastOffsetDelta: number
  readonly maxTimestamp: number
}

/** Why a batch was refused; DUPLICATE_SEQUENCE_NUMBER means that `producers.duplicate` is the batch that it repeats. */
export interface Refusal {
  errorCode: ErrorCode
  message: string
}

/** The producer's side of an append: null when there is nothing against it. `marker`: what the batch ends, if it is a marker. */
export function refuseProducer(
  batch: AcceptedBatch,
  options: Pick<AppendOptions, 'origin' | 'transactionVersion'>,
  marker: EndTransaction | null,
  producers: ProducerStates,
): Refusal | null {
  const { origin, transactionVersion = 0 } = options
  const errorCode =
    marker !== null
      ? producers.checkMarker(marker, transactionVersion)
      : transactionVersion >= 2 && startsLate(batch, producers)
        ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        : producers.check(
            batch.producerId,
            batch.producerEpoch,
            batch.baseSequence,
            batch.lastOffsetDelta,
            batch.transactional,
            origin === 'client',
          )
  return errorCode === ErrorCode.NONE ? null : { errorCode, message: explain(errorCode, batch, producers) }
}

/**
 * From transaction.version 2 on an unknown producer begins at sequence 0: it has an epoch for each transaction, so there is nothing that could
 * have been forgotten (KIP-890), and a batch that overtook the first one must not be taken for it.
 */
function startsLate(batch: AcceptedBatch, producers: ProducerStates): boolean {
  const { producerId, baseSequence } = batch
  if (!batch.transactional || baseSequence === 0 || producers.transactions.isOpen(producerId)) return false
  return (producers.get(producerId)?.batches.length ?? 0) === 0
}

function explain(errorCode: ErrorCode, batch: AcceptedBatch, producers: ProducerStates): string {
  const { producerId, producerEpoch, baseSequence } = batch
  const entry = producers.get(producerId)
  switch (errorCode) {
    case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER: {
      const last = entry?.batches.at(-1)?.lastSequence ?? -1
      return `Producer ${producerId} with epoch ${producerEpoch} sent sequence ${baseSequence}, the last one here was ${last}.`
    }
    case ErrorCode.INVALID_PRODUCER_EPOCH:
      return `Producer ${producerId} sent epoch ${producerEpoch}, the current one is ${entry?.producerEpoch ?? -1}.`
    case ErrorCode.INVALID_TXN_STATE:
      return `Producer ${producerId} has a transaction open, and the batch is not part of it.`
    case ErrorCode.TRANSACTION_COORDINATOR_FENCED:
      return `The marker comes from an older coordinator than epoch ${entry?.coordinatorEpoch ?? -1}.`
    default:
      return `The batch with sequence ${baseSequence} of producer ${producerId} is here already.`
  }
}

/** The marker in a coordinator's control batch; null for other batches. @throws ProtocolError when malformed */
export const markerIn = (batch: AcceptedBatch): EndTransaction | null =>
  batch.control && batch.producerId >= 0 ? endOfTransaction(batch.batch, 0) : null

export interface ReplicaBatch extends IncomingBatch {
  readonly baseOffset: number
  readonly leaderEpoch: number
}

/**
 * Where the first batch begins when `endOffset` lies inside it, else -1: DeleteRecords may have put the leader's log start, where a follower
 * without anything begins, into the middle of a batch.
 */
export function batchAround(records: Buffer, endOffset: number): number {
  if (records.length < header.HEADER_BYTES) return -1
  const baseOffset = header.baseOffset(records, 0)
  return baseOffset < endOffset && header.lastOffset(records, 0) >= endOffset ? baseOffset : -1
}

/**
 * Cuts what a leader sent into its batches. An incomplete one at the end is left for the next fetch. CORRUPT_MESSAGE when a CRC is
 * wrong, UNKNOWN_SERVER_ERROR when the offsets don't continue the log (a gap is fine: compaction makes them).
 */
export function cutReplica(records: Buffer, endOffset: number): ReplicaBatch[] | Refusal {
  const batches: ReplicaBatch[] = []
  let next = endOffset
  let at = 0
  while (at + header.HEADER_BYTES <= records.length) {
    const size = header.sizeInBytes(records, at)
    if (size >= header.HEADER_BYTES && at + size > records.length) break
    if (size < header.HEADER_BYTES || header.magic(records, at) !== 2 || !isValidBatch(records, at)) {
      return { errorCode: ErrorCode.CORRUPT_MESSAGE, message: `The leader's batch at byte ${at} is damaged.` }
    }
    const baseOffset = header.baseOffset(records, at)
    const lastOffsetDelta = header.lastOffsetDelta(records, at)
    if (baseOffset < next || lastOffsetDelta < 0) {
      const message = `The leader's batch begins at offset ${baseOffset}, this log ends at ${next}.`
      return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, message }
    }
    batches.push({
      batch: records.subarray(at, at + size),
      lastOffsetDelta,
      maxTimestamp: header.maxTimestamp(records, at),
      baseOffset,
      leaderEpoch: header.leaderEpoch(records, at),
    })
    next = baseOffset + lastOffsetDelta + 1
    at += size
  }
  return batches
}
