/**
 * kafkajs as the clients of a crash run: `node kafkajs-client.js BOOTSTRAP PROGRAM INCARNATION SEED ROLE,ROLE...`. It writes and reads
 * until its standard input ends, says what it does as events.ts wants it, and survives everything but its own SIGKILL: whatever
 * fails is noted, its client thrown away and a new one made.
 */
import {
  type Consumer,
  Kafka,
  type KafkaMessage,
  logLevel,
  type Producer,
  type ProducerConfig,
  type Transaction,
} from 'kafkajs'
import { watchLoop } from '../../support/loop-watchdog.js'
import { compactedKey } from '../checker.js'
import { type ClientEvent, identityOf, writeIdentity } from '../events.js'
import { COMPACTED, copyOf, EXACT, ONE_AT_A_TIME, PLAIN, RETAINED, TRANSACTIONS } from '../topics.js'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const [bootstrap, program, incarnation, seedText, roleList] = process.argv.slice(2)
if (!roleList) throw new Error('usage: kafkajs-client.js BOOTSTRAP PROGRAM INCARNATION SEED ROLE,ROLE...')

let stopping = false
process.stdin.on('end', () => {
  stopping = true
  // A server that is gone for good must not keep us.
  setTimeout(() => process.exit(3), 150_000).unref()
})
process.stdin.resume()

// When a consumer fails while partitions change their leaders, kafkajs 2.2.4 may ask itself for records for ever, in one turn. Such a process is
// ended, and another one takes its place.
watchLoop(15_000)

const kafka = new Kafka({
  clientId: `${program}-${incarnation}`,
  brokers: bootstrap!.split(','),
  logLevel: logLevel.NOTHING,
  connectionTimeout: 1000,
  requestTimeout: 5000,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 40 },
})

const say = (event: ClientEvent) => process.stdout.write(`${JSON.stringify(event)}\n`)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** mulberry32: what a program does comes from its seed; when it does it, from the machine. */
let state = Number(seedText) | 0
function below(bound: number): number {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % bound
}

/** One writer: counts its records per partition. A producer that failed is replaced, and what it did not acknowledge never sent again. */
class Writer {
  readonly name: string
  readonly #next = new Map<string, number>()

  constructor(readonly role: string) {
    this.name = `${program}.${role}#${incarnation}`
  }

  /** Numbers `count` records for a partition and says that they are sent. */
  records(topic: string, partition: number, count: number, transaction: number | null, sources?: readonly string[]) {
    const key = `${topic} ${partition}`
    const first = this.#next.get(key) ?? 0
    this.#next.set(key, first + count)
    const x = transaction === null ? {} : { x: transaction }
    say({ e: 'sent', w: this.name, t: topic, p: partition, n: first, c: count, ...x })
    const messages = Array.from({ length: count }, (_, i) => {
      const source = sources?.[i] ?? null
      const identity = writeIdentity({ writer: this.name, n: first + i, transaction, source })
      const value = `${identity} ${'.'.repeat(below(1200))}`
      return { partition, key: topic === COMPACTED ? compactedKey(first + i) : null, value }
    })
    return { first, messages }
  }

  acked(topic: string, partition: number, first: number, count: number, offset: number): void {
    say({ e: 'acked', w: this.name, t: topic, p: partition, n: first, c: count, o: offset })
  }

  note(error: unknown): void {
    say({ e: 'note', w: this.name, m: error instanceof Error ? `${error.name}: ${error.message}` : String(error) })
  }

  /** Runs `work` with connected producers, one after the other, until the program stops. */
  async withProducers(config: ProducerConfig, work: (producer: Producer) => Promise<void>): Promise<void> {
    while (!stopping) {
      const producer = kafka.producer({ allowAutoTopicCreation: false, ...config })
      try {
        await producer.connect()
        while (!stopping) await work(producer)
      } catch (error) {
        this.note(error)
        await pause(50)
      }
      await producer.disconnect().catch((error: unknown) => this.note(error))
    }
  }
}

async function write(role: string, acks: number, topics: readonly [string, number][], config: ProducerConfig = {}) {
  const writer = new Writer(role)
  await writer.withProducers(config, async (producer) => {
    const [topic, partitions] = topics[below(topics.length)]!
    const partition = below(partitions)
    const { first, messages } = writer.records(topic, partition, 1 + below(20), null)
    const [answer] = await producer.send({ topic, acks, messages })
    if (answer?.baseOffset === undefined) throw new Error(`no base offset in ${JSON.stringify(answer)}`)
    writer.acked(topic, partition, first, messages.length, Number(answer.baseOffset))
    await pause(below(20))
  })
}

async function transact(): Promise<void> {
  const writer = new Writer('transactional')
  let number = 0
  const config = { transactionalId: `${program}.transactional`, maxInFlightRequests: 1, transactionTimeout: 10_000 }
  await writer.withProducers(config, async (producer) => {
    const transaction = await producer.transaction()
    number++
    for (let batch = below(4); batch >= 0; batch--) {
      const topic = below(2) === 0 ? TRANSACTIONS : ONE_AT_A_TIME
      const partition = below(3)
      const { first, messages } = writer.records(topic, partition, 1 + below(8), number)
      const [answer] = await transaction.send({ topic, acks: -1, messages })
      writer.acked(topic, partition, first, messages.length, Number(answer!.baseOffset))
      if (below(4) === 0) await pause(below(60))
    }
    await end(writer, transaction, number, below(4) !== 0)
    await pause(below(30))
  })
}

async function end(writer: Writer, transaction: Transaction, number: number, commit: boolean): Promise<void> {
  if (commit) say({ e: 'tx', w: writer.name, x: number, s: 'committing' })
  await (commit ? transaction.commit() : transaction.abort())
  say({ e: 'tx', w: writer.name, x: number, s: commit ? 'committed' : 'aborted' })
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly KafkaMessage[]
}

/** One consumer until `over` says so or it fails; `take` returns after the batch's offsets are committed. */
async function consumeOnce(
  group: string,
  topic: string,
  committed: boolean,
  take: (batch: Batch, consumer: Consumer) => Promise<void>,
  over: () => Promise<boolean>,
) {
  const consumer = kafka.consumer({
    groupId: group,
    readUncommitted: !committed,
    sessionTimeout: 6000,
    rebalanceTimeout: 6000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 200,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 40, restartOnFailure: async () => false },
  })
  let failure: unknown
  consumer.on('consumer.crash', ({ payload }) => {
    failure = payload.error
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch, heartbeat, isRunning, isStale }) => {
        if (!isRunning() || isStale() || failure !== undefined || batch.messages.length === 0) return
        try {
          await take({ topic, partition: batch.partition, messages: batch.messages }, consumer)
        } catch (error) {
          failure = error
          throw error
        }
        await heartbeat()
      },
    })
    while (failure === undefined && !(stopping && (await over()))) await pause(200)
  } finally {
    await consumer.disconnect()
  }
  if (failure !== undefined) throw failure
}

/** Consumers, one after the other, until the program stops and `over`. Each begins with `before`. */
async function consume(
  role: string,
  group: string,
  topic: string,
  committed: boolean,
  session: () => Promise<{ take(batch: Batch, consumer: Consumer): Promise<void>; close(): Promise<void> }>,
  over: () => Promise<boolean>,
) {
  const name = `${program}.${role}#${incarnation}`
  for (;;) {
    try {
      const { take, close } = await session()
      try {
        await consumeOnce(group, topic, committed, take, over)
        return
      } finally {
        await close()
      }
    } catch (error) {
      say({ e: 'note', w: name, m: error instanceof Error ? `${error.name}: ${error.message}` : String(error) })
      await pause(100)
    }
  }
}

/** Reads in a group and commits what it was given, batch by batch. */
async function read(role: string, topic: string, readCommitted: boolean): Promise<void> {
  const group = `${role}-${program}`
  const take = async ({ partition, messages }: Batch, consumer: Consumer) => {
    const r = messages.map(({ offset, value }) => [Number(offset), identityOf(String(value))] as const)
    say({ e: 'read', g: group, i: readCommitted ? 1 : 0, t: topic, p: partition, r })
    const next = Number(messages.at(-1)!.offset) + 1
    // A consumer that is stopping resolves this without having committed: only the event says that it was done.
    let committed = false
    const stop = consumer.on(consumer.events.COMMIT_OFFSETS, () => {
      committed = true
    })
    try {
      await consumer.commitOffsets([{ topic, partition, offset: String(next) }])
    } finally {
      stop()
    }
    if (!committed) throw new Error('the consumer stops: nothing was committed')
    say({ e: 'offsets', g: group, t: topic, p: partition, o: next })
  }
  await consume(
    role,
    group,
    topic,
    readCommitted,
    async () => ({ take, close: async () => {} }),
    async () => true,
  )
}

/** Every committed record becomes one of the copy's, in a transaction that holds the offsets too. */
async function copy(): Promise<void> {
  const group = `copier-${program}`
  const writer = new Writer('copier')
  let number = 0
  const session = async () => {
    // A new producer first: it ends what an older one left, so that the offsets that the consumer then fetches are settled.
    const transactionalId = `${program}.copier`
    const producer = kafka.producer({
      transactionalId,
      maxInFlightRequests: 1,
      transactionTimeout: 10_000,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    const positions = new Map<number, number>()
    const take = async ({ topic, partition, messages: given }: Batch) => {
      // When a leader moves, kafkajs gives a batch twice in one session: asked of the old leader and of the new one.
      const messages = given.filter(({ offset }) => Number(offset) >= (positions.get(partition) ?? 0))
      if (messages.length === 0) return
      number++
      const transaction = await producer.transaction()
      const sources = messages.map(({ offset }) => `${partition}:${offset}`)
      const made = writer.records(copyOf(program!), partition, messages.length, number, sources)
      const [answer] = await transaction.send({ topic: copyOf(program!), acks: -1, messages: made.messages })
      writer.acked(copyOf(program!), partition, made.first, messages.length, Number(answer!.baseOffset))
      const next = String(Number(messages.at(-1)!.offset) + 1)
      await transaction.sendOffsets({
        consumerGroupId: group,
        topics: [{ topic, partitions: [{ partition, offset: next }] }],
      })
      const commit = below(10) !== 0
      await end(writer, transaction, number, commit)
      if (!commit) throw new Error('an abort of its own will: the batch comes again')
      positions.set(partition, Number(next))
      say({ e: 'offsets', g: group, t: topic, p: partition, o: Number(next) })
    }
    return { take, close: () => producer.disconnect() }
  }
  await consume('copier', group, ONE_AT_A_TIME, true, session, async () => true)
}

const roles: Record<string, () => Promise<void>> = {
  acks1: () => write('acks1', 1, [[PLAIN, 3]]),
  acksall: () =>
    write('acksall', -1, [
      [PLAIN, 3],
      [RETAINED, 1],
      [RETAINED, 1],
    ]),
  idempotent: () =>
    write(
      'idempotent',
      -1,
      [
        [EXACT, 3],
        [COMPACTED, 2],
      ],
      { idempotent: true, maxInFlightRequests: 1 },
    ),
  transactional: transact,
  reader: () => read('reader', PLAIN, false),
  committed: () => read('committed', ONE_AT_A_TIME, true),
  copier: copy,
}

await Promise.all(
  roleList.split(',').map((role) => {
    const run = roles[role]
    if (run === undefined) throw new Error(`no role ${role}; there are ${Object.keys(roles).join(', ')}`)
    return run()
  }),
)
process.exit(0)
