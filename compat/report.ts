/**
 * Runs all suites against one broker and prints a report card: what passed, failed and was left out, client by client.
 * `node build/compat/report.js [kafkajs|cluster|others|tools|zookeeper|runners] [--ci]`; the broker is chosen as in target.ts. The last line of each
 * run reads `N passed, N failed`, and the exit code is 0 only when nothing failed.
 *
 * Where no broker is chosen, kafkajs's suite runs on a cluster too: on three brokers in one process, and on three processes over ZooKeeper
 * (with `--ci` a selection of its files).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Mocha from 'mocha'
import { mochaHooks } from '../test/support/watched.js'
import { currentTarget, mochaGlobalSetup, mochaGlobalTeardown } from './fixture.js'
import { projectRoot } from './project-root.js'
import { zooKeeperUnavailable } from './zookeeper/ensemble.js'

interface Card {
  passed: number
  failed: number
  skipped: number
  ms: number
}

/** What is most likely to notice that the brokers are several. */
const CI_FILES_OF_PROCESSES = 'producer,idempotent-producer,transactions,consumer-group,consumer-offsets,admin-topics'

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
// CI's time is for the clients that matter most there; the others are left out by name, and said.
const isCi = process.argv.includes('--ci')
if (isCi) process.env.COMPAT_LEAVE_OUT ??= 'python,go,rust'
const suites = ['kafkajs', 'cluster', 'others', 'tools', 'zookeeper', 'runners'].filter(
  (name) => wanted.length === 0 || wanted.includes(name),
)

const mocha = new Mocha({ timeout: 30_000, reporter: 'spec', slow: 5000, rootHooks: mochaHooks })
for (const suite of suites) {
  const folder = join(projectRoot, 'build', 'compat', suite)
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.test.js') && isSelected(file)) mocha.addFile(join(folder, file))
  }
}
await mocha.loadFilesAsync()
await mochaGlobalSetup()
const cards = await runSuites()
const name = currentTarget().name
await mochaGlobalTeardown()
const isGood = print(name, cards)
const isChosen = process.env.BOOTSTRAP !== undefined || process.env.ODRADEK_COMPAT !== undefined
// Clients may keep the process alive: kafkajs goes on connecting to a broker that is gone. Brokers do not (test/embed/ends-by-itself).
process.exit((isChosen || !suites.includes('kafkajs') || (await onClusters())) && isGood ? 0 : 1)

/** `COMPAT_FILES=producer,transactions`: only these files. */
function isSelected(file: string): boolean {
  const only = process.env.COMPAT_FILES
  return only === undefined || only.split(',').includes(file.replace(/\.test\.js$/, ''))
}

/** kafkajs's suite once more, on each kind of cluster, in processes of their own. */
async function onClusters(): Promise<boolean> {
  const missing = zooKeeperUnavailable()
  if (missing !== null) process.stdout.write(`left out: three processes: ${missing}\n`)
  const inOneProcess = await onCluster('brokers')
  return (missing !== null || (await onCluster('processes'))) && inOneProcess
}

async function onCluster(kind: string): Promise<boolean> {
  const counts = process.env.ODRADEK_COUNTS
  const env = {
    ...process.env,
    ODRADEK_COMPAT: kind,
    ...(counts === undefined ? {} : { ODRADEK_COUNTS: `${counts}-${kind}` }),
    ...(isCi && kind === 'processes' ? { COMPAT_FILES: CI_FILES_OF_PROCESSES } : {}),
  }
  process.stdout.write(`\nOn a cluster: ${kind}${env.COMPAT_FILES ? `, only ${env.COMPAT_FILES}` : ''}\n`)
  const [code] = await once(spawn(process.execPath, [process.argv[1]!, 'kafkajs'], { env, stdio: 'inherit' }), 'exit')
  return code === 0
}

/** One row per client: the suites of kafkajs together, the others by the name of their suite. */
function clientOf(test: Mocha.Runnable): string {
  const top = test.titlePath()[0] ?? ''
  return test.file?.includes('kafkajs') ? 'kafkajs' : top
}

function runSuites(): Promise<Map<string, Card>> {
  const found = new Map<string, Card>()
  const card = (test: Mocha.Runnable) => {
    const row = found.get(clientOf(test)) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 }
    found.set(clientOf(test), row)
    row.ms += test.duration ?? 0
    return row
  }
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve(found))
    runner.on('pass', (test) => {
      card(test).passed += 1
    })
    runner.on('fail', (test) => {
      card(test).failed += 1
    })
    runner.on('pending', (test) => {
      card(test).skipped += 1
    })
  })
}

/** For the script that adds up several runs; the form is that of test/support/reporter.cjs. */
function keepCounts({ passed, failed, skipped }: Omit<Card, 'ms'>): void {
  const file = process.env.ODRADEK_COUNTS
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${passed} ${failed} ${skipped}\n`)
}

function print(targetName: string, rows: Map<string, Card>): boolean {
  const widest = Math.max(6, ...[...rows.keys()].map((client) => client.length))
  const line = (client: string, ...cells: (string | number)[]) =>
    `${client.padEnd(widest)}${cells.map((cell) => String(cell).padStart(9)).join('')}\n`
  let text = `\nAgainst ${targetName}:\n\n${line('client', 'passed', 'failed', 'skipped', 'seconds')}`
  const all = { passed: 0, failed: 0, skipped: 0 }
  for (const [client, row] of rows) {
    text += line(client, row.passed, row.failed, row.skipped, (row.ms / 1000).toFixed(1))
    all.passed += row.passed
    all.failed += row.failed
    all.skipped += row.skipped
  }
  keepCounts(all)
  process.stdout.write(`${text}\n${all.passed} passed, ${all.failed} failed\n`)
  return all.failed === 0 && all.passed > 0
}
