/**
 * `make fuzz`: random input for a given time, shared out over the targets. `--seconds N` (60), `--seed N`, `--only NAME` (part of a
 * target's name). The seed of the first case is printed; case i has seed + i, so that `--only TARGET --seed CASE` begins with
 * the case that failed. Exit code 1 when a target failed. The last line is `N passed, N failed`.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { connects } from './live/connects.js'
import { underFire } from './live/under-fire.js'
import type { CaseTarget, FuzzTarget, SessionTarget } from './target.js'
import { batches } from './targets/batches.js'
import { frames } from './targets/frames.js'
import { groups } from './targets/groups.js'
import { indexes } from './targets/indexes.js'
import { messages } from './targets/messages.js'
import { recovery } from './targets/recovery.js'
import { transactions } from './targets/transactions.js'
import { Watchdog } from './watchdog.js'

const ALL: readonly FuzzTarget[] = [
  frames,
  messages,
  batches,
  groups,
  transactions,
  recovery,
  indexes,
  underFire,
  connects,
]
/** Seeds stay below 2^31 with all their cases. */
const SEED_BOUND = 2 ** 30

interface Outcome {
  readonly runs: number
  readonly failure: { seed: number; error: unknown } | null
}

async function runCases(target: CaseTarget, seed: number, budgetMs: number, watchdog: Watchdog): Promise<Outcome> {
  const end = performance.now() + budgetMs
  await target.prepare?.()
  let runs = 0
  const index = ALL.indexOf(target)
  do {
    const caseSeed = seed + runs
    watchdog.at(index, caseSeed)
    try {
      await target.runCase(caseSeed)
    } catch (error) {
      return { runs, failure: { seed: caseSeed, error } }
    }
    runs++
    // Targets without a turn of their own would starve timers and the garbage of finished promises.
    if (runs % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  } while (performance.now() < end)
  return { runs, failure: null }
}

async function runSession(target: SessionTarget, seed: number, budgetMs: number, watchdog: Watchdog): Promise<Outcome> {
  const end = performance.now() + budgetMs
  watchdog.at(ALL.indexOf(target), seed)
  try {
    const time = { left: () => end - performance.now() }
    return { runs: await target.runSession(seed, time, { tick: () => watchdog.tick() }), failure: null }
  } catch (error) {
    return { runs: 0, failure: { seed, error } }
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\n  caused by ${explain(error.cause).replaceAll('\n', '\n  ')}`
  return `${error.stack ?? error.message}${cause}`
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, only: { type: 'string' } },
  })
  const seconds = Number(values.seconds)
  const seed = values.seed === undefined ? randomInt(SEED_BOUND) : Number(values.seed)
  if (!(seconds > 0) || !Number.isSafeInteger(seed) || seed < 0) {
    console.error('use --seconds N (above 0), --seed N (a whole number from 0), --only NAME')
    return 2
  }
  const chosen = ALL.filter((target) => values.only === undefined || target.name.includes(values.only))
  if (chosen.length === 0) {
    console.error(`no target has "${values.only}" in its name; there are: ${ALL.map(({ name }) => name).join(', ')}`)
    return 2
  }
  console.log(`fuzz: seed ${seed}, ${seconds} s over ${chosen.length} targets`)
  const watchdog = new Watchdog(ALL.map(({ name }) => name))
  const weights = chosen.reduce((sum, target) => sum + target.weight, 0)
  let passed = 0
  let failed = 0
  let running = ''
  process.on('uncaughtException', (error) => {
    console.log(`FAIL  ${running}: something was thrown that nobody catches\n${explain(error)}`)
    console.log(`      reproduce: node build/test/fuzz/main.js --only "${running}" --seed ${watchdog.seed}`)
    console.log(`${passed} passed, ${failed + 1} failed`)
    process.exit(1)
  })
  for (const target of chosen) {
    running = target.name
    const budgetMs = (seconds * 1000 * target.weight) / weights
    const start = performance.now()
    const run = 'runCase' in target ? runCases : runSession
    const outcome = await run(target as CaseTarget & SessionTarget, seed, budgetMs, watchdog)
    const took = ((performance.now() - start) / 1000).toFixed(1)
    if (outcome.failure === null) {
      passed++
      console.log(`ok    ${target.name}: ${outcome.runs} runs in ${took} s`)
    } else {
      failed++
      console.log(`FAIL  ${target.name} after ${outcome.runs} runs, case seed ${outcome.failure.seed}`)
      console.log(explain(outcome.failure.error))
      console.log(
        `      reproduce: node build/test/fuzz/main.js --only "${target.name}" --seed ${outcome.failure.seed}`,
      )
    }
    watchdog.score(passed, failed)
  }
  await watchdog.stop()
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

// A target that failed may have left a broker behind.
process.exit(await main())
