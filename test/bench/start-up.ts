/** What it costs to start and to be there: exec -> ready, idle memory, memory after 200 MB, and `Broker.create()` in a warm process. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../../compat/project-root.js'
import type { BenchServer } from './bench-case.js'
import { nextTopic, ProduceLoad } from './cases/produce.js'
import { tableRow } from './columns.js'
import { LoadLine } from './load-line.js'
import { residentMegabytes } from './processes.js'
import type { Started } from './servers.js'
import { startBareNode, startKafka, startKfake, startOdradek } from './servers.js'
import { openTopic, readBack } from './topics.js'

/** Memory is looked at after this long without work. */
const IDLE_MS = 1000
const KEPT_BYTES = 200 * 1024 * 1024

interface Starter {
  readonly name: string
  readonly start: () => Promise<Started>
  readonly roundsMax: number
  /** Takes records. */
  readonly keeps: boolean
}

interface Measured {
  readonly readyMs: number[]
  readonly idleMb: number[]
  readonly keptMb: number[]
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function fill(server: BenchServer): Promise<number> {
  const shape = { recordBytes: 1024, recordsPerBatch: 100, requests: KEPT_BYTES / 102_400, window: 8, acks: 1 }
  const topic = nextTopic()
  const load = new ProduceLoad(topic, shape)
  await openTopic(server.address, topic, load.batches[0]!)
  const line = await LoadLine.connect(server.address)
  await load.run(line, 100, true)
  line.close()
  await pause(IDLE_MS)
  const megabytes = residentMegabytes(server.pid)
  await readBack(server.address, topic, 100, shape.requests, (i) => load.batches[i % shape.window]!)
  return megabytes
}

/** Rows for the table. */
export async function startUpRows(rounds: number, with_: { kafka: boolean; kfake: boolean }): Promise<string[][]> {
  const starters: Starter[] = [
    { name: 'floor', start: startBareNode, roundsMax: rounds * 2, keeps: false },
    { name: 'Odradek', start: startOdradek, roundsMax: rounds * 2, keeps: true },
    // Starting Apache Kafka takes seconds, whatever the round.
    ...(with_.kafka ? [{ name: 'Apache Kafka', start: startKafka, roundsMax: 2, keeps: true }] : []),
    ...(with_.kfake ? [{ name: 'kfake', start: startKfake, roundsMax: rounds * 2, keeps: true }] : []),
  ]
  const measured = new Map<string, Measured>()
  for (const { name } of starters) measured.set(name, { readyMs: [], idleMb: [], keptMb: [] })
  for (let round = 0; round < rounds * 2; round++) {
    for (const starter of rotated(starters, round)) {
      if (round >= starter.roundsMax) continue
      const { readyMs, idleMb, keptMb } = measured.get(starter.name)!
      const server = await starter.start()
      try {
        readyMs.push(server.readyMs)
        await pause(IDLE_MS)
        idleMb.push(residentMegabytes(server.pid))
        if (starter.keeps && round < 2) keptMb.push(await fill(server))
      } finally {
        await server.stop()
      }
    }
  }
  const of = (name: string, what: keyof Measured): number[] => measured.get(name)?.[what] ?? []
  const row = (name: string, metric: string, what: keyof Measured): string[] =>
    tableRow(name, metric, (server) => of(server, what))
  return [
    row('exec -> ready (1)', 'ms, less is better', 'readyMs'),
    row('idle memory', 'RSS MB, less is better', 'idleMb'),
    row('memory after 200 MB produced', 'RSS MB, less is better', 'keptMb'),
  ]
}

export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** `Broker.create()` and `close()` again and again in one process, beside a bare `net.Server` that listens and closes. */
export function warmCreateRow(): string[] {
  const script = join(projectRoot, 'test', 'bench', 'warm-create.cjs')
  const { stdout, status } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${script} ended with ${status}`)
  const { broker, bare, first } = JSON.parse(stdout) as { broker: number[]; bare: number[]; first: number }
  const note = `Broker.create() in a warm process (the first one: ${first.toFixed(1)})`
  return tableRow(note, 'ms, less is better', (server) =>
    server === 'floor' ? bare : server === 'Odradek' ? broker : [],
  )
}
