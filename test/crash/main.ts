/**
 * `make crash`: kills a real broker at random moments under real clients and checks what is left. `--seconds N` (60), `--seed N`,
 * `--target odradek|reference`, `--only WORD[,WORD]` (client kinds whose name contains one), `--keep` (the evidence of a good run too).
 * Exit code 1 on a violation, whose evidence stays in a folder that is named. The last line is `N passed, N failed`.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Verdict } from './checker.js'
import { availableKinds, clientKinds } from './clients.js'
import { reportVerdict } from './report.js'
import { CrashRun } from './run.js'
import { apacheKafka, CrashServer, odradek } from './server.js'
import { BROKER_CONFIGS } from './topics.js'

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
  const kinds = await availableKinds(values.only?.split(','))
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

function report(run: CrashRun, verdict: Verdict, folder: string, server: CrashServer, keep: boolean): number {
  const { counts, history } = run
  const faults =
    `server: ${counts.kills} kills, ${counts.killsWhileStarting} while starting, ${counts.cleanStops} clean stops, ` +
    `${counts.fsyncStarts} starts with --fsync always, slowest start ${server.slowestStartMs.toFixed(0)} ms; ` +
    `clients: ${counts.clientKills} kills`
  return reportVerdict({ faults, history, verdict, folder, keep })
}

process.exit(await main())
