/**
 * What every kafkajs suite needs: clients with short retry times, names of its own, conditions to wait for, and a place
 * that disconnects everything after each test.
 */
import { randomBytes } from 'node:crypto'
import {
  type Admin,
  type AdminConfig,
  Kafka,
  type KafkaConfig,
  type KafkaMessage,
  logLevel,
  type Message,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { currentTarget } from '../fixture.js'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

interface Disconnectable {
  disconnect(): Promise<void>
}

const opened: Disconnectable[] = []

/** Remembers a client, so that `closeAll` disconnects it. Returns it. */
export function closing<T extends Disconnectable>(client: T): T {
  opened.push(client)
  return client
}

/** Disconnects all that the test opened, the newest first. Every suite calls it in `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const client of opened.splice(0).reverse()) await client.disconnect()
}

/** A name that no other test uses, now or in an earlier run against the same broker. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`
}

/** kafkajs as a user has it, but quiet and with short retry times. */
export function kafka(config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    clientId: 'compat',
    brokers: [...currentTarget().brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 8 },
    ...config,
  })
}

export async function connectedAdmin(config: AdminConfig = {}): Promise<Admin> {
  const admin = closing(kafka().admin(config))
  await admin.connect()
  return admin
}

export async function connectedProducer(config: ProducerConfig = {}): Promise<Producer> {
  const producer = closing(kafka().producer({ allowAutoTopicCreation: false, ...config }))
  await producer.connect()
  return producer
}

/** Makes a topic and waits until each partition has a leader. Returns its name. */
export async function createTopic(partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = unique('topic')
  const admin = kafka().admin()
  await admin.connect()
  try {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: false })
    await eventually(`leaders of ${topic}`, async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const led = topics[0]?.partitions.every((found) => found.leader >= 0)
      if (topics[0]?.partitions.length !== partitions || !led) return false
      // Metadata may know a partition before its leader does; a produce in between is sent twice by kafkajs.
      return (await admin.fetchTopicOffsets(topic)).length === partitions
    })
  } finally {
    await admin.disconnect()
  }
  return topic
}

/** Sends messages with a producer of its own. */
export async function produce(topic: string, messages: Message[]): Promise<void> {
  const producer = kafka().producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, messages })
  await producer.disconnect()
}

/** `count` messages with values `PREFIX0`, `PREFIX1` ..., and the same as keys. */
export function numbered(count: number, prefix = 'm', first = 0): Message[] {
  return Array.from({ length: count }, (_, i) => ({ key: `${prefix}${first + i}`, value: `${prefix}${first + i}` }))
}

/**
 * Asks until the answer is yes. An error counts as "not yet" (a broker may need a moment until all see a change), and
 * is shown when time runs out.
 */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, withinMs = 15_000) {
  const deadline = Date.now() + withinMs
  let last: unknown
  for (;;) {
    try {
      if (await check()) return
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Resolves with the error that a promise rejects with; a promise that resolves is an error itself. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { type?: string; code?: number }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('expected an error, but it succeeded')
}

/** The protocol error inside kafkajs's wrappers (KafkaJSNumberOfRetriesExceeded, KafkaJSNonRetriableError). */
export function protocolErrorOf(error: Error): string {
  let current: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const type: unknown = (current as { type?: unknown }).type
    if (typeof type === 'string') return type
    const inner = current as { originalError?: unknown; cause?: unknown }
    current = inner.originalError ?? inner.cause
  }
  return `${error.name}: ${error.message}`
}

/** A record as the suites compare it. */
export interface Received {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly message: KafkaMessage
}

export function received(topic: string, partition: number, message: KafkaMessage): Received {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key?.toString() ?? null,
    value: message.value?.toString() ?? null,
    message,
  }
}

/** Reads `count` records from the beginning with a group of its own, and returns them by partition and offset. */
export async function readAll(topic: string, count: number, config: Partial<KafkaConfig> = {}): Promise<Received[]> {
  const consumer = kafka(config).consumer({
    groupId: unique('reader'),
    maxWaitTimeInMs: 50,
    allowAutoTopicCreation: false,
  })
  const records: Received[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        records.push(received(topic, partition, message))
      },
    })
    await eventually(`${count} records of ${topic} (have ${records.length})`, () => records.length >= count)
  } finally {
    await consumer.disconnect()
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** Values in the given order, for short comparisons. */
export function values(records: readonly Received[]): (string | null)[] {
  return records.map((record) => record.value)
}
