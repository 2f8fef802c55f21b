/** Short forms of Produce and Fetch requests, and of the parts of their answers that tests look at. */
import { type BatchOptions, buildBatch, type RecordInput } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { Fetch, Produce, type RequestInput, type ResponseOf } from '../../protocol/index.js'
import type { Outcome, ReplicaBroker } from './replica-broker.js'

export type ProduceAnswer = ResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number]
export type FetchAnswer = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

/** A batch of these values, stamped with the broker's time. */
export function batchOf(
  broker: ReplicaBroker,
  values: readonly (string | RecordInput)[],
  options: BatchOptions = {},
): Buffer {
  const now = broker.clock.now()
  const records = values.map((one) =>
    typeof one === 'string' ? { value: one, timestamp: now } : { timestamp: now, ...one },
  )
  return buildBatch(records, options)
}

export interface ProduceOptions {
  version?: number
  acks?: number
  timeoutMs?: number
  topic?: string
  partition?: number
  transactionalId?: string
}

export function produceRequest(
  records: Buffer | null,
  options: ProduceOptions,
  topicId?: string,
): RequestInput<typeof Produce> {
  const { version = 9, acks = -1, timeoutMs = 1000, topic = 't', partition = 0 } = options
  const partitionData = [{ index: partition, records }]
  return {
    acks,
    timeoutMs,
    transactionalId: options.transactionalId ?? null,
    topicData: [version >= 13 ? { topicId: topicId ?? topic, partitionData } : { name: topic, partitionData }],
  }
}

/** Produces one batch to one partition and gives that partition's answer. It has to come in the same turn. */
export function produceNow(broker: ReplicaBroker, records: Buffer | null, options: ProduceOptions = {}): ProduceAnswer {
  const { version = 9, topic = 't' } = options
  const topicId = version >= 13 ? (broker.image.topicsByName.get(topic)?.topicId ?? topic) : topic
  const outcome = broker.now(Produce, version, produceRequest(records, options, topicId))
  return produceAnswer(outcome)
}

export function produceAnswer(outcome: Outcome<typeof Produce>): ProduceAnswer {
  if (typeof outcome === 'string') throw new Error(`Produce: ${outcome}`)
  return outcome.responses[0]!.partitionResponses[0]!
}

type FetchPartition = NonNullable<NonNullable<RequestInput<typeof Fetch>['topics']>[number]['partitions']>[number]

export interface FetchOptions extends Partial<FetchPartition> {
  version?: number
  topic?: string
  maxWaitMs?: number
  minBytes?: number
  maxBytes?: number
  isolationLevel?: number
  replicaId?: number
}

/** A fetch of one partition, without a session. */
export function fetchRequest(broker: ReplicaBroker, options: FetchOptions = {}): RequestInput<typeof Fetch> {
  const {
    version = 12,
    topic = 't',
    maxWaitMs = 0,
    minBytes = 1,
    maxBytes = 1e6,
    isolationLevel = 0,
    replicaId,
  } = options
  const {
    version: _v,
    topic: _t,
    maxWaitMs: _w,
    minBytes: _m,
    maxBytes: _x,
    isolationLevel: _i,
    replicaId: _r,
    ...partition
  } = options
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6, ...partition }]
  const follower = replicaId === undefined ? {} : version >= 15 ? { replicaState: { replicaId } } : { replicaId }
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    sessionEpoch: -1,
    ...follower,
    topics: [
      version >= 13
        ? { topicId: broker.image.topicsByName.get(topic)?.topicId ?? topic, partitions }
        : { topic, partitions },
    ],
  }
}

export function fetchNow(broker: ReplicaBroker, options: FetchOptions = {}): FetchAnswer {
  return fetchAnswer(broker.now(Fetch, options.version ?? 12, fetchRequest(broker, options)))
}

export function fetchAnswer(outcome: Outcome<typeof Fetch>): FetchAnswer {
  if (typeof outcome === 'string') throw new Error(`Fetch: ${outcome}`)
  return outcome.responses[0]!.partitions[0]!
}

/** Base offsets of the batches in fetched records. */
export function baseOffsets(records: Buffer | null): number[] {
  const offsets: number[] = []
  for (let at = 0; records !== null && at < records.length; at += header.sizeInBytes(records, at)) {
    offsets.push(header.baseOffset(records, at))
  }
  return offsets
}
