/** A transactional producer in the raw protocol, version by version. What an answer says is what a method gives. */

import * as header from '../../protocol/batch/header.js'
import { decodeBatch, forEachBatch } from '../../protocol/batch/records.js'
import {
  AddPartitionsToTxn,
  EndTxn,
  Fetch,
  FindCoordinator,
  InitProducerId,
  type Message,
  Metadata,
  Produce,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.js'
import { idempotentBatch } from './idempotent.js'

/** Whatever carries requests to a broker. */
export interface Sender {
  send<M extends Message>(message: M, version: number, request: RequestInput<M>): Promise<ResponseOf<M>>
}

export class TransactionalProducer {
  producerId = -1
  producerEpoch = -1
  #sequences = new Map<string, number>()

  constructor(
    readonly sender: Sender,
    readonly transactionalId: string,
  ) {}

  /** Takes the identity over when there is no error. */
  async init(version = 5, more: { timeoutMs?: number; producerId?: number; producerEpoch?: number } = {}) {
    const { timeoutMs = 60_000, ...expected } = more
    await this.sender.send(FindCoordinator, 4, { keyType: 1, coordinatorKeys: [this.transactionalId] })
    const request = { transactionalId: this.transactionalId, transactionTimeoutMs: timeoutMs, ...expected }
    const answer = await this.sender.send(InitProducerId, version, request)
    if (answer.errorCode === 0) this.#become(answer)
    return answer
  }

  #become({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.#sequences.clear()
  }

  /** The same identity in other hands: what a fenced producer goes on with. */
  twin(): TransactionalProducer {
    const twin = new TransactionalProducer(this.sender, this.transactionalId)
    twin.adopt(this)
    return twin
  }

  /** Goes on as another one. */
  adopt(other: TransactionalProducer): void {
    this.#become(other)
  }

  async add(version: number, topic: string, partition = 0): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = this
    const topics = [{ name: topic, partitions: [partition] }]
    if (version >= 4) {
      const transactions = [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }]
      const { resultsByTransaction } = await this.sender.send(AddPartitionsToTxn, version, { transactions })
      return resultsByTransaction[0]!.topicResults[0]!.resultsByPartition[0]!.partitionErrorCode
    }
    const { resultsByTopicV3AndBelow } = await this.sender.send(AddPartitionsToTxn, version, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: topics,
    })
    return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
  }

  /** Error code and base offset. */
  async produce(version: number, topic: string, values: readonly string[] = ['x']): Promise<[number, number]> {
    const baseSequence = this.#sequences.get(topic) ?? 0
    const { transactionalId, producerId, producerEpoch } = this
    const records = idempotentBatch({ producerId, producerEpoch, baseSequence, transactional: true }, values)
    const { responses } = await this.sender.send(Produce, version, {
      transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          ...(version >= 13 ? { topicId: await topicIdOf(this.sender, topic) } : { name: topic }),
          partitionData: [{ index: 0, records }],
        },
      ],
    })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode === 0) this.#sequences.set(topic, baseSequence + values.length)
    return [errorCode, baseOffset]
  }

  /** Takes the next epoch over that v5 answers with. */
  async end(version: number, committed: boolean): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = this
    const answer = await this.sender.send(EndTxn, version, { transactionalId, producerId, producerEpoch, committed })
    if (version >= 5 && answer.errorCode === 0) this.#become(answer)
    return answer.errorCode
  }
}

async function topicIdOf(sender: Sender, name: string): Promise<string> {
  const { topics } = await sender.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  return topics[0]!.topicId
}

/** Partition 0 as read_committed shows it, from an offset to the end of its segment. */
export async function fetched(sender: Sender, topic: string, fetchOffset = 0) {
  const { responses } = await sender.send(Fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: 1,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  })
  return responses[0]!.partitions[0]!
}

/** What a read_committed consumer makes of the answers to its fetches: records of aborted transactions are skipped up to their marker. */
export class CommittedReader {
  readonly values: string[] = []
  /** The offset to fetch from. */
  next = 0
  readonly #aborted = new Set<number>()

  take({ records, abortedTransactions }: Awaited<ReturnType<typeof fetched>>): void {
    const bytes = records ?? Buffer.alloc(0)
    const starts = [...(abortedTransactions ?? [])]
    forEachBatch(bytes, (at) => {
      const producerId = header.producerId(bytes, at)
      const lastOffset = header.lastOffset(bytes, at)
      for (const { producerId: id, firstOffset } of starts.splice(0)) {
        if (firstOffset <= lastOffset) this.#aborted.add(id)
        else starts.push({ producerId: id, firstOffset })
      }
      this.next = lastOffset + 1
      if (header.isControl(bytes, at)) this.#aborted.delete(producerId)
      else if (!this.#aborted.has(producerId)) {
        for (const { value } of decodeBatch(bytes, undefined, at)) this.values.push(String(value))
      }
    })
  }
}
