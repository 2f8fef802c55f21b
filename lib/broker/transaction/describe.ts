import { ErrorCode } from '../../../protocol/errors.js'
import type { DescribedTransaction, ListedTransaction, TransactionFilter } from './commands.js'
import { isEnding } from './states.js'
import type { Entry, Turn } from './turn.js'

export const undescribed = (transactionalId: string, errorCode: ErrorCode): DescribedTransaction => ({
  errorCode,
  transactionalId,
  state: '',
  timeoutMs: 0,
  startTimestamp: 0,
  producerId: 0,
  producerEpoch: 0,
  partitions: [],
})

/** DescribeTransactions. While it is ending: the partitions whose marker is still to come. */
export function describeTransaction(turn: Turn, transactionalId: string): DescribedTransaction {
  const entry = turn.entry(transactionalId)
  if (entry === undefined) return undescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  const { producerId, producerEpoch, state, timeoutMs, startTimestamp, partitions } = entry.value
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    state,
    timeoutMs,
    startTimestamp,
    producerId,
    producerEpoch,
    partitions: isEnding(state) ? entry.unmarked : partitions,
  }
}

export function listTransactions(turn: Turn, filter: TransactionFilter): ListedTransaction[] {
  const { now, context } = turn
  const wanted = ({ transactionalId, value }: Entry): boolean =>
    (filter.producerIds.size === 0 || filter.producerIds.has(value.producerId)) &&
    (filter.states === null || filter.states.has(value.state)) &&
    (filter.durationMs < 0 || now - value.startTimestamp > filter.durationMs) &&
    (filter.matches === null || filter.matches(transactionalId))
  return [...context.entries.values()].filter(wanted).map(({ transactionalId, value }) => ({
    transactionalId,
    producerId: value.producerId,
    state: value.state,
  }))
}
