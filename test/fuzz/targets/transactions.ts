/** The transaction coordinator under random producers on a virtual clock: see transaction-fuzz.ts. */

import type { CaseTarget } from '../target.js'
import { fuzzTransactions } from '../transaction-fuzz.js'

export const transactions: CaseTarget = {
  name: 'transaction state machine',
  weight: 8,
  runCase: (seed) => fuzzTransactions(seed),
}
