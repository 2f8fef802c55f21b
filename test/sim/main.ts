/**
 * `make sim SEED=42` or `make sim SEEDS=2000`: runs seeds, on several processes when there are many. Options: `--seed N` (one seed, with its whole
 * trace), `--seeds N`, `--from N` (1), `--seconds N` (as many as fit), `--profile NAME`, `--jobs N` (cores), `--quiet` (no trace),
 * `--failures N` (5: it ends after so many). A first SIGTERM or SIGINT ends it with what is under way, and its sums.
 * The last line is `N passed, N failed`; exit code 1 when a seed failed.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Outcome, runSeed } from './run.js'

/** Seeds that a process takes at a time. */
const SHARE = 25
/** Long runs say how far they are. */
const PROGRESS = 1000

interface Totals {
  passed: number
  failed: number
  virtualMs: number
  events: number
  readonly profiles: Map<string, number>
  readonly counts: Map<string, number>
}

function add(totals: Totals, outcome: Outcome): void {
  if (outcome.failure === null) totals.passed++
  else totals.failed++
  totals.virtualMs += outcome.virtualMs
  totals.events += outcome.events
  totals.profiles.set(outcome.profile, (totals.profiles.get(outcome.profile) ?? 0) + 1)
  for (const [name, count] of Object.entries(outcome.counts)) {
    totals.counts.set(name, (totals.counts.get(name) ?? 0) + count)
  }
  if (outcome.failure !== null) report(outcome)
}

function report({ seed, profile, failure }: Outcome): void {
  console.log(`FAIL  seed ${seed}, profile ${profile}: ${failure!.sentence}`)
  for (const line of failure!.last.slice(-25)) console.log(`      ${line}`)
  console.log(`      again, with the whole trace: make sim SEED=${seed} PROFILE=${profile}`)
}

/** Seeds `from` to `to` (not included) over `jobs` processes, until `deadline`. */
function runMany(
  from: number,
  to: number,
  deadline: number,
  jobs: number,
  profile: string | undefined,
  failuresMax: number,
  totals: Totals,
): Promise<void> {
  let next = from
  let stopped = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stopped = true
    })
  }
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), [
        '--worker',
        ...(profile === undefined ? [] : ['--profile', profile]),
      ])
      const feed = (): void => {
        if (stopped || next >= to || performance.now() > deadline || totals.failed >= failuresMax) {
          child.disconnect()
          return
        }
        const first = next
        next = Math.min(to, first + SHARE)
        child.send({ first, end: next })
      }
      child.on('message', (message: Outcome | 'more') => {
        if (message === 'more') feed()
        else {
          add(totals, message)
          if (totals.passed % PROGRESS === 0) console.log(`sim: ${totals.passed} passed, ${totals.failed} failed`)
        }
      })
      child.on('error', reject)
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with code ${code}`))))
      feed()
    })
  return Promise.all(Array.from({ length: jobs }, worker)).then(() => {})
}

function beWorker(profile: string | undefined): void {
  // A terminal's signal reaches the workers too: what they have begun they end, unless the parent is gone.
  process.on('disconnect', () => process.exit())
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  process.on('message', (share: { first: number; end: number }) => {
    void (async () => {
      for (let seed = share.first; seed < share.end; seed++) {
        const outcome = await runSeed({ seed, ...(profile === undefined ? {} : { profile }) })
        process.send!(outcome)
      }
      process.send!('more')
    })()
  })
}

const whole = (text: string | undefined, fallback: number): number => (text === undefined ? fallback : Number(text))

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      seconds: { type: 'string' },
      jobs: { type: 'string' },
      failures: { type: 'string' },
      profile: { type: 'string' },
      quiet: { type: 'boolean' },
      worker: { type: 'boolean' },
    },
  })
  const { profile } = values
  if (values.worker === true) {
    beWorker(profile)
    return -1
  }
  const from = whole(values.from, 1)
  const seeds = whole(values.seeds, values.seconds === undefined ? 100 : 2 ** 30)
  const seconds = whole(values.seconds, Number.POSITIVE_INFINITY)
  const jobs = whole(values.jobs, Math.min(availableParallelism(), Math.ceil(seeds / SHARE)))
  const failures = whole(values.failures, 5)
  const one = values.seed === undefined ? null : Number(values.seed)
  if (![from, seeds, jobs, failures, one ?? 0].every(Number.isSafeInteger) || !(seconds > 0) || jobs < 1) {
    console.error(
      'use --seed N, or --seeds N, --from N, --seconds N, --jobs N, --failures N, --profile NAME; numbers from 0',
    )
    return 2
  }
  const started = performance.now()
  const totals: Totals = { passed: 0, failed: 0, virtualMs: 0, events: 0, profiles: new Map(), counts: new Map() }
  if (one !== null) {
    const sink = values.quiet === true ? {} : { sink: (line: string) => console.log(line) }
    const outcome = await runSeed({ seed: one, ...sink, ...(profile === undefined ? {} : { profile }) })
    add(totals, outcome)
    console.log(`trace ${outcome.traceHash}, profile ${outcome.profile}`)
  } else {
    await runMany(from, from + seeds, started + seconds * 1000, jobs, profile, failures, totals)
  }
  const tookMs = performance.now() - started
  const text = (map: ReadonlyMap<string, number>) =>
    [...map]
      .sort()
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  console.log(`sim: ${text(totals.profiles)}; ${text(totals.counts)}`)
  const rate = ((totals.passed + totals.failed) / tookMs) * 1000
  console.log(
    `sim: ${(totals.virtualMs / 1000).toFixed(0)} s of virtual time in ${(tookMs / 1000).toFixed(1)} s, ${rate.toFixed(0)} seeds/s`,
  )
  console.log(`${totals.passed} passed, ${totals.failed} failed`)
  return totals.failed === 0 ? 0 : 1
}

const code = await main()
if (code >= 0) process.exit(code)
