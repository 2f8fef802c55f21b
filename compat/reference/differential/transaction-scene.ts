/** Transactional producers in the raw protocol, for scenarios: what they send is recorded by default, waiting is not. */
import { parseEndTxnMarker } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import {
  AddPartitionsToTxn,
  DescribeTransactions,
  EndTxn,
  Fetch,
  FindCoordinator,
  InitProducerId,
  type Message,
  Produce,
  type RequestInput,
  type ResponseOf,
} from '../../../protocol/index.js'
import { batch } from './batches.js'
import type { Scene } from './scenario.js'

/** The coordinator is being found or loaded, or the transaction before is still ending: true of any broker, for a moment. */
const passing = new Set([14, 15, 16, 51])

export interface TopicName {
  readonly name: string
  readonly id: string
}

export interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export class TransactionScene {
  constructor(readonly c: Scene) {}

  /** A transactional id that has its first epoch. Nothing is recorded. */
  async begun(transactionalId = this.c.name('tx'), timeoutMs = 60_000): Promise<Identity> {
    await this.ready(transactionalId)
    const request = { transactionalId, transactionTimeoutMs: timeoutMs }
    const { producerId, producerEpoch } = await this.quietUntil(
      InitProducerId,
      4,
      request,
      (a) => !passing.has(a.errorCode),
    )
    this.c.learnProducer(producerId)
    return { transactionalId, producerId, producerEpoch }
  }

  /** Waits until the coordinator of an id is there. */
  async ready(transactionalId: string): Promise<void> {
    const asked = { keyType: 1, coordinatorKeys: [transactionalId] }
    await this.quietUntil(FindCoordinator, 4, asked, (a) => a.coordinators[0]!.errorCode === 0)
    // A question that changes nothing, until it is not "not yet".
    const end = { transactionalId, producerId: 1, producerEpoch: 1, committed: true }
    await this.quietUntil(EndTxn, 3, end, (a) => !passing.has(a.errorCode) || a.errorCode === 51)
  }

  /** Sends until the answer is not one of the passing ones, and records that. */
  async init(
    version: number,
    request: RequestInput<typeof InitProducerId>,
  ): Promise<ResponseOf<typeof InitProducerId>> {
    const answer = await this.quietUntil(InitProducerId, version, request, (a) => !passing.has(a.errorCode))
    this.c.learnProducer(answer.producerId)
    this.c.note(`InitProducerId v${version}`, answer)
    return answer
  }

  async add(version: number, who: Identity, topic: string, partitions: number[] = [0]): Promise<void> {
    const { request, codeOf } = addRequest(version, who, topic, partitions)
    await this.c.sendUntil(AddPartitionsToTxn, version, request, (a) => !passing.has(codeOf(a)))
  }

  async quietAdd(who: Identity, topic: string): Promise<void> {
    const { request, codeOf } = addRequest(3, who, topic, [0])
    await this.quietUntil(AddPartitionsToTxn, 3, request, (a) => !passing.has(codeOf(a)))
  }

  async end(version: number, who: Identity, committed: boolean): Promise<Identity> {
    const answer = await this.c.sendUntil(EndTxn, version, { ...who, committed }, (a) => !passing.has(a.errorCode))
    this.c.learnProducer(answer.producerId)
    return version >= 5 && answer.errorCode === 0 ? { ...who, ...identityOf(answer) } : who
  }

  async produce(version: number, who: Identity, topic: TopicName, baseSequence = 0, values = ['a']): Promise<void> {
    await this.c.send(Produce, version, this.produceRequest(version, who, topic, baseSequence, values))
  }

  produceRequest(v: number, who: Identity, topic: TopicName, baseSequence = 0, values: readonly string[] = ['a']) {
    const { transactionalId, producerId, producerEpoch } = who
    const records = batch(values, { transactional: true, producerId, producerEpoch, baseSequence })
    const partitionData = [{ index: 0, records }]
    const data = v >= 13 ? { topicId: topic.id, partitionData } : { name: topic.name, partitionData }
    return { transactionalId, acks: -1, timeoutMs: 5000, topicData: [data] }
  }

  /** Records what read_committed sees of partition 0 once its last stable offset is there: batches by what they are. */
  async noteLog(topic: TopicName, lastStableOffset: number): Promise<void> {
    const request: RequestInput<typeof Fetch> = {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: topic.name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
    }
    const partitionOf = (a: ResponseOf<typeof Fetch>) => a.responses[0]!.partitions[0]!
    const answer = await this.quietUntil(Fetch, 11, request, (a) => partitionOf(a).lastStableOffset >= lastStableOffset)
    const { records, ...rest } = partitionOf(answer)
    this.c.note('Fetch', { ...rest, batches: described(records) })
  }

  /** Waits until the last transaction is complete: markers and all. */
  async completed({ transactionalId }: Identity): Promise<void> {
    const asked = { transactionalIds: [transactionalId] }
    await this.quietUntil(DescribeTransactions, 0, asked, (a) =>
      a.transactionStates[0]!.transactionState.startsWith('Complete'),
    )
  }

  async quietUntil<M extends Message>(
    message: M,
    version: number,
    request: RequestInput<M>,
    fits: (answer: ResponseOf<M>) => boolean,
  ): Promise<ResponseOf<M>> {
    const deadline = Date.now() + 10_000
    for (;;) {
      const answer = await this.c.quiet(message, version, request)
      if (answer !== null && (fits(answer) || Date.now() > deadline)) return answer
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

function identityOf({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }) {
  return { producerId, producerEpoch }
}

export function addRequest(version: number, who: Identity, topic: string, partitions: number[], verifyOnly = false) {
  const { transactionalId, producerId, producerEpoch } = who
  const topics = [{ name: topic, partitions }]
  const request: RequestInput<typeof AddPartitionsToTxn> =
    version >= 4
      ? { transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly, topics }] }
      : {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: topics,
        }
  const codeOf = (answer: ResponseOf<typeof AddPartitionsToTxn>): number => {
    const results = version >= 4 ? answer.resultsByTransaction[0]?.topicResults : answer.resultsByTopicV3AndBelow
    return results?.[0]?.resultsByPartition[0]?.partitionErrorCode ?? answer.errorCode
  }
  return { request, codeOf }
}

/** Batches by what they mean, without producer ids and times. */
function described(records: Buffer | null): unknown[] {
  const batches: unknown[] = []
  let at = 0
  while (records !== null && at + header.HEADER_BYTES <= records.length) {
    const marker = header.isControl(records, at) ? parseEndTxnMarker(records, at) : null
    const key = marker === null ? null : records.subarray(at, at + header.sizeInBytes(records, at))
    batches.push({
      baseOffset: header.baseOffset(records, at),
      count: header.recordCount(records, at),
      producerEpoch: header.producerEpoch(records, at),
      baseSequence: header.baseSequence(records, at),
      transactional: header.isTransactional(records, at),
      marker: marker?.type ?? null,
      // Key and value of the marker, whose record begins with six bytes of length, attributes, times and key length.
      bytes:
        key === null
          ? null
          : key
              .subarray(header.HEADER_BYTES)
              .toString('hex')
              .replace(/^....(....)/, '$1'),
    })
    at += header.sizeInBytes(records, at)
  }
  return batches
}
