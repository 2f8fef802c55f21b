/**
 * Transactions of one record, one after the other on one connection, and the same around a consumed record (exactly-once: fetch, produce,
 * offsets, commit). What is still being ended when the next one begins (CONCURRENT_TRANSACTIONS) is asked again at once. After each round
 * the last stable offset must be behind every marker.
 */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  buildBatch,
  EndTxn,
  errorName,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  OffsetFetch,
  Produce,
  TxnOffsetCommit,
} from '../../../protocol/index.js'
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

const SERVERS: readonly ServerName[] = ['Odradek', 'Odradek on disk', 'Apache Kafka', 'kfake']
const METRICS: readonly Metric[] = [
  { ...opsPerSecond, name: 'transactions/s' },
  { name: 'p50', unit: 'us', better: 'less' },
  { name: 'p99', unit: 'us', better: 'less' },
]
const CONCURRENT_TRANSACTIONS = 51
const READ_COMMITTED = 1
const TRANSACTION = 1
const GROUP = 0

/** A transactional producer as clients before KIP-890 are: every version of every broker here serves it. */
class Producer {
  #producerId = -1
  #producerEpoch = -1
  #sequence = 0

  constructor(
    readonly client: RawClient,
    readonly transactionalId: string,
  ) {}

  async init(): Promise<void> {
    const { transactionalId } = this
    await findCoordinator(this.client, transactionalId, TRANSACTION)
    await eventually(`a producer id for ${transactionalId}`, async () => {
      const answer = await this.client.send(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
      this.#producerId = answer.producerId
      this.#producerEpoch = answer.producerEpoch
      return answer.errorCode === 0
    })
  }

  get #identity() {
    return { transactionalId: this.transactionalId, producerId: this.#producerId, producerEpoch: this.#producerEpoch }
  }

  async begin(topic: string): Promise<void> {
    const request = {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.#producerId,
      v3AndBelowProducerEpoch: this.#producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    }
    await unlessConcurrent('AddPartitionsToTxn', async () => {
      const answer = await this.client.send(AddPartitionsToTxn, 3, request)
      return answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
    })
  }

  async produce(topic: string, value: Buffer): Promise<void> {
    const records = buildBatch([{ value }], {
      baseTimestamp: Date.now(),
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: this.#sequence++,
      transactional: true,
    })
    const request = { ...produceRequest(topic, records, -1), transactionalId: this.transactionalId }
    const answer = await this.client.send(Produce, 9, request)
    mustBeNone('Produce', answer.responses[0]!.partitionResponses[0]!.errorCode)
  }

  async commitOffset(groupId: string, topic: string, committedOffset: number): Promise<void> {
    await unlessConcurrent('AddOffsetsToTxn', async () => {
      return (await this.client.send(AddOffsetsToTxn, 3, { ...this.#identity, groupId })).errorCode
    })
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const topics = [{ name: topic, partitions }]
    const answer = await this.client.send(TxnOffsetCommit, 3, { ...this.#identity, groupId, memberId: '', topics })
    mustBeNone('TxnOffsetCommit', answer.topics[0]!.partitions[0]!.errorCode)
  }

  async commit(): Promise<void> {
    await unlessConcurrent('EndTxn', async () => {
      return (await this.client.send(EndTxn, 3, { ...this.#identity, committed: true })).errorCode
    })
  }
}

function mustBeNone(what: string, errorCode: number): void {
  must(errorCode === 0, () => `${what} answered ${errorName(errorCode)}`)
}

async function unlessConcurrent(what: string, ask: () => Promise<number>): Promise<void> {
  let errorCode: number
  do errorCode = await ask()
  while (errorCode === CONCURRENT_TRANSACTIONS)
  mustBeNone(what, errorCode)
}

function findCoordinator(client: RawClient, key: string, keyType: number): Promise<void> {
  return eventually(`a coordinator for ${key}`, async () => {
    const answer = await client.send(FindCoordinator, 4, { keyType, coordinatorKeys: [key] })
    return answer.coordinators[0]!.errorCode === 0
  })
}

/** Where a read_committed consumer sees the end. */
async function stableEnd(client: RawClient, topic: string): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const answer = await client.send(ListOffsets, 7, { replicaId: -1, isolationLevel: READ_COMMITTED, topics })
  return answer.topics[0]!.partitions[0]!.offset
}

async function timed(count: number, one: (index: number) => Promise<void>): Promise<number[]> {
  const times = new Float64Array(count)
  const took = await seconds(async () => {
    for (let i = 0; i < count; i++) times[i] = (await seconds(() => one(i))) * 1e6
  })
  return [count / took, percentile(times, 0.5), percentile(times, 0.99)]
}

interface Scene {
  readonly producer: Producer
  readonly client: RawClient
  readonly output: string
}

/** Rounds of `count` transactions into a topic of their own; each leaves a record and a marker there. */
async function openTransactions(
  address: string,
  count: number,
  prepare: (scene: Scene) => Promise<(index: number) => Promise<void>>,
  after: (round: number) => Promise<void> = async () => {},
): Promise<Running> {
  const client = await RawClient.connect(address)
  const output = nextTopic()
  await openTopic(address, output, buildBatch([{ value: 'first' }], { baseTimestamp: Date.now() }))
  const producer = new Producer(client, `bench-${output}`)
  await producer.init()
  const one = await prepare({ producer, client, output })
  let rounds = 0
  return {
    round: () => timed(count, (index) => one(rounds * count + index)),
    async afterRound() {
      rounds++
      // The marker of the last transaction may come after its answer.
      const due = 1 + 2 * count * rounds
      await eventually(`the stable end of ${output} at ${due}`, async () => (await stableEnd(client, output)) === due)
      await after(rounds)
    },
    async close() {
      client.close()
      await dropTopic(address, output)
    },
  }
}

const VALUE = Buffer.alloc(1024, 'what a record holds;')

const oneRecord: BenchCase = {
  name: 'transactions of 1 record of 1 KB, one after the other',
  metrics: METRICS,
  servers: SERVERS,
  apis: [24, 26],
  open: (server, { scale }) =>
    openTransactions(server.address, scale.count(2000), async ({ producer, output }) => async () => {
      await producer.begin(output)
      await producer.produce(output, VALUE)
      await producer.commit()
    }),
}

const exactlyOnce: BenchCase = {
  name: 'exactly-once loop: fetch 1 record, produce it, offsets, commit',
  metrics: METRICS,
  servers: SERVERS,
  apis: [24, 25, 26, 28],
  async open(server, { scale }) {
    const count = scale.count(1000)
    const { address } = server
    const input = nextTopic()
    const group = `bench-${input}`
    await openTopic(address, input, buildBatch([{ value: VALUE }], { baseTimestamp: Date.now() }))
    const running = await openTransactions(
      address,
      count,
      async ({ producer, client, output }) => {
        await findCoordinator(client, group, GROUP)
        return async (index) => {
          const answer = await client.send(Fetch, 12, {
            ...fetchRequest(input, index, 1024),
            isolationLevel: READ_COMMITTED,
          })
          const { errorCode, records } = answer.responses[0]!.partitions[0]!
          must(errorCode === 0 && (records?.length ?? 0) > VALUE.length, () => `nothing was fetched at ${index}`)
          await producer.begin(output)
          await producer.produce(output, VALUE)
          await producer.commitOffset(group, input, index + 1)
          await producer.commit()
          // The next one's input.
          await feed(client, input)
        }
      },
      (rounds) => committedAt(address, group, input, count * rounds),
    )
    return {
      ...running,
      async close() {
        await running.close()
        await dropTopic(address, input)
      },
    }
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

export const transactionCases: readonly BenchCase[] = [oneRecord, exactlyOnce]
