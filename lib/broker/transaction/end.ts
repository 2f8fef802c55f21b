import { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'
import type { EndTransactionCommand, MarkersWritten, ProducerIdReply } from './commands.js'
import { noProducer } from './init.js'
import { NO_PRODUCER_ID, type TopicPartitions, type Transaction } from './records.js'
import { isEnding } from './states.js'
import { completed, ending, fenced, isEpochExhausted, supportsEpochBump } from './transitions.js'
import { type Entry, Turn } from './turn.js'

/** What is to happen with an EndTxn: an answer now, or the transaction ends. */
type Verdict = { readonly errorCode: ErrorCode } | 'end'

const CONCURRENT: Verdict = { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS }
const FENCED: Verdict = { errorCode: ErrorCode.PRODUCER_FENCED }
const INVALID_STATE: Verdict = { errorCode: ErrorCode.INVALID_TXN_STATE }
const UNKNOWN_PRODUCER: Verdict = { errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING }
/** It was ended in this way before; the answer was lost. */
const DONE: Verdict = { errorCode: ErrorCode.NONE }

/** EndTxn (TransactionCoordinator.handleEndTransaction). Answered when the decision is committed; the markers follow. */
export function endTransaction(turn: Turn, request: EndTransactionCommand, slot: Slot<ProducerIdReply>): void {
  const entry = turn.entry(request.transactionalId)
  if (entry === undefined) {
    turn.out.answer(slot, noProducer(ErrorCode.INVALID_PRODUCER_ID_MAPPING))
    return
  }
  const { value } = entry
  const bumps = supportsEpochBump(request.transactionVersion)
  const verdict = bumps ? judgeWithBump(value, request) : judge(value, request)
  if (verdict !== 'end') {
    const done = verdict.errorCode === ErrorCode.NONE
    turn.out.answer(slot, done ? identity(value) : noProducer(verdict.errorCode))
    return
  }
  const nextProducerId = idAfter(turn, value, bumps)
  if (nextProducerId === null) {
    turn.out.answer(slot, noProducer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
    return
  }
  const next = ending(value, request.commit, request.transactionVersion, nextProducerId, turn.now)
  turn.write(request.transactionalId, next)
  turn.out.answer(slot, identity(completed(next, turn.now)))
  sendMarkersWhenCommitted(turn, entry)
}

const identity = ({ producerId, producerEpoch }: Transaction): ProducerIdReply => ({
  errorCode: ErrorCode.NONE,
  producerId,
  producerEpoch,
})

/** Before KIP-890: one epoch for all transactions, so that an end that comes again is known by the state alone. */
function judge(value: Transaction, { producerId, producerEpoch, commit }: EndTransactionCommand): Verdict {
  if (value.producerId !== producerId) return UNKNOWN_PRODUCER
  if (value.producerEpoch !== producerEpoch) return FENCED
  switch (value.state) {
    case 'Ongoing':
      return 'end'
    case 'PrepareCommit':
    case 'PrepareAbort':
      return CONCURRENT
    case 'CompleteCommit':
      return commit ? DONE : INVALID_STATE
    case 'CompleteAbort':
      return commit ? INVALID_STATE : DONE
    default:
      return INVALID_STATE
  }
}

/**
 * KIP-890: the epoch tells an end that comes again (A: the one before the current, B: the last of the id before) from the end of the next
 * transaction. Nothing open: an abort is fine, and bumps the epoch; a producer that lost an answer of Produce does so.
 */
function judgeWithBump(value: Transaction, request: EndTransactionCommand): Verdict {
  const { producerId, producerEpoch, commit } = request
  // Before the identity is looked at: it may be about to change.
  if (isEnding(value.state)) return CONCURRENT
  const again = value.producerEpoch === producerEpoch + 1 && value.producerId === producerId // A
  const againAfterRotation =
    value.previousProducerId === producerId && isEpochExhausted(producerEpoch) && value.producerEpoch === 0 // B
  if (value.producerId !== producerId && !againAfterRotation) return UNKNOWN_PRODUCER
  const current = value.producerEpoch === producerEpoch && value.producerId === producerId
  switch (value.state) {
    case 'Ongoing':
      return current ? 'end' : FENCED
    case 'CompleteCommit':
    case 'CompleteAbort':
      if (again || againAfterRotation) return commit === (value.state === 'CompleteCommit') ? DONE : INVALID_STATE
      break
    default:
  }
  if (!current) return FENCED
  return commit ? INVALID_STATE : 'end'
}

/**
 * Takes the transaction from its producer and aborts it: there is a newer producer, or it took too long. False: its epochs are used up and no
 * new producer id is at hand, so that this has to wait.
 */
export function fenceAndAbort(turn: Turn, entry: Entry): boolean {
  const { transactionalId, value } = entry
  const transactionVersion = turn.context.transactionVersion()
  const nextProducerId = idAfter(turn, value, supportsEpochBump(transactionVersion))
  if (nextProducerId === null) return false
  turn.write(transactionalId, fenced(value, transactionVersion, nextProducerId, turn.now))
  sendMarkersWhenCommitted(turn, entry)
  return true
}

/** Who the producer is after an end that bumps its last epoch; null when no id is at hand. */
function idAfter(turn: Turn, { producerEpoch }: Transaction, bumps: boolean): number | null {
  return bumps && isEpochExhausted(producerEpoch) ? turn.context.ids.take() : NO_PRODUCER_ID
}

/** A marker must never be seen for a decision that may still be lost: it waits for the high watermark, as an answer does. */
function sendMarkersWhenCommitted(turn: Turn, { transactionalId }: Entry): void {
  const { context } = turn
  const send = (): void => {
    const entry = context.entries.get(transactionalId)
    if (entry === undefined || !isEnding(entry.value.state)) return
    const { producerId, producerEpoch, state, clientTransactionVersion } = entry.value
    entry.round = {
      transactionalId,
      producerId,
      producerEpoch,
      commit: state === 'PrepareCommit',
      transactionVersion: clientTransactionVersion,
      partitions: entry.unmarked,
    }
    context.sendMarkers(entry.round)
  }
  // A shard that goes away leaves its markers to the next coordinator.
  turn.out.answer({ send, fail: () => {} }, null)
}

/** Writes the markers that are missing: some could not be written, or the coordinator is a new one. */
export function sendMarkers(turn: Turn, transactionalId: string): void {
  const entry = turn.entry(transactionalId)
  if (entry !== undefined && isEnding(entry.value.state)) sendMarkersWhenCommitted(turn, entry)
}

const retryKey = (transactionalId: string): string => `markers ${transactionalId}`

/** A round of markers is through. What failed is tried again after a while; when nothing is missing the transaction is complete. */
export function markersWritten(turn: Turn, { round, errorCodes }: MarkersWritten): void {
  const { transactionalId, partitions } = round
  const entry = turn.entry(transactionalId)
  // Of a round before a fail-over, perhaps: it may be another transaction's, which nothing else tells before KIP-890.
  if (entry?.round !== round) return
  entry.unmarked = failedOf(partitions, errorCodes)
  if (entry.unmarked.length === 0) {
    turn.write(transactionalId, completed(entry.value, turn.now))
    turn.out.cancel(retryKey(transactionalId))
    turn.out.ifRefused = () => {
      // Every marker is written: what comes later is a round without any.
      const instead = new Turn(turn.context, turn.now)
      sendMarkersLater(instead, entry)
      return instead.out
    }
    return
  }
  sendMarkersLater(turn, entry)
  const { logger } = turn.context
  if (entry.failedRounds !== ROUNDS_UNTIL_SAID) return
  const { topic, partitionIds } = entry.unmarked[0]!
  const code = errorCodes.find((each) => each !== ErrorCode.NONE)
  logger.warn(
    `The end of the transaction ${transactionalId} cannot be written to ${topic}-${partitionIds[0]} (error ${code}) and perhaps others; it is tried until it can.`,
  )
}

function sendMarkersLater(turn: Turn, entry: Entry): void {
  const { transactionalId, failedRounds } = entry
  const { markerRetryMs, markerRetryMaxMs } = turn.context.config
  const delayMs = Math.min(markerRetryMs * 2 ** failedRounds, markerRetryMaxMs)
  turn.out.schedule(retryKey(transactionalId), delayMs, { type: 'send-markers', transactionalId })
  entry.failedRounds++
}

/** A leader that moves is nothing to speak of. */
const ROUNDS_UNTIL_SAID = 5

function failedOf(partitions: TopicPartitions, errorCodes: readonly ErrorCode[]): TopicPartitions {
  let at = 0
  return partitions
    .map(({ topic, partitionIds }) => ({
      topic,
      partitionIds: partitionIds.filter(() => errorCodes[at++] !== ErrorCode.NONE),
    }))
    .filter(({ partitionIds }) => partitionIds.length > 0)
}
