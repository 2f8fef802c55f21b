/**
 * ListTransactions: v0-2
 *
 * Behaviours
 * - The transactional ids that this broker coordinates, filtered by state, producer id, age and name. A state that there is not is named in
 *   `unknownStateFilters` and matches nothing. While a coordinator is loading: COORDINATOR_LOAD_IN_PROGRESS.
 * Version notes
 * - v1 (KIP-994): only transactions that began more than `durationFilter` ms ago. v2 (KIP-1152): a pattern that the whole id has to fit;
 *   INVALID_REGULAR_EXPRESSION when it is none.
 */
import { ErrorCode, ListTransactions } from '../../../protocol/index.js'
import { then } from '../../broker/group/answer.js'
import { idPattern } from '../../broker/transaction/id-pattern.js'
import { transactionStates } from '../../broker/transaction/states.js'
import { api } from '../context.js'

const names: ReadonlySet<string> = new Set(transactionStates)

export const listTransactions = api(ListTransactions, '0-2', (request, _context, { transactions }) => {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const pattern = transactionalIdPattern === null || transactionalIdPattern === '' ? undefined : transactionalIdPattern
  const matches = pattern === undefined ? null : idPattern(pattern)
  if (pattern !== undefined && matches === null) {
    const errorCode = ErrorCode.INVALID_REGULAR_EXPRESSION
    return { throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] }
  }
  const unknownStateFilters = [...new Set(stateFilters)].filter((state) => !names.has(state))
  const filter = {
    states: stateFilters.length === 0 ? null : new Set(stateFilters),
    producerIds: new Set(producerIdFilters),
    durationMs: durationFilter,
    matches,
  }
  return then(transactions.listTransactions(filter), (listed) => ({
    throttleTimeMs: 0,
    errorCode: listed.errorCode,
    unknownStateFilters,
    transactionStates: listed.transactions.map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  }))
})
