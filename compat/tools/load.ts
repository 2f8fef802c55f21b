/** Writes what the tools are to find: rolled segments, idempotent and aborted batches, a compacted topic, groups, open transactions. */
import { Kafka, logLevel } from 'kafkajs'
import { buildBatch, CreateTopics, ErrorCode, InitProducerId, Produce } from '../../protocol/index.js'
import { RawClient } from '../../test/support/raw-client.js'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

/** Three segments of the smallest size that Kafka takes, and a bit. */
export const ROLLED = { topic: 'rolled', records: 2200, valueBytes: 1500 }
export const PLAIN = { topic: 'plain', partitions: 3, records: 90 }
export const COMPACTED = { topic: 'compacted', records: 30 }
/** Its first segment, with the transactions, is sealed by what comes after them. */
export const MIXED = { topic: 'mixed', committed: 4, aborted: 3, plain: 1000 }
export const GROUP = 'readers'
export const TRANSACTIONAL_GROUP = 'transactional-readers'
export const TRANSACTIONAL_ID = 'tools-transactional'

const configs = (entries: Readonly<Record<string, string>>) =>
  Object.entries(entries).map(([name, value]) => ({ name, value }))

export function client(bootstrapServers: string): Kafka {
  return new Kafka({ clientId: 'tools', brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
}

export async function createTopics(bootstrapServers: string): Promise<void> {
  const raw = await RawClient.connect(bootstrapServers)
  const one = { numPartitions: 1, replicationFactor: 1 }
  const answer = await raw.send(CreateTopics, 5, {
    timeoutMs: 20_000,
    topics: [
      { name: ROLLED.topic, ...one, configs: configs({ 'segment.bytes': String(1 << 20) }) },
      { name: PLAIN.topic, ...one, numPartitions: PLAIN.partitions },
      { name: COMPACTED.topic, ...one, configs: configs({ 'cleanup.policy': 'compact' }) },
      { name: MIXED.topic, ...one, configs: configs({ 'segment.bytes': String(1 << 20) }) },
      { name: 'hanging', ...one },
    ],
  })
  raw.close()
  const refused = answer.topics.filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
  if (refused.length > 0) throw new Error(`not created: ${JSON.stringify(refused)}`)
}

export async function write(bootstrapServers: string): Promise<void> {
  const kafka = client(bootstrapServers)
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
  await producer.connect()
  const value = Buffer.alloc(ROLLED.valueBytes, 'v')
  for (let sent = 0; sent < ROLLED.records; sent += 100) {
    const messages = Array.from({ length: 100 }, (_, i) => ({ key: `r${sent + i}`, value, headers: { n: String(i) } }))
    await producer.send({ topic: ROLLED.topic, messages })
  }
  const plain = Array.from({ length: PLAIN.records }, (_, i) => ({ key: `p${i}`, value: `v${i}`, partition: i % 3 }))
  await producer.send({ topic: PLAIN.topic, messages: plain })
  for (let i = 0; i < COMPACTED.records; i++) {
    await producer.send({
      topic: COMPACTED.topic,
      messages: [{ key: `c${i % 5}`, value: i % 7 === 0 ? null : `v${i}` }],
    })
  }
  await producer.disconnect()
  await transact(kafka)
  await seal(kafka)
  await commitOffsets(kafka)
}

async function transact(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ transactionalId: TRANSACTIONAL_ID, maxInFlightRequests: 1 })
  await producer.connect()
  const send = async (count: number, commit: boolean) => {
    const transaction = await producer.transaction()
    const messages = Array.from({ length: count }, (_, i) => ({
      key: `t${i}`,
      value: commit ? 'committed' : 'aborted',
    }))
    await transaction.send({ topic: MIXED.topic, messages })
    const topics = [{ topic: PLAIN.topic, partitions: [{ partition: 0, offset: commit ? '7' : '9' }] }]
    await transaction.sendOffsets({ consumerGroupId: TRANSACTIONAL_GROUP, topics })
    await (commit ? transaction.commit() : transaction.abort())
  }
  await send(MIXED.committed, true)
  await send(MIXED.aborted, false)
  await producer.disconnect()
}

async function seal(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const value = Buffer.alloc(ROLLED.valueBytes, 's')
  for (let sent = 0; sent < MIXED.plain; sent += 100) {
    await producer.send({ topic: MIXED.topic, messages: Array.from({ length: 100 }, () => ({ value })) })
  }
  await producer.disconnect()
}

async function commitOffsets(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const partitions = [0, 1, 2].map((partition) => ({ partition, offset: String(10 + partition) }))
  await admin.setOffsets({ groupId: GROUP, topic: PLAIN.topic, partitions })
  await admin.disconnect()
}

/**
 * A transaction that no coordinator knows of: a transactional batch whose partition was never added. It takes a broker that does not
 * verify (KIP-890). Returns its producer id. The batch is an hour old, so that it counts as hanging.
 */
export async function hang(bootstrapServers: string, topic: string): Promise<number> {
  const raw = await RawClient.connect(bootstrapServers)
  const transactionalId = 'tools-hanging'
  let producer = { errorCode: -1, producerId: -1, producerEpoch: -1 }
  // The coordinator may be loading its first partition.
  for (let attempt = 0; attempt < 100 && producer.errorCode !== ErrorCode.NONE; attempt++) {
    producer = await raw.send(InitProducerId, 2, { transactionalId, transactionTimeoutMs: 60_000 })
    if (producer.errorCode !== ErrorCode.NONE) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { producerId, producerEpoch } = producer
  const record = { key: 'h', value: 'hangs', timestamp: Date.now() - 3_600_000 }
  const records = buildBatch([record], { producerId, producerEpoch, baseSequence: 0, transactional: true })
  const answer = await raw.send(Produce, 9, {
    transactionalId,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  raw.close()
  const errorCode = answer.responses[0]!.partitionResponses[0]!.errorCode
  if (errorCode !== ErrorCode.NONE) throw new Error(`the batch that was to hang was refused: ${errorCode}`)
  return producerId
}
