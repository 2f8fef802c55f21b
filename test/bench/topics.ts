/** Topics on any of the brokers: made, waited for, read back, deleted. */
import {
  batchHeader,
  CreateTopics,
  DeleteTopics,
  errorName,
  Fetch,
  forEachBatch,
  Metadata,
  Produce,
  type RequestInput,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { must } from './bench-case.js'

const PATIENCE_MS = 60_000

/** Asks again until it is so. */
export async function eventually(what: string, attempt: () => Promise<boolean>): Promise<void> {
  for (const start = performance.now(); !(await attempt()); ) {
    must(performance.now() - start < PATIENCE_MS, () => `${what}: not so within ${PATIENCE_MS} ms`)
    // Not in the same turn: the broker shares the processor with us.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export async function withClient<T>(address: string, run: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(address)
  try {
    return await run(client)
  } finally {
    client.close()
  }
}

export async function createTopics(
  client: RawClient,
  names: readonly string[],
  partitions: number,
  replicationFactor = 1,
): Promise<void> {
  const topics = names.map((name) => ({ name, numPartitions: partitions, replicationFactor }))
  const answer = await client.send(CreateTopics, 7, { topics, timeoutMs: 30_000 })
  for (const { name, errorCode } of answer.topics) {
    must(errorCode === 0, () => `creating ${name}: ${errorName(errorCode)}`)
  }
}

/** Resolves when all partitions of these topics have a leader. */
export function leadersKnown(client: RawClient, names: readonly string[], partitions: number): Promise<void> {
  const topics = names.map((name) => ({ name }))
  return eventually(`leaders of ${names.length} topics`, async () => {
    const answer = await client.send(Metadata, 12, { topics, allowAutoTopicCreation: false })
    return answer.topics.every(
      (topic) =>
        topic.errorCode === 0 &&
        topic.partitions.length === partitions &&
        topic.partitions.every((one) => one.errorCode === 0 && one.leaderId >= 0),
    )
  })
}

export async function deleteTopics(client: RawClient, names: readonly string[]): Promise<void> {
  const topics = names.map((name) => ({ name }))
  const answer = await client.send(DeleteTopics, 6, { topics, timeoutMs: 30_000 })
  for (const { name, errorCode } of answer.responses) {
    must(errorCode === 0, () => `deleting ${name}: ${errorName(errorCode)}`)
  }
}

/** Resolves when nobody knows these topics any more. */
export function topicsGone(client: RawClient, names: readonly string[]): Promise<void> {
  const topics = names.map((name) => ({ name }))
  return eventually(`${names.length} topics gone`, async () => {
    const answer = await client.send(Metadata, 12, { topics, allowAutoTopicCreation: false })
    return answer.topics.every((topic) => topic.errorCode === 3)
  })
}

export function produceRequest(topic: string, records: Buffer, acks: number, index = 0): RequestInput<typeof Produce> {
  return { acks, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index, records }] }] }
}

/** A topic of one partition that takes records: `first` went in at offset 0. */
export async function openTopic(address: string, name: string, first: Buffer): Promise<void> {
  await withClient(address, async (client) => {
    await createTopics(client, [name], 1)
    await eventually(`the first record in ${name}`, async () => {
      const { responses } = await client.send(Produce, 9, produceRequest(name, first, 1))
      return responses[0]!.partitionResponses[0]!.errorCode === 0
    })
  })
}

export const dropTopic = (address: string, name: string): Promise<void> =>
  withClient(address, async (client) => {
    await deleteTopics(client, [name])
    await topicsGone(client, [name])
  })

/** The topic `name` from `offset`, as a Fetch v12 without a session. */
export const fetchRequest = (topic: string, fetchOffset: number, maxBytes: number): RequestInput<typeof Fetch> => ({
  maxWaitMs: 1000,
  minBytes: 1,
  maxBytes,
  sessionEpoch: -1,
  topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] }],
})

/**
 * Reads `batches` batches back from `offset` on and compares each, from its magic byte to its end, with what was sent: count, order and
 * every byte of the records. With `isEnd` there must be no more of them.
 */
export async function readBack(
  address: string,
  topic: string,
  offset: number,
  batches: number,
  sent: (index: number) => Buffer,
  isEnd = true,
): Promise<void> {
  await withClient(address, async (client) => {
    let next = offset
    let index = 0
    while (index < batches) {
      const answer = await client.send(Fetch, 12, fetchRequest(topic, next, 8_000_000))
      const { errorCode, records } = answer.responses[0]!.partitions[0]!
      must(errorCode === 0 && records !== null, () => `reading ${topic} back at ${next}: ${errorName(errorCode)}`)
      forEachBatch(records!, (at, size) => {
        const base = batchHeader.baseOffset(records!, at)
        if (base < next || (!isEnd && index === batches)) return
        must(base === next, () => `offset ${base} was read back, ${next} was due`)
        must(index < batches, () => `more than ${batches} batches in ${topic}`)
        const same =
          records!.compare(sent(index), batchHeader.MAGIC, undefined, at + batchHeader.MAGIC, at + size) === 0
        must(same, () => `batch ${index} of ${topic} was read back with other bytes`)
        next = base + batchHeader.lastOffsetDelta(records!, at) + 1
        index++
      })
    }
  })
}
