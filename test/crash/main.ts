/**
 * `make crash`: kills a real broker at random moments under real clients and checks what is left. `--seconds N` (60), `--seed N`,
 * `--target odradek|reference`, `--only WORD[,WORD]` (client kinds whose name contains one), `--keep` (the evidence of a good run too).
 * Exit code 1 on a violation, whose evidence stays in a folder that is named. The last line is `N passed, N failed`.
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Verdict } from './checker.js'
import { type ClientKind, clientKinds } from './clients.js'
import { CrashRun } from './run.js'
import { apacheKafka, CrashServer, odradek } from './server.js'
import { BROKER_CONFIGS } from './topics.js'

const SHOWN_VIOLATIONS = 20

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      target: { type: 'string', default: 'odradek' },
      only: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  })
  const seconds = Number(values.seconds)
  const seed = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed)
  if (!(seconds > 0) || !Number.isSafeInteger(seed) || !['odradek', 'reference'].includes(values.target)) {
    console.error(
      'use --seconds N (above 0), --seed N (a whole number), --target odradek|reference, --only WORD[,WORD], --keep',
    )
    return 2
  }
  const kinds = await available(values.only?.split(','))
  if (kinds.length === 0) {
    console.error(
      `no client is named like ${values.only}; there are: ${clientKinds.map(({ name }) => name).join(', ')}`,
    )
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'odradek-crash-'))
  const reference = values.target === 'reference'
  const recipe = await (reference ? apacheKafka : odradek)(folder, BROKER_CONFIGS)
  const server = new CrashServer(recipe, join(folder, 'server.log'))
  console.log(
    `crash: seed ${seed}, ${seconds} s against ${values.target} under ${kinds.map(({ name }) => name).join(', ')}`,
  )
  // Apache Kafka needs seconds to start; it must also serve for a while between two kills.
  const meanUptimeMs = reference ? 12_000 : 3000
  const run = new CrashRun({ seed, seconds, folder, kinds, server, meanUptimeMs, say: (line) => console.log(line) })
  let verdict = new Verdict()
  try {
    verdict = await run.run()
  } catch (error) {
    verdict.violations.push(`the run itself failed: ${error instanceof Error ? error.stack : error}`)
  }
  server.close()
  return report(run, verdict, folder, server, values.keep)
}

async function available(only: readonly string[] | undefined): Promise<ClientKind[]> {
  const kinds: ClientKind[] = []
  for (const kind of clientKinds) {
    if (only !== undefined && !only.some((word) => kind.name.toLowerCase().includes(word.toLowerCase()))) continue
    const reason = kind.unavailable()
    if (reason === null) {
      await kind.prepare()
      kinds.push(kind)
    } else console.log(`left out: ${kind.name}: ${reason}`)
  }
  return kinds
}

function report(run: CrashRun, verdict: Verdict, folder: string, server: CrashServer, keep: boolean): number {
  const { counts, history } = run
  const { sent, acked, committed, aborted, commits, reads, notes } = history.counts
  const { violations, checks, broken } = verdict
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) console.log(`VIOLATION ${violation}`)
  if (violations.length > SHOWN_VIOLATIONS)
    console.log(`... ${violations.length - SHOWN_VIOLATIONS} more in violations.txt`)
  console.log(
    `server: ${counts.kills} kills, ${counts.killsWhileStarting} while starting, ${counts.cleanStops} clean stops, ` +
      `${counts.fsyncStarts} starts with --fsync always, slowest start ${server.slowestStartMs.toFixed(0)} ms; ` +
      `clients: ${counts.clientKills} kills`,
  )
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

process.exit(await main())
