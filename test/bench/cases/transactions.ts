/**
 * Transactions of one record, one after the other on one connection, and the same around a consumed record (exactly-once: fetch, produce,
 * offsets, commit). What is still being ended when the next one begins (CONCURRENT_TRANSACTIONS) is asked again at once. After each round
 * the last stable offset must be behind every marker.
 */
import { buildBatch, Fetch, ListOffsets, OffsetFetch, Produce } from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'
import {
  type BenchCase,
  type Metric,
  must,
  opsPerSecond,
  type Running,
  type ServerName,
  seconds,
} from '../bench-case.js'
import { percentile } from '../numbers.js'
import { dropTopic, eventually, fetchRequest, openTopic, produceRequest } from '../topics.js'
import { nextTopic } from './produce.js'
import { findCoordinator, mustBeNone, Producer } from './transactional-producer.js'

const SERVERS: readonly ServerName[] = ['Odradek', 'Odradek on disk', 'Apache Kafka', 'kfake']
const METRICS: readonly Metric[] = [
  { ...opsPerSecond, name: 'transactions/s' },
  { name: 'p50', unit: 'us', better: 'less' },
  { name: 'p99', unit: 'us', better: 'less' },
]
const READ_COMMITTED = 1
const GROUP = 0
const LANES = 8

/** Where a read_committed consumer sees the end. */
async function stableEnd(client: RawClient, topic: string): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const answer = await client.send(ListOffsets, 7, { replicaId: -1, isolationLevel: READ_COMMITTED, topics })
  return answer.topics[0]!.partitions[0]!.offset
}

/** `count` turns of every lane, one after the other within a lane. */
async function timed(count: number, lanes: readonly ((index: number) => Promise<void>)[]): Promise<number[]> {
  const times = new Float64Array(count * lanes.length)
  const run = async (one: (index: number) => Promise<void>, lane: number): Promise<void> => {
    for (let i = 0; i < count; i++) times[lane * count + i] = (await seconds(() => one(i))) * 1e6
  }
  const took = await seconds(() => Promise.all(lanes.map(run)))
  return [times.length / took, percentile(times, 0.5), percentile(times, 0.99)]
}

interface Scene {
  readonly producer: Producer
  readonly client: RawClient
  readonly output: string
}

/** One producer's transactions; `one` makes the next, the others check and clean up after a round of `count` or at the end. */
interface Lane {
  one(index: number): Promise<void>
  afterRound(rounds: number, count: number): Promise<void>
  close(): Promise<void>
}

/** Transactions into a topic of their own; each leaves a record and a marker there. */
async function openLane(
  address: string,
  joinsByWriting: boolean,
  prepare: (scene: Scene) => Promise<(index: number) => Promise<void>>,
): Promise<Lane> {
  const client = await RawClient.connect(address)
  const output = nextTopic()
  await openTopic(address, output, buildBatch([{ value: 'first' }], { baseTimestamp: Date.now() }))
  const producer = new Producer(client, `bench-${output}`, joinsByWriting)
  await producer.init()
  return {
    one: await prepare({ producer, client, output }),
    async afterRound(rounds, count) {
      // The marker of the last transaction may come after its answer.
      const due = 1 + 2 * count * rounds
      await eventually(`the stable end of ${output} at ${due}`, async () => (await stableEnd(client, output)) === due)
    },
    async close() {
      client.close()
      await dropTopic(address, output)
    },
  }
}

function running(lanes: readonly Lane[], count: number): Running {
  let rounds = 0
  const turns = lanes.map(
    (lane) =>
      (index: number): Promise<void> =>
        lane.one(rounds * count + index),
  )
  return {
    round: () => timed(count, turns),
    async afterRound() {
      rounds++
      for (const lane of lanes) await lane.afterRound(rounds, count)
    },
    async close() {
      for (const lane of lanes) await lane.close()
    },
  }
}

const VALUE = Buffer.alloc(1024, 'what a record holds;')

const oneRecord: BenchCase = {
  name: 'transactions of 1 record of 1 KB, one after the other',
  metrics: METRICS,
  servers: SERVERS,
  apis: [24, 26],
  async open({ address }, { scale }) {
    const lane = await openLane(address, false, async ({ producer, output }) => async () => {
      await producer.begin(output)
      await producer.produce(output, VALUE)
      await producer.commit()
    })
    return running([lane], scale.count(2000))
  },
}

/** Fetch, produce, offsets, commit, and the next one's input. */
async function openLoop(address: string, joinsByWriting: boolean): Promise<Lane> {
  const input = nextTopic()
  const group = `bench-${input}`
  await openTopic(address, input, buildBatch([{ value: VALUE }], { baseTimestamp: Date.now() }))
  const lane = await openLane(address, joinsByWriting, async ({ producer, client, output }) => {
    await findCoordinator(client, group, GROUP)
    return async (index) => {
      const fetch = { ...fetchRequest(input, index, 1024), isolationLevel: READ_COMMITTED }
      const answer = await client.send(Fetch, 12, fetch)
      const { errorCode, records } = answer.responses[0]!.partitions[0]!
      must(errorCode === 0 && (records?.length ?? 0) > VALUE.length, () => `nothing was fetched at ${index}`)
      await producer.begin(output)
      await producer.produce(output, VALUE)
      await producer.commitOffset(group, input, index + 1)
      await producer.commit()
      await feed(client, input)
    }
  })
  return {
    one: lane.one,
    async afterRound(rounds, count) {
      await lane.afterRound(rounds, count)
      await committedAt(address, group, input, count * rounds)
    },
    async close() {
      await lane.close()
      await dropTopic(address, input)
    },
  }
}

const exactlyOnce: BenchCase = {
  name: 'exactly-once loop: fetch 1 record, produce it, offsets, commit',
  metrics: METRICS,
  servers: SERVERS,
  apis: [24, 25, 26, 28],
  open: async ({ address }, { scale }) => running([await openLoop(address, false)], scale.count(1000)),
}

/** Kafka Streams' way: a producer for each of several tasks, with the protocol of today's clients. */
const exactlyOnceSideBySide: BenchCase = {
  name: `exactly-once loop, ${LANES} side by side, transaction.version 2`,
  metrics: METRICS,
  servers: ['Odradek', 'Odradek on disk', 'Apache Kafka'],
  apis: [24, 25, 26, 28],
  async open({ address }, { scale }) {
    const lanes: Lane[] = []
    for (let i = 0; i < LANES; i++) lanes.push(await openLoop(address, true))
    return running(lanes, scale.count(250))
  },
}

async function feed(client: RawClient, input: string): Promise<void> {
  const records = buildBatch([{ value: VALUE }], { baseTimestamp: Date.now() })
  const answer = await client.send(Produce, 9, produceRequest(input, records, 1))
  mustBeNone('Produce', answer.responses[0]!.partitionResponses[0]!.errorCode)
}

async function committedAt(address: string, groupId: string, topic: string, due: number): Promise<void> {
  const client = await RawClient.connect(address)
  try {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    await eventually(`${groupId} at ${due}`, async () => {
      const answer = await client.send(OffsetFetch, 7, { groupId, topics, requireStable: true })
      const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
      return errorCode === 0 && committedOffset === due
    })
  } finally {
    client.close()
  }
}

export const transactionCases: readonly BenchCase[] = [oneRecord, exactlyOnce, exactlyOnceSideBySide]
