/** How fast a compacted topic is cleaned, and how long other requests wait while it is. */
import {
  ApiVersions,
  buildBatch,
  CreateTopics,
  DescribeLogDirs,
  encodeRequestFrame,
  IncrementalAlterConfigs,
  Produce,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { must } from './bench-case.js'
import { checkProduced, nextTopic } from './cases/produce.js'
import { tableRow } from './columns.js'
import { LoadLine } from './load-line.js'
import { percentile } from './numbers.js'
import { startOdradekOnDisk } from './servers.js'
import { eventually, leadersKnown, produceRequest } from './topics.js'

export const COMPACTION = 'compaction'
const KEYS = 10_000
const BATCH_RECORDS = 100
const RECORD_BYTES = 1024
const WINDOW = 8
const SEGMENT_BYTES = 32 * 1024 * 1024
const TOPIC = 2

/** Every key once in each pass over the frames. */
function keyedFrames(topic: string): Buffer[] {
  const header = { correlationId: 0, clientId: 'bench' }
  return Array.from({ length: KEYS / BATCH_RECORDS }, (_, batch) => {
    const records = Array.from({ length: BATCH_RECORDS }, (_, i) => ({
      key: `key-${batch * BATCH_RECORDS + i}`,
      value: Buffer.alloc(RECORD_BYTES, 'what a record holds;'),
    }))
    return encodeRequestFrame(
      Produce,
      9,
      header,
      produceRequest(topic, buildBatch(records, { baseTimestamp: Date.now() }), 1),
    )
  })
}

/** A topic that is not due until its ratio is changed. */
async function open(client: RawClient, name: string): Promise<void> {
  const configs = { 'cleanup.policy': 'compact', 'segment.bytes': SEGMENT_BYTES, 'min.cleanable.dirty.ratio': 1 }
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) }))
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, configs: entries }]
  const answer = await client.send(CreateTopics, 7, { topics, timeoutMs: 30_000 })
  must(answer.topics[0]!.errorCode === 0, () => `creating ${name}: ${answer.topics[0]!.errorMessage}`)
  await leadersKnown(client, [name], 1)
}

async function sizeOf(client: RawClient, topic: string): Promise<number> {
  const answer = await client.send(DescribeLogDirs, 4, { topics: [{ topic, partitions: [0] }] })
  return answer.results[0]!.topics[0]!.partitions[0]!.partitionSize
}

/** Asks something small without a pause; gives how long each answer took, in ms. */
async function pings(address: string, until: Promise<void>): Promise<Float64Array> {
  const client = await RawClient.connect(address)
  const times: number[] = []
  let over = false
  void until.finally(() => {
    over = true
  })
  while (!over) {
    const start = performance.now()
    await client.send(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' })
    times.push(performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  client.close()
  return Float64Array.from(times)
}

/** Rows for the table: cleaning `megabytes` of which all but the last value of each key goes. */
export async function compactionRows(megabytes: number): Promise<string[][]> {
  const server = await startOdradekOnDisk({ programArgs: ['--set', 'log.cleaner.backoff.ms=10'] })
  const client = await RawClient.connect(server.address)
  try {
    const topic = nextTopic()
    await open(client, topic)
    const frames = keyedFrames(topic)
    const count = Math.ceil((megabytes * 1e6) / (BATCH_RECORDS * RECORD_BYTES))
    const line = await LoadLine.connect(server.address)
    const frame = (index: number): Buffer => frames[index % frames.length]!
    const onAnswer = (index: number, head: Buffer): void => checkProduced(head, topic, index, index * BATCH_RECORDS)
    await line.run({ count, window: WINDOW, frame, onAnswer })
    line.close()
    const before = await sizeOf(client, topic)
    // What stays: the last value of each key, and the segments that were written last.
    const most = KEYS * RECORD_BYTES * 2 + 2 * SEGMENT_BYTES
    const start = performance.now()
    const resources = [
      {
        resourceType: TOPIC,
        resourceName: topic,
        configs: [{ name: 'min.cleanable.dirty.ratio', configOperation: 0, value: '0.01' }],
      },
    ]
    await client.send(IncrementalAlterConfigs, 1, { resources })
    const cleaned = eventually(`${topic} is cleaned`, async () => (await sizeOf(client, topic)) <= most)
    const waits = await pings(server.address, cleaned)
    await cleaned
    const took = (performance.now() - start) / 1000
    const row = (metric: string, figure: number): string[] =>
      tableRow(`${COMPACTION} of ${megabytes} MB, ${KEYS} keys`, metric, (name) =>
        name === 'Odradek on disk' ? [figure] : [],
      )
    return [
      row('MB/s', before / 1e6 / took),
      row('others wait, p99 ms, less is better', percentile(waits, 0.99)),
      row('others wait, longest ms, less is better', percentile(waits, 1)),
    ]
  } finally {
    client.close()
    await server.stop()
  }
}
