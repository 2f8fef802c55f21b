/**
 * `--cluster`: three brokers, replication factor 3, acks=all, against three Apache Kafkas, in interleaved rounds; then how long a writer is
 * held up when the leader is killed. A table of its own, for its columns are other servers.
 */
import { errorName, Metadata, Produce } from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { must } from './bench-case.js'
import { nextTopic, ProduceLoad, type Shape } from './cases/produce.js'
import { type BenchCluster, startEmbedded, startInOneProcess, startKafkas, startOverZooKeeper } from './clusters.js'
import { LoadLine } from './load-line.js'
import { cell, percentile, ratioCell } from './numbers.js'
import { rotated } from './start-up.js'
import { createTopics, eventually, produceRequest, readBack, withClient } from './topics.js'

const REPLICAS = 3
const KILL_AFTER = 200
const WRITES_AFTER = 100

interface Place {
  readonly topic: string
  readonly leader: string
}

/** A topic of one partition whose three replicas are in sync and whose first record is `first`. */
async function openReplicated(cluster: BenchCluster, first: Buffer): Promise<Place> {
  const topic = nextTopic()
  await withClient(cluster.addresses[0]!, (client) => createTopics(client, [topic], 1, REPLICAS))
  let leader = ''
  await eventually(`three replicas of ${topic} in sync`, async () => {
    const found = await leaderOf(cluster.addresses[0]!, topic, REPLICAS)
    if (found === null) return false
    leader = found
    return withClient(leader, async (client) => {
      const { responses } = await client.send(Produce, 9, produceRequest(topic, first, -1))
      return responses[0]!.partitionResponses[0]!.errorCode === 0
    })
  })
  return { topic, leader }
}

async function leaderOf(address: string, topic: string, inSync: number): Promise<string | null> {
  return withClient(address, async (client) => {
    const answer = await client.send(Metadata, 12, { topics: [{ name: topic }], allowAutoTopicCreation: false })
    const partition = answer.topics[0]?.partitions[0]
    if (partition === undefined || partition.errorCode !== 0 || partition.isrNodes.length < inSync) return null
    const broker = answer.brokers.find(({ nodeId }) => nodeId === partition.leaderId)
    return broker === undefined ? null : `${broker.host}:${broker.port}`
  })
}

const throughputShape = (requests: number): Shape => ({
  recordBytes: 1024,
  recordsPerBatch: 16,
  requests,
  window: 8,
  acks: -1,
})
const syncShape = (requests: number): Shape => ({ ...throughputShape(requests), recordsPerBatch: 1, window: 1 })

/** MB/s, sync p50 and p99 in ms, cores of the brokers. */
async function writeRound(cluster: BenchCluster, quick: boolean): Promise<number[]> {
  const cpu = cluster.cpuSeconds()
  const started = performance.now()
  const [megabytes] = await writeLoad(cluster, throughputShape(quick ? 500 : 2500))
  const [, p50, p99] = await writeLoad(cluster, syncShape(quick ? 500 : 2500))
  const cores = ((cluster.cpuSeconds() - cpu) * 1000) / (performance.now() - started)
  return [megabytes!, p50!, p99!, cores]
}

async function writeLoad(cluster: BenchCluster, shape: Shape): Promise<number[]> {
  const template = new ProduceLoad(nextTopic(), shape)
  const { topic, leader } = await openReplicated(cluster, template.batches[0]!)
  const load = new ProduceLoad(topic, shape)
  const line = await LoadLine.connect(leader)
  const times = new Float64Array(shape.requests)
  const start = performance.now()
  let last = start
  await load.run(line, shape.recordsPerBatch, true, (index) => {
    const now = performance.now()
    times[index] = now - last
    last = now
  })
  const seconds = (performance.now() - start) / 1000
  line.close()
  const { recordsPerBatch, requests, window, recordBytes } = shape
  await readBack(leader, topic, recordsPerBatch, requests, (index) => load.batches[index % window]!)
  return [(requests * recordsPerBatch * recordBytes) / 1e6 / seconds, percentile(times, 0.5), percentile(times, 0.99)]
}

/** Writes one record after another with acks=all, kills the leader on the way; the longest wait for an answer, in ms. */
async function heldUp(cluster: BenchCluster): Promise<number> {
  const load = new ProduceLoad(nextTopic(), syncShape(1))
  const { topic, leader } = await openReplicated(cluster, load.batches[0]!)
  const others = cluster.addresses.filter((address) => address !== leader)
  let client: RawClient | null = await RawClient.connect(leader)
  let longest = 0
  let killed: Promise<void> | null = null
  for (let written = 0; written < KILL_AFTER + WRITES_AFTER; written++) {
    if (written === KILL_AFTER) killed = cluster.kill!(leader)
    const start = performance.now()
    await eventually('the next record', async () => {
      try {
        client ??= await writerFor(others, topic)
        if (client === null) return false
        const { responses } = await client.send(Produce, 9, produceRequest(topic, load.batches[0]!, -1))
        const { errorCode } = responses[0]!.partitionResponses[0]!
        must([0, 3, 6, 7, 19, 20].includes(errorCode), () => `writing: ${errorName(errorCode)}`)
        if (errorCode === 0) return true
      } catch (error) {
        // What a killed broker does to a connection; anything else is a failure of the bench.
        must(killed !== null, () => `before the kill: ${(error as Error).message}`)
      }
      client?.close()
      client = null
      return false
    })
    longest = Math.max(longest, performance.now() - start)
  }
  await killed
  client?.close()
  return longest
}

async function writerFor(addresses: readonly string[], topic: string): Promise<RawClient | null> {
  const leader = await leaderOf(addresses[0]!, topic, 1)
  return leader !== null && addresses.includes(leader) ? RawClient.connect(leader) : null
}

const METRICS = [
  'produce 16 x 1 KB, 8 in flight: MB/s',
  'sync 1 KB: p50 ms, less is better',
  'sync 1 KB: p99 ms, less is better',
  'processor seconds per second',
]

/** The rows of the table, its head first. */
export async function clusterRows(rounds: number, quick: boolean, withKafka: boolean): Promise<string[][]> {
  const starts = [startInOneProcess, startOverZooKeeper, ...(withKafka ? [startKafkas] : [])]
  const clusters: BenchCluster[] = []
  const figures = new Map<string, number[][]>()
  const of = (index: number, metric: number) => figures.get(clusters[index]?.name ?? '')?.[metric] ?? []
  try {
    for (const start of starts) clusters.push(await start())
    for (let round = -1; round < rounds; round++) {
      for (const cluster of rotated(clusters, round + 1)) {
        const numbers = await writeRound(cluster, quick)
        if (round < 0) continue
        const before = figures.get(cluster.name) ?? METRICS.map(() => [])
        figures.set(
          cluster.name,
          before.map((values, i) => [...values, numbers[i]!]),
        )
      }
    }
    const waits = [await failOver(startEmbedded), [await heldUp(clusters[1]!)]]
    if (withKafka) waits.push([await heldUp(clusters[2]!)])
    const row = (name: string, values: (index: number) => readonly number[]): string[] => [
      name,
      ...[0, 1, 2].map((index) => cell(values(index))),
      ...[0, 1].map((index) => ratioCell(values(index), values(2))),
    ]
    return [
      [
        'RF 3, acks=all',
        'Odradek, one process',
        'three processes, ZooKeeper, disk',
        'Apache Kafka x 3',
        '1 / 3',
        '2 / 3',
      ],
      ...METRICS.map((name, metric) => row(name, (index) => of(index, metric))),
      row('kill -9 of the leader: a writer waits, ms', (index) => waits[index] ?? []),
    ]
  } finally {
    for (const cluster of clusters) await cluster.stop()
  }
}

const FAIL_OVERS = 5

async function failOver(start: () => Promise<BenchCluster>): Promise<number[]> {
  const waits: number[] = []
  for (let round = 0; round < FAIL_OVERS; round++) {
    const cluster = await start()
    waits.push(await heldUp(cluster))
    await cluster.stop()
  }
  return waits
}
