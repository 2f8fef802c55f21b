/** What librdkafka is mistaken about, on any broker, and the log shows it. Nothing else of it is believed. */
import { parseIdentity } from './events.js'
import type { FinalBatch, FinalPartition, FinalRecord } from './final-state.js'
import type { History, WrittenStream } from './history.js'

/** Its program; see clients.ts. */
const WRITER = /^python\./
/** A batch behind one that failed was refused: nothing is lost, but librdkafka has its transaction aborted (the request's r > 0). */
const SKIPPED = /\{code=OUT_OF_ORDER_SEQUENCE_NUMBER,val=45,str="skipped sequence numbers"\}/
/** How it says which batch was refused. */
const REFUSED = /ProduceRequest for (\S+) \[(\d+)\] .* \(PID\{Id:(\d+),Epoch:(\d+)\}, base seq (\d+)/

export interface Log {
  partitionOf(topic: string, partition: number): FinalPartition | undefined
  recordAt(topic: string, partition: number, offset: number): FinalRecord | undefined
}

/**
 * It takes NOT_LEADER_OR_FOLLOWER for "not written" and gives the sequences to other records when the transaction is aborted. But a
 * leader that is deposed before its followers have the batch answers so too (Kafka's DelayedProduce), and the batch may stay. Then the log
 * has, at the sequence that was refused, a batch of this producer of which nothing was acknowledged.
 */
export function isMistakenOfGap(message: string, history: History, log: Log): boolean {
  if (SKIPPED.test(message)) return true
  const refused = REFUSED.exec(message)
  if (refused === null) return false
  const [topic, ...numbers] = refused.slice(1)
  const [partition, producerId, producerEpoch, sequence] = numbers.map(Number) as [number, number, number, number]
  const batch = log
    .partitionOf(topic!, partition)
    ?.batches.find(
      (found) =>
        found.producerId === producerId &&
        found.producerEpoch === producerEpoch &&
        !found.control &&
        found.baseSequence <= sequence &&
        sequence < found.baseSequence + found.recordCount,
    )
  if (batch === undefined) return false
  for (let offset = batch.baseOffset; offset <= batch.lastOffset; offset++) {
    const identity = parseIdentity(log.recordAt(topic!, partition, offset)?.identity ?? '')
    const stream = identity && history.streams.get(`${identity.writer} ${topic} ${partition}`)
    if (!stream || stream.offsets[identity.n] !== undefined) return false
  }
  return true
}

/**
 * When a batch behind one that failed is refused in one partition, it takes the next epoch for all of them, and sends again what it had under way
 * in others: no broker can know a batch of an older epoch by its sequence (librdkafka#4953). So a record of one of its idempotent producers, in no
 * transaction, may be there twice: unacknowledged at the end of an epoch, where nothing of that epoch follows that was acknowledged, and in the next.
 */
export function doubledByNextEpoch(stream: WrittenStream, n: number, offsets: readonly number[], log: Log): boolean {
  const { writer, topic, partition } = stream
  const batches = log.partitionOf(topic, partition)?.batches
  if (!WRITER.test(writer) || stream.transactions[n] !== null || offsets.length !== 2 || batches === undefined)
    return false
  const [older, newer] = offsets.map((offset) => batchAt(batches, offset)) as [FinalBatch, FinalBatch]
  if (older.producerId !== newer.producerId || newer.producerEpoch !== older.producerEpoch + 1) return false
  return batches.every(
    (batch) =>
      batch.baseOffset < older.baseOffset ||
      batch.producerId !== older.producerId ||
      batch.producerEpoch !== older.producerEpoch ||
      !isAcknowledged(batch, stream, log),
  )
}

function isAcknowledged({ baseOffset, lastOffset }: FinalBatch, stream: WrittenStream, log: Log): boolean {
  for (let offset = baseOffset; offset <= lastOffset; offset++) {
    const identity = parseIdentity(log.recordAt(stream.topic, stream.partition, offset)?.identity ?? '')
    if (identity?.writer === stream.writer && stream.offsets[identity.n] === offset) return true
  }
  return false
}

function batchAt(batches: readonly FinalBatch[], offset: number): FinalBatch {
  return batches.find(({ baseOffset, lastOffset }) => baseOffset <= offset && offset <= lastOffset)!
}
