/** The requests of a transactional producer, as clients before KIP-890 and since then make them. */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  buildBatch,
  EndTxn,
  errorName,
  FindCoordinator,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from '../../../protocol/index.js'
import type { RawClient } from '../../support/raw-client.js'
import { must } from '../bench-case.js'
import { eventually, produceRequest } from '../topics.js'

const CONCURRENT_TRANSACTIONS = 51
const TRANSACTION = 1

/** Versions from which on partitions and groups join a transaction by being written to (`transaction.version` 2). */
const SINCE_KIP_890 = { produce: 12, offsets: 5, end: 5 }
/** What every broker here serves. */
const BEFORE_KIP_890 = { produce: 9, offsets: 3, end: 3 }

export class Producer {
  #producerId = -1
  #producerEpoch = -1
  #sequence = 0

  readonly #versions: typeof BEFORE_KIP_890

  constructor(
    readonly client: RawClient,
    readonly transactionalId: string,
    /** `transaction.version` 2: nothing is added beforehand, and each end brings the next epoch. */
    private readonly joinsByWriting: boolean,
  ) {
    this.#versions = joinsByWriting ? SINCE_KIP_890 : BEFORE_KIP_890
  }

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
    if (this.joinsByWriting) return
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
    // A partition that joins while the transaction before is still being ended is told to come again.
    await unlessConcurrent('Produce', async () => {
      const answer = await this.client.send(Produce, this.#versions.produce, request)
      return answer.responses[0]!.partitionResponses[0]!.errorCode
    })
  }

  async commitOffset(groupId: string, topic: string, committedOffset: number): Promise<void> {
    if (!this.joinsByWriting) {
      await unlessConcurrent('AddOffsetsToTxn', async () => {
        return (await this.client.send(AddOffsetsToTxn, 3, { ...this.#identity, groupId })).errorCode
      })
    }
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const topics = [{ name: topic, partitions }]
    const request = { ...this.#identity, groupId, memberId: '', topics }
    await unlessConcurrent('TxnOffsetCommit', async () => {
      const answer = await this.client.send(TxnOffsetCommit, this.#versions.offsets, request)
      return answer.topics[0]!.partitions[0]!.errorCode
    })
  }

  async commit(): Promise<void> {
    await unlessConcurrent('EndTxn', async () => {
      const answer = await this.client.send(EndTxn, this.#versions.end, { ...this.#identity, committed: true })
      if (this.joinsByWriting && answer.errorCode === 0) {
        this.#producerId = answer.producerId
        this.#producerEpoch = answer.producerEpoch
        this.#sequence = 0
      }
      return answer.errorCode
    })
  }
}

export function mustBeNone(what: string, errorCode: number): void {
  must(errorCode === 0, () => `${what} answered ${errorName(errorCode)}`)
}

async function unlessConcurrent(what: string, ask: () => Promise<number>): Promise<void> {
  let errorCode: number
  do errorCode = await ask()
  while (errorCode === CONCURRENT_TRANSACTIONS)
  mustBeNone(what, errorCode)
}

export function findCoordinator(client: RawClient, key: string, keyType: number): Promise<void> {
  return eventually(`a coordinator for ${key}`, async () => {
    const answer = await client.send(FindCoordinator, 4, { keyType, coordinatorKeys: [key] })
    return answer.coordinators[0]!.errorCode === 0
  })
}
