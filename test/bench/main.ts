/**
 * `make bench`: Odradek, the floor, Apache Kafka and kfake side by side, in interleaved rounds; a markdown table of medians and of ratios
 * within the rounds. `ARGS="--quick"`: a look in a minute; `--only TEXT`: cases with this in their name; `--rounds N`;
 * `--without kafka,kfake`; `--no-start-up`; `--cluster`: three brokers instead; `--recovery-gb N`: the log that a restart finds (10), `--recovery-segment-mb N`: in segments of this size (1024); `--kafka-set KEY=VALUE`: a broker config of Apache Kafka; `"--odradek-args=--cpu-prof --cpu-prof-dir=DIR"`: for node.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { diskUnavailable, servedCases } from './availability.js'
import type { BenchCase, BenchServer, Metric, Running, Scale, ServerName } from './bench-case.js'
import { fetchCases } from './cases/fetch.js'
import { groupCases } from './cases/groups.js'
import { idempotentCases } from './cases/idempotent.js'
import { produceCases } from './cases/produce.js'
import { roundTripCases } from './cases/round-trips.js'
import { topicAdminCases } from './cases/topic-admin.js'
import { transactionCases } from './cases/transactions.js'
import { clusterRows } from './cluster.js'
import { HEAD, tableRow } from './columns.js'
import { COMPACTION, compactionRows } from './compaction.js'
import { markdownTable } from './numbers.js'
import { cpuSeconds } from './processes.js'
import { RECOVERY, recoveryRows } from './recovery.js'
import {
  kafkaUnavailable,
  kfakeUnavailable,
  startFloor,
  startKafka,
  startKfake,
  startOdradek,
  startOdradekOnDisk,
} from './servers.js'
import { rotated, startUpRows, warmCreateRow } from './start-up.js'

const CASES: readonly BenchCase[] = [
  ...produceCases,
  ...idempotentCases,
  ...fetchCases,
  ...roundTripCases,
  ...groupCases,
  ...topicAdminCases,
  ...transactionCases,
]
/** The figures of one server in one case. */
class Figures {
  /** By metric, then by round. */
  readonly values: number[][]
  #serverCpu = 0
  #clientCpu = 0
  #wall = 0

  constructor(metrics: readonly Metric[]) {
    this.values = metrics.map(() => [])
  }

  async round(server: BenchServer, running: Running, counts: boolean): Promise<void> {
    const wall = performance.now()
    const serverCpu = cpuSeconds(server.pid)
    const clientCpu = process.cpuUsage()
    const numbers = await running.round().catch((error: Error) => {
      throw new Error(`${server.name}: ${error.message}`, { cause: error })
    })
    if (counts) {
      this.#wall += (performance.now() - wall) / 1000
      this.#serverCpu += cpuSeconds(server.pid) - serverCpu
      const { user, system } = process.cpuUsage(clientCpu)
      this.#clientCpu += (user + system) / 1e6
      for (const [i, number] of numbers.entries()) this.values[i]!.push(number)
    }
    await running.afterRound?.()
  }

  get cores(): string {
    if (this.#wall === 0) return '-'
    return `${(this.#serverCpu / this.#wall).toFixed(2)} (${(this.#clientCpu / this.#wall).toFixed(2)})`
  }
}

async function runCase(
  one: BenchCase,
  servers: readonly BenchServer[],
  rounds: number,
  scale: Scale,
): Promise<string[][]> {
  const odradek = servers.find(({ name }) => name === 'Odradek')!
  const taking = servers.filter(({ name }) => one.servers.includes(name))
  const figures = new Map<ServerName, Figures>()
  const running = new Map<ServerName, Running>()
  for (const server of taking) {
    figures.set(server.name, new Figures(one.metrics))
    running.set(server.name, await one.open(server, { scale, odradek }))
  }
  // Round -1 warms up: just-in-time compilers, page tables, sockets.
  for (let round = -1; round < rounds; round++) {
    for (const server of rotated(taking, round + 1)) {
      if (round >= (one.roundsMax?.[server.name] ?? rounds)) continue
      await figures.get(server.name)!.round(server, running.get(server.name)!, round >= 0)
    }
  }
  for (const { name } of taking) await running.get(name)!.close()
  const cores = taking.map((server) => figures.get(server.name)!.cores).join(', ')
  const name = one.note === undefined ? one.name : `${one.name} (${one.note})`
  return one.metrics.map((metric, i) => {
    const unit = metric.unit === '' ? '' : ` ${metric.unit}`
    const what = `${metric.name}${unit}${metric.better === 'less' ? ', less is better' : ''}`
    return tableRow(name, what, (server) => figures.get(server)?.values[i] ?? [], cores)
  })
}

const progress = (text: string): void => void process.stderr.write(`${text}\n`)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      without: { type: 'string', default: '' },
      'recovery-gb': { type: 'string' },
      'recovery-segment-mb': { type: 'string', default: '1024' },
      'no-start-up': { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      'kafka-set': { type: 'string', multiple: true, default: [] },
      'odradek-args': { type: 'string', default: '' },
    },
  })
  const { quick } = values
  const rounds = Number(values.rounds ?? (quick ? 3 : 5))
  const scale: Scale = { quick, count: (full) => (quick ? Math.ceil(full / 5) : full) }
  const without = values.without.split(',')
  const noKafka = without.includes('kafka') ? 'left out by --without' : kafkaUnavailable()
  const noKfake = without.includes('kfake') ? 'left out by --without' : kfakeUnavailable()
  const noDisk = diskUnavailable()
  if (values.cluster) {
    console.log(`\n${markdownTable(await clusterRows(rounds, quick, noKafka === null))}\n`)
    return
  }
  const leftOut: [string, string | null][] = [
    ['Apache Kafka', noKafka],
    ['kfake', noKfake],
    ['Odradek on disk', noDisk],
  ]
  const chosen = (name: string): boolean => values.only === undefined || name.includes(values.only)
  const started = performance.now()
  const rows: (readonly string[])[] = [HEAD]
  if (!values['no-start-up'] && values.only === undefined) {
    progress('start-up')
    rows.push(...(await startUpRows(quick ? 1 : 4, { kafka: noKafka === null, kfake: noKfake === null })))
    rows.push(warmCreateRow())
  }
  if (noDisk === null) rows.push(...(await diskRows(chosen, quick, values)))
  const nodeArgs = values['odradek-args'].split(' ').filter(Boolean)
  const odradek = await startOdradek(nodeArgs)
  const servers: BenchServer[] = [await startFloor(), odradek]
  const leaveOut = (name: string, reason: string): void => void leftOut.push([name, reason])
  const cases = await servedCases(
    CASES.filter(({ name }) => chosen(name)),
    odradek,
    leaveOut,
  )
  const needsDisk = cases.some((one) => one.servers.includes('Odradek on disk'))
  if (needsDisk && noDisk === null) servers.push(await startOdradekOnDisk({ nodeArgs }))
  if (noKafka === null) servers.push(await startKafka(values['kafka-set']))
  if (noKfake === null) servers.push(await startKfake())
  try {
    for (const one of cases) {
      progress(one.name)
      rows.push(...(await runCase(one, servers, rounds, scale)))
    }
  } finally {
    for (const server of servers) await server.stop()
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  report(rows, rounds, quick, seconds, leftOut)
}

interface RecoverySize {
  readonly 'recovery-gb'?: string | undefined
  readonly 'recovery-segment-mb': string
}

/** What only a broker with a folder does. */
async function diskRows(chosen: (name: string) => boolean, quick: boolean, size: RecoverySize): Promise<string[][]> {
  const rows: string[][] = []
  if (chosen(RECOVERY)) {
    progress(RECOVERY)
    const gigabytes = Number(size['recovery-gb'] ?? (quick ? 0.5 : 10))
    const segmentMegabytes = Number(size['recovery-segment-mb'])
    rows.push(...(await recoveryRows({ gigabytes, segmentMegabytes, rounds: quick ? 1 : 3 })))
  }
  if (chosen(COMPACTION)) {
    progress(COMPACTION)
    rows.push(...(await compactionRows(quick ? 200 : 2000)))
  }
  return rows
}

function report(
  rows: readonly (readonly string[])[],
  rounds: number,
  quick: boolean,
  seconds: number,
  leftOut: readonly (readonly [string, string | null])[],
): void {
  console.log(`\n${markdownTable(rows)}\n`)
  console.log(
    `Medians [min..max] of ${rounds} interleaved rounds after a warm-up; ratios are medians of the ratios within a round. ` +
      `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), Node ${process.version}, loopback; client and servers share the cores. ` +
      `Odradek and kfake keep their log in memory, Apache Kafka and Odradek on disk in the folder for temporary files (TMPDIR); all log warnings only. ` +
      `The floor repeats prepared answers (start-up: a bare net server). (1) Apache Kafka: with the formatting of its folder. ` +
      `${quick ? 'A quick run: a fifth of the work, for a look only. ' : ''}` +
      `${seconds} s.`,
  )
  for (const [name, reason] of leftOut) {
    if (reason !== null) console.log(`Not measured: ${name} (${reason}).`)
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
await main()
// Child processes that were killed may still hold a pipe.
process.exit(0)
