/** The group coordinator under random clients on a virtual clock: see group-fuzz.ts. */
import { fuzzGroups } from '../group-fuzz.js'
import type { CaseTarget } from '../target.js'

export const groups: CaseTarget = {
  name: 'group state machine',
  weight: 12,
  runCase: (seed) => fuzzGroups(seed),
}
