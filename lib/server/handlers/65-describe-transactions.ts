/**
 * DescribeTransactions: v0
 *
 * Behaviours
 * - An id nobody uses: TRANSACTIONAL_ID_NOT_FOUND; an empty one: INVALID_REQUEST; one of another coordinator: NOT_COORDINATOR. An id named twice is
 *   answered once.
 * - Of a transaction that is ending: the partitions that have no marker yet.
 */
import { DescribeTransactions } from '../../../protocol/index.js'
import { all, then } from '../../broker/group/answer.js'
import type { DescribedTransaction } from '../../broker/transaction/commands.js'
import { api } from '../context.js'

export const describeTransactions = api(
  DescribeTransactions,
  '0-0',
  ({ transactionalIds }, _context, { transactions }) => {
    const answers = [...new Set(transactionalIds)].map((id) => transactions.describeTransaction(id))
    return then(all(answers), (described) => ({ throttleTimeMs: 0, transactionStates: described.map(shown) }))
  },
)

function shown({ state, timeoutMs, startTimestamp, partitions, ...rest }: DescribedTransaction) {
  return {
    ...rest,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startTimestamp,
    topics: partitions.map(({ topic, partitionIds }) => ({ topic, partitions: [...partitionIds] })),
  }
}
