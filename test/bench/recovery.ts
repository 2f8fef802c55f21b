/** How long a broker with much on its disk takes to serve again: after a stop, and after kill -9. */
import { mkdtempSync, rmSync } from 'node:fs'
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
const SEGMENT_BYTES = 1024 ** 3
const WINDOW = 8

interface Filled {
  readonly topic: string
  readonly load: ProduceLoad
  readonly batches: number
}

async function fill(address: string, gigabytes: number): Promise<Filled> {
  const batches = Math.ceil((gigabytes * SEGMENT_BYTES) / (BATCH_RECORDS * 1024))
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

/** Rows for the table: exec -> ready over `gigabytes` in segments of 1 GB, the last of them open. */
export async function recoveryRows(gigabytes: number, rounds: number): Promise<string[][]> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'odradek-bench-'))
  const times = { stopped: [] as number[], killed: [] as number[] }
  try {
    let server = await startOdradekOnDisk({ dataFolder })
    const filled = await fill(server.address, gigabytes)
    for (let round = 0; round < rounds; round++) {
      for (const how of ['killed', 'stopped'] as const) {
        await (how === 'killed' ? server.kill() : server.end())
        server = await startOdradekOnDisk({ dataFolder })
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
      `${RECOVERY}: exec -> ready with ${gigabytes} GB in one partition, after ${how}`,
      'ms, less is better',
      (server) => (server === 'Odradek on disk' ? ms : []),
    )
  return [row('kill -9 (the open segment is scanned)', times.killed), row('a stop', times.stopped)]
}
