import { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'
import type { InitProducerIdCommand, ProducerIdAndEpoch, ProducerIdReply } from './commands.js'
import { fenceAndAbort } from './end.js'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type Transaction } from './records.js'
import { isEnding } from './states.js'
import { isEpochExhausted, newTransaction, withEpoch, withNewProducerId } from './transitions.js'
import type { Turn } from './turn.js'

export const noProducer = (errorCode: ErrorCode): ProducerIdReply => ({
  errorCode,
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
})

/**
 * InitProducerId of a transactional producer (TransactionCoordinator.handleInitProducerId). Cases:
 *
 * A. an id that nobody has used: a new producer id, epoch 0
 * B. its last transaction is ending -> CONCURRENT_TRANSACTIONS, it comes again
 * C. KIP-360: the producer says who it is, and it is not -> PRODUCER_FENCED
 * D. its last transaction is open: the producer has a successor. Its epoch is fenced, the transaction aborted, and the successor
 *    hears CONCURRENT_TRANSACTIONS; the epoch it gets in the end is one higher still
 * E. otherwise: the next epoch, or epoch 0 of a new producer id when the epochs are used up
 */
export function initProducerId(turn: Turn, request: InitProducerIdCommand, slot: Slot<ProducerIdReply>): void {
  const { out, context } = turn
  const entry = turn.entry(request.transactionalId)
  if (entry === undefined) {
    if (context.entries.size >= context.config.idsPerShardMax) {
      out.answer(slot, noProducer(ErrorCode.COORDINATOR_NOT_AVAILABLE))
      return
    }
    const producerId = context.ids.take()
    if (producerId === null) out.answer(slot, noProducer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
    else become(turn, request, slot, newTransaction(producerId, request.timeoutMs, turn.now)) // A
    return
  }
  const { value } = entry
  if (isEnding(value.state)) {
    out.answer(slot, noProducer(ErrorCode.CONCURRENT_TRANSACTIONS)) // B
  } else if (request.expected !== null && !isKnown(value, request.expected)) {
    out.answer(slot, noProducer(ErrorCode.PRODUCER_FENCED)) // C
  } else if (value.state === 'Ongoing') {
    const aborts = fenceAndAbort(turn, entry)
    const errorCode = aborts ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    out.answer(slot, noProducer(errorCode)) // D
  } else {
    nextEpoch(turn, request, slot, value) // E
  }
}

/** The producer is the current one, or lost the answer that gave it a new id because its epochs were used up. */
function isKnown(value: Transaction, expected: ProducerIdAndEpoch): boolean {
  if (expected.producerId === value.producerId) return true
  return expected.producerId === value.previousProducerId && isEpochExhausted(expected.producerEpoch)
}

function nextEpoch(turn: Turn, request: InitProducerIdCommand, slot: Slot<ProducerIdReply>, value: Transaction): void {
  const { expected, timeoutMs } = request
  if (isEpochExhausted(value.producerEpoch) && (expected === null || expected.producerEpoch === value.producerEpoch)) {
    const producerId = turn.context.ids.take()
    if (producerId === null) turn.out.answer(slot, noProducer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
    else become(turn, request, slot, withNewProducerId(value, producerId, timeoutMs, expected !== null, turn.now))
    return
  }
  const epochs = epochsAfter(value, expected)
  if (epochs === null) turn.out.answer(slot, noProducer(ErrorCode.PRODUCER_FENCED))
  else become(turn, request, slot, withEpoch(value, epochs, timeoutMs, turn.now))
}

/** Null: the producer's epoch is neither the current one nor the one whose bump it did not hear of (KIP-360). */
function epochsAfter(value: Transaction, expected: ProducerIdAndEpoch | null) {
  const { producerEpoch, lastProducerEpoch } = value
  if (expected === null) return { producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH }
  if (expected.producerEpoch === producerEpoch) {
    return { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  }
  return expected.producerEpoch === lastProducerEpoch ? { producerEpoch, lastProducerEpoch } : null
}

function become(
  turn: Turn,
  { transactionalId }: InitProducerIdCommand,
  slot: Slot<ProducerIdReply>,
  value: Transaction,
): void {
  turn.write(transactionalId, value)
  const { producerId, producerEpoch } = value
  turn.out.answer(slot, { errorCode: ErrorCode.NONE, producerId, producerEpoch })
}
