import type { RequestOf, ResponseOf } from '../schema/index.js'
import { array, int16, int32, int64, message, string } from '../schema/index.js'

/**
 * ListTransactions: lists transactions that a broker coordinates.
 *
 * Sent by clients, served by: every broker. Versions:
 *   v0   the first version; flexible (KIP-664)
 *   v1   request: + durationFilter (KIP-994)
 *   v2   request: + transactionalIdPattern (KIP-1152)
 */
export const ListTransactions = message(
  'ListTransactions',
  { key: 66, versions: '0-2', flexible: '0+', audience: 'client', listeners: ['broker'] },
  {
    stateFilters: array('0+', 'string'),
    producerIdFilters: array('0+', 'int64'),
    durationFilter: int64('1+', { default: -1 }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('0+', 'string'),
    transactionStates: array('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  },
)

export type ListTransactionsRequest = RequestOf<typeof ListTransactions>
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>
