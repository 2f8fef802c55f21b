/**
 * The life of a transactional id (Kafka's TransactionState).
 *
 * ```
 *              partitions added            EndTxn                 markers written
 *   Empty ----------------------> Ongoing ------> PrepareCommit ------------------> CompleteCommit
 *     ^                            ^   |          PrepareAbort  ------------------> CompleteAbort
 *     |                            |   | timeout, or a new producer: the epoch is fenced    |
 *     |                            |   +--------> PrepareAbort                            |
 *     |                            +------------------ partitions added ---------------------+
 *     +---------------------------------------------- InitProducerId ------------------------+
 *   Empty, Complete* ---- unused for transactional.id.expiration.ms ----> gone
 * ```
 *
 * Dead and PrepareEpochFence are names that filters know and Kafka has for a moment; here both moments lie inside one decision.
 */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const

/** The index in `transactionStates` is the state's number in the log. */
export type TransactionState = (typeof transactionStates)[number]

const VALID_PREVIOUS_STATES: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  // KIP-890: a producer that is not sure may abort what has not begun.
  PrepareAbort: ['Ongoing', 'PrepareEpochFence', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
  Dead: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareEpochFence: ['Ongoing'],
}

export function isValidTransition(from: TransactionState, to: TransactionState): boolean {
  return VALID_PREVIOUS_STATES[to].includes(from)
}

/** The decision has fallen and its markers are on their way. */
export function isEnding(state: TransactionState): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}
