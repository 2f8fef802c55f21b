import { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'
import type {
  AddPartitionsCommand,
  AddPartitionsReply,
  TransactionalProducer,
  VerifyPartitionsCommand,
  VerifyPartitionsReply,
} from './commands.js'
import type { Transaction } from './records.js'
import { isEnding } from './states.js'
import { contains, containsAll, withPartitions } from './transitions.js'
import { Turn } from './turn.js'

/** More than the tagged fields that the end of a transaction adds to its record: one that cannot be written would stay open for ever. */
const END_BYTES = 32

/** Puts partitions into the producer's transaction, which begins by it (TransactionCoordinator.handleAddPartitionsToTransaction). */
export function addPartitions(turn: Turn, request: AddPartitionsCommand, slot: Slot<AddPartitionsReply>): void {
  const { transactionalId, partitions, transactionVersion } = request
  const value = turn.entry(transactionalId)?.value
  const errorCode = refusalOf(value, request)
  const known = value?.state === 'Ongoing' && containsAll(value.partitions, partitions)
  if (value === undefined || errorCode !== ErrorCode.NONE || known) {
    turn.out.answer(slot, { errorCode })
    return
  }
  turn.write(transactionalId, withPartitions(value, partitions, transactionVersion, turn.now))
  turn.out.answer(slot, { errorCode: ErrorCode.NONE })
  turn.out.reservedBytes = END_BYTES
  turn.out.ifTooLarge = () => {
    const { out } = new Turn(turn.context, turn.now)
    out.answer(slot, { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
    return out
  }
}

/** Are these partitions in the producer's transaction? TRANSACTION_ABORTABLE for each that is not. */
export function verifyPartitions(
  turn: Turn,
  request: VerifyPartitionsCommand,
  slot: Slot<VerifyPartitionsReply>,
): void {
  const value = turn.entry(request.transactionalId)?.value
  const unknown = value === undefined ? ErrorCode.INVALID_PRODUCER_ID_MAPPING : identityProblem(value, request)
  // The identity first: whoever has been fenced is not to come again.
  const errorCode = unknown === ErrorCode.NONE ? refusalOf(value, request) : unknown
  const errorCodes = request.partitions.flatMap(({ topic, partitionIds }) =>
    partitionIds.map((id) => {
      if (value === undefined || errorCode !== ErrorCode.NONE) return errorCode
      return contains(value.partitions, topic, id) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE
    }),
  )
  turn.out.answer(slot, { errorCodes })
}

/** While its last transaction is ending a producer is told to come again before all else: its id may be about to change (KIP-890). */
function refusalOf(value: Transaction | undefined, producer: TransactionalProducer): ErrorCode {
  if (value === undefined) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  if (isEnding(value.state)) return ErrorCode.CONCURRENT_TRANSACTIONS
  return identityProblem(value, producer)
}

function identityProblem(value: Transaction, producer: TransactionalProducer): ErrorCode {
  if (value.producerId !== producer.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  return value.producerEpoch === producer.producerEpoch ? ErrorCode.NONE : ErrorCode.PRODUCER_FENCED
}
