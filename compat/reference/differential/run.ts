/**
 * The differential runner: plays every scenario against Apache Kafka and against Odradek and compares the transcripts.
 *
 *   node build/compat/reference/differential/run.js [--self] [--reuse] [--only TEXT]
 *
 * `--self` plays Apache Kafka twice (which must give no difference: it is the test of the normaliser), `--reuse` takes
 * Apache Kafka's transcripts from the cache when there are some of this very state of the scenarios, `--only` plays the scenarios whose name contains TEXT.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from '../../project-root.js'
import { startOdradek, startReference, type Target } from '../../target.js'
import { apacheKafkaVersion, referenceUnavailable } from '../jars.js'
import { type Difference, differences } from './compare.js'
import { knownDifferences } from './known-differences.js'
import { type Entry, type Scenario, Scene, scenarios } from './scenario.js'
import './scenarios/index.js'

type Transcripts = Record<string, Entry[]>

/** Both brokers get these, so that what is compared is behaviour and not configuration. */
const settings = { 'auto.create.topics.enable': 'true', 'num.partitions': '1' }

/** Odradek plays with Apache Kafka's own defaults, apart from what the launcher of Apache Kafka sets as well. */
const ourSettings = {
  ...settings,
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
}

const flags = process.argv.slice(2)
const only = flags.includes('--only') ? flags[flags.indexOf('--only') + 1] : undefined
const chosen = scenarios.filter((candidate) => only === undefined || candidate.name.includes(only))

const cacheFile = join(cacheFolder('differential'), `apache-kafka-${apacheKafkaVersion}-${programDigest()}.json`)
const reference = await referenceTranscripts()
const ours = flags.includes('--self')
  ? await playOn(() => startReference(settings))
  : await playOn(() => startOdradek(ourSettings, ['--profile', 'kafka', '--id', '1']))
process.exitCode = report(reference, ours) ? 0 : 1

/** Names the state of this program: transcripts of another state must not be used again. */
function programDigest(): string {
  const hash = createHash('sha1')
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
  for (const file of files.sort()) if (!file.startsWith('known-')) hash.update(readFileSync(join(folder, file)))
  return hash.digest('hex').slice(0, 12)
}

async function referenceTranscripts(): Promise<Transcripts> {
  if (flags.includes('--reuse') && existsSync(cacheFile)) {
    const cached = JSON.parse(readFileSync(cacheFile, 'utf8')) as Transcripts
    if (chosen.every((candidate) => candidate.name in cached)) return cached
  }
  const reason = referenceUnavailable()
  if (reason !== null) {
    process.stdout.write(`left out: ${reason}\n`)
    process.exit(0)
  }
  const transcripts = await playOn(() => startReference(settings))
  if (only === undefined) writeFileSync(cacheFile, JSON.stringify(transcripts))
  return transcripts
}

async function playOn(start: () => Promise<Target>): Promise<Transcripts> {
  const target = await start()
  const began = Date.now()
  const transcripts: Transcripts = {}
  try {
    for (const candidate of chosen) {
      const start = Date.now()
      transcripts[candidate.name] = await play(candidate, target)
      const ms = Date.now() - start
      if (ms > 2000) process.stdout.write(`  ${candidate.name} took ${ms} ms\n`)
    }
  } finally {
    await target.stop()
  }
  process.stdout.write(`played ${chosen.length} scenarios on ${target.name} in ${Date.now() - began} ms\n`)
  return transcripts
}

async function play(candidate: Scenario, target: Target): Promise<Entry[]> {
  // From the scenario's own name, so that adding a scenario does not rename the topics of the others.
  const prefix = createHash('sha1').update(candidate.name).digest('hex').slice(0, 8)
  const scene = new Scene(target.brokers[0]!, `d${prefix}`)
  try {
    await candidate.script(scene)
  } catch (error) {
    // What a broker answered may be so wrong that the script cannot go on: that is a difference, not a crash.
    scene.note('the script stopped', error instanceof Error ? error.message : String(error))
  } finally {
    scene.close()
  }
  return scene.transcript
}

function report(theirs: Transcripts, mine: Transcripts): boolean {
  const known = new Map(knownDifferences.map((entry) => [entry.scenario, entry.reason]))
  let [answers, differing, unexpected, stale] = [0, 0, 0, 0]
  const strangers = [...known.keys()].filter((name) => !scenarios.some((candidate) => candidate.name === name))
  for (const name of strangers) process.stdout.write(`\n${name}\n    is a known difference of no scenario\n`)
  stale += strangers.length
  for (const { name } of chosen) {
    const [a, b] = [theirs[name] ?? [], mine[name] ?? []]
    answers += a.length
    const stopped = a.find((entry) => entry.asked === 'the script stopped')
    if (stopped) process.stdout.write(`\n${name}\n    the scenario is wrong: ${JSON.stringify(stopped.answer)}\n`)
    const found = differences(a, b)
    if (found.length > 0) differing += new Set(found.map((one) => one.asked)).size
    if (known.has(name) && found.length === 0) {
      stale += 1
      process.stdout.write(`\n${name}\n    is listed as a known difference and does not differ\n`)
    } else if (stopped || (found.length > 0 && !known.has(name))) {
      unexpected += 1
      print(name, found)
    }
  }
  process.stdout.write(
    `\n${chosen.length} scenarios, ${answers} answers compared, ${differing} differ; ` +
      `${known.size} scenarios are known to differ, ${unexpected} differ unexpectedly, ${stale} no longer do\n`,
  )
  return unexpected === 0 && stale === 0
}

function print(name: string, found: readonly Difference[]): void {
  const lines = found
    .slice(0, 12)
    .map((one) => `    ${one.asked} ${one.path}: Kafka ${one.reference}, here ${one.ours}`)
  if (found.length > lines.length) lines.push(`    and ${found.length - lines.length} more`)
  process.stdout.write(`\n${name}\n${lines.join('\n')}\n`)
}
