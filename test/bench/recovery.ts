/** How long a broker with much on its disk takes to serve again: after a stop, and after kill -9. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListOffsets } from '../../protocol/index.js'
import { must } from './bench-case.js'
import { nextTopic, ProduceLoad } from './cases/produce.js'
import { tableRow } from './columns.js'
import { LoadLine } from './load-line.js'
import { startOdradekOnDisk } from './servers.js'
import { openTopic, readBack, withClient } from './topics.js'

export const RECOVERY = 'recovery'
const BATCH_RECORDS = 100
const GIGABYTE = 1024 ** 3
const MEGABYTE = 1024 ** 2
const WINDOW = 8

interface Filled {
  readonly topic: string
  readonly load: ProduceLoad
  readonly batches: number
}

async function fill(address: string, gigabytes: number): Promise<Filled> {
  const batches = Math.ceil((gigabytes * GIGABYTE) / (BATCH_RECORDS * 1024))
  const shape = { recordBytes: 1024, recordsPerBatch: BATCH_RECORDS, requests: batches, window: WINDOW, acks: 1 }
  const topic = nextTopic()
  const load = new ProduceLoad(topic, shape)
  await openTopic(address, topic, load.batches[0]!)
  const line = await LoadLine.connect(address)
  await load.run(line, BATCH_RECORDS, true)
  line.close()
  return { topic, load, batches }
}

/** The end is where it was, and the first and the last hundred batches are what was sent. */
async function check(address: string, { topic, load, batches }: Filled): Promise<void> {
  const end = await withClient(address, async (client) => {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    return (await client.send(ListOffsets, 7, { replicaId: -1, topics })).topics[0]!.partitions[0]!.offset
  })
  const due = (batches + 1) * BATCH_RECORDS
  must(end === due, () => `the log ends at ${end} after the restart, not at ${due}`)
  const some = Math.min(100, batches)
  for (const from of [0, batches - some]) {
    const sent = (i: number): Buffer => load.batches[(from + i) % WINDOW]!
    await readBack(address, topic, (from + 1) * BATCH_RECORDS, some, sent, from + some === batches)
  }
}

/** How many segments there are, and the megabytes of the open one: all that is scanned after a kill. */
function segmentsOf(folder: string): { count: number; openMegabytes: number } {
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'))
  return { count: logs.length, openMegabytes: statSync(join(folder, logs.sort().at(-1)!)).size / MEGABYTE }
}

export interface RecoveryOptions {
  readonly gigabytes: number
  readonly segmentMegabytes: number
  readonly rounds: number
}

/** Rows for the table: exec -> ready over so many gigabytes in one partition, the last of its segments open. */
export async function recoveryRows({ gigabytes, segmentMegabytes, rounds }: RecoveryOptions): Promise<string[][]> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'odradek-bench-'))
  const programArgs = ['--set', `log.segment.bytes=${segmentMegabytes * MEGABYTE}`]
  let segments = { count: 0, openMegabytes: 0 }
  const times = { stopped: [] as number[], killed: [] as number[] }
  try {
    let server = await startOdradekOnDisk({ dataFolder, programArgs })
    const filled = await fill(server.address, gigabytes)
    segments = segmentsOf(join(dataFolder, `${filled.topic}-0`))
    for (let round = 0; round < rounds; round++) {
      for (const how of ['killed', 'stopped'] as const) {
        await (how === 'killed' ? server.kill() : server.end())
        server = await startOdradekOnDisk({ dataFolder, programArgs })
        times[how].push(server.readyMs)
        await check(server.address, filled)
      }
    }
    await server.kill()
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
  const row = (how: string, ms: readonly number[]): string[] =>
    tableRow(
      `${RECOVERY}: exec -> ready with ${gigabytes} GB in ${segments.count} segments of one partition, after ${how}`,
      'ms, less is better',
      (server) => (server === 'Odradek on disk' ? ms : []),
    )
  const scanned = `${Math.round(segments.openMegabytes)} MB of open segment are scanned`
  return [row(`kill -9 (${scanned})`, times.killed), row('a stop', times.stopped)]
}
