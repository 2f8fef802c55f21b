/** What a run says at its end: counts, checks, violations, and where the evidence is. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Verdict } from './checker.js'
import type { History } from './history.js'

const SHOWN_VIOLATIONS = 20

export interface RunReport {
  /** What was done to servers and clients: one line. */
  readonly faults: string
  readonly history: History
  readonly verdict: Verdict
  readonly folder: string
  /** Keep the evidence of a good run too. */
  readonly keep: boolean
}

/** Prints it; the last line is `N passed, N failed`. Returns the exit code. */
export function reportVerdict({ faults, history, verdict, folder, keep }: RunReport): number {
  const { sent, acked, committed, aborted, commits, reads, notes } = history.counts
  const { violations, checks, broken } = verdict
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) console.log(`VIOLATION ${violation}`)
  if (violations.length > SHOWN_VIOLATIONS)
    console.log(`... ${violations.length - SHOWN_VIOLATIONS} more in violations.txt`)
  console.log(faults)
  console.log(`written: ${sent} records, ${acked} acknowledged; read: ${reads} records, ${commits} commits of offsets`)
  console.log(
    `transactions: ${history.transactions.size}, ${committed} committed, ${aborted} aborted; errors that clients met: ${notes}`,
  )
  const kinds = [...checks].map(([kind, times]) => `${times} of ${kind}`)
  const sum = [...checks.values()].reduce((all, times) => all + times, 0)
  console.log(`checks: ${sum} (${kinds.join(', ')}), violations: ${violations.length}`)
  if (violations.length > 0 || keep) {
    writeFileSync(join(folder, 'violations.txt'), `${violations.join('\n')}\n`)
    console.log(`evidence: ${folder}`)
  } else rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  // A kind of check is a test. A run that checked nothing proves nothing, and a run that failed elsewhere is no good run.
  const passed = checks.size - broken.size
  const failed = Math.max(broken.size, violations.length > 0 || checks.size === 0 ? 1 : 0)
  keepCounts(passed, failed)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** For the script that adds up several runs; the form is that of test/support/reporter.cjs. */
function keepCounts(passed: number, failed: number): void {
  const file = process.env.ODRADEK_COUNTS
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${passed} ${failed} 0\n`)
}
