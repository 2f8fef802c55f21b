/** Transactional producers as Kafka's clients are: init, add, produce, send offsets, end; fenced by who has the same transactional id. */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  EndTxn,
  ErrorCode,
  errorName,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from '../../protocol/index.js'
import { bytesOf } from './batches.js'
import type { Ground } from './ground.js'
import type { GroupOffset } from './groups.js'
import type { PartitionHistory, Transaction } from './history.js'
import { keysFor, produceRequest } from './producers.js'
import { PASSING } from './readers.js'
import type { Client } from './rpc.js'
import { type Chance, Violation } from './world.js'

const AGAIN: ReadonlySet<number> = new Set([
  ...PASSING,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
])
/** Somebody else has the id now, or the coordinator has given the transaction up. */
const FENCED: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.TRANSACTION_ABORTABLE,
])

/** All that share one transactional id. */
export class TransactionalId {
  /** Transactions whose end is not known. */
  readonly undecided = new Set<Transaction>()

  constructor(
    readonly text: string,
    readonly timeoutMs: number,
    /** False: nobody else has the id and nothing makes the coordinator abort, so that being fenced is a fault of the broker. */
    readonly mayBeFenced: boolean,
    /** Kafka's transaction version: 1 adds partitions and keeps its epoch, 2 does neither. */
    readonly version: 1 | 2,
  ) {}

  /** A new instance has its id: what was open is aborted, what was to be committed is one or the other. */
  taken(): void {
    for (const transaction of this.undecided) {
      transaction.state = transaction.state === 'committing' ? 'unknown' : 'aborted'
    }
    this.undecided.clear()
  }
}

/** The transaction cannot go on. */
class Fenced extends Error {}

export class TransactionalProducer {
  readonly #chance: Chance
  readonly #rpc: Client
  readonly #sequences = new Map<PartitionHistory, number>()
  #producerId = -1
  #producerEpoch = -1

  constructor(
    readonly name: string,
    readonly id: TransactionalId,
    readonly histories: readonly PartitionHistory[],
    /** Offsets that go with the transactions; only one instance may have them. */
    readonly place: GroupOffset | null,
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(name)
    this.#rpc = ground.rpc(name)
  }

  async run(): Promise<void> {
    const { ground, id } = this
    while (!ground.ending || id.undecided.size > 0) {
      try {
        if (this.#producerId < 0) await this.#init()
        if (!ground.ending) await this.#transaction()
      } catch (error) {
        if (!(error instanceof Fenced)) throw error
        ground.world.say(this.name, error.message)
        this.#producerId = -1
        // Two that fence each other all the time would never end a transaction.
        await ground.world.sleep(this.#chance.between(20, 400))
      }
      await ground.world.sleep(this.#chance.between(0, 60))
    }
  }

  async #init(): Promise<void> {
    const { id, ground } = this
    const request = {
      transactionalId: id.text,
      transactionTimeoutMs: id.timeoutMs,
      producerId: -1,
      producerEpoch: -1,
    }
    const answer = await this.#insist('init', () => this.#rpc.call(InitProducerId, 4, request))
    id.taken()
    this.#has(answer.producerId, answer.producerEpoch)
    ground.world.say(this.name, `has producer id ${this.#producerId} epoch ${this.#producerEpoch}`)
  }

  #has(producerId: number, producerEpoch: number): void {
    if (producerId === this.#producerId && producerEpoch === this.#producerEpoch) return
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
    this.#sequences.clear()
  }

  async #transaction(): Promise<void> {
    const { ground, id, place } = this
    const transaction = ground.transaction(this.name, this.#producerId)
    id.undecided.add(transaction)
    const added = new Set<PartitionHistory>()
    for (let i = this.#chance.between(1, 4); i > 0; i--) {
      const history = this.#chance.pick(this.histories)
      if (id.version === 1 && !added.has(history)) await this.#add(history)
      added.add(history)
      await this.#produce(history, transaction)
      await ground.world.sleep(this.#chance.between(0, 20))
    }
    const offset = place !== null && this.#chance.happens(0.4) ? await this.#sendOffset(place) : -1
    await this.#end(transaction, this.#chance.happens(0.7), offset)
  }

  #who() {
    return { transactionalId: this.id.text, producerId: this.#producerId, producerEpoch: this.#producerEpoch }
  }

  async #add(history: PartitionHistory): Promise<void> {
    await this.#insist(`add ${history.name}`, async () => {
      const answer = await this.#rpc.call(AddPartitionsToTxn, 3, {
        transactions: [],
        v3AndBelowTransactionalId: this.id.text,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#producerEpoch,
        v3AndBelowTopics: [{ name: history.topic, partitions: [history.partition] }],
      })
      const { partitionErrorCode } = answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!
      return { errorCode: partitionErrorCode }
    })
  }

  async #produce(history: PartitionHistory, transaction: Transaction): Promise<void> {
    const { ground, id } = this
    const baseSequence = this.#sequences.get(history) ?? 0
    const owner = `${this.name}.${this.#producerId}.${this.#producerEpoch}`
    const attempt = ground.attempt(history, owner, keysFor(history, this.#chance), { idempotent: true, transaction })
    const producer = {
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence,
      transactional: true,
    }
    const bytes = bytesOf(attempt, ground.world.clock.now(), producer)
    const version = id.version === 2 ? 12 : 9
    const answer = await this.#insist(`produce batch ${attempt.id} to ${history.name}`, async () => {
      const request = produceRequest(history, Buffer.from(bytes), -1, id.text)
      return (await this.#rpc.call(Produce, version, request)).responses[0]!.partitionResponses[0]!
    })
    history.acked(attempt, answer.baseOffset)
    ground.counts.acked++
    this.#sequences.set(history, baseSequence + attempt.count)
  }

  async #sendOffset(place: GroupOffset): Promise<number> {
    const offset = place.next()
    // Until the transaction has ended nobody may see it.
    place.hidden.add(offset)
    if (this.id.version === 1) {
      const groupId = place.group
      await this.#insist('add offsets', () => this.#rpc.call(AddOffsetsToTxn, 3, { ...this.#who(), groupId }))
    }
    const partitions = [{ partitionIndex: place.partition, committedOffset: offset, committedMetadata: '' }]
    const request = { groupId: place.group, topics: [{ name: place.topic, partitions }] }
    await this.#insist(`send offset ${offset}`, async () => {
      const version = this.id.version === 2 ? 5 : 3
      const answer = await this.#rpc.call(TxnOffsetCommit, version, { ...this.#who(), ...request })
      return answer.topics[0]!.partitions[0]!
    })
    return offset
  }

  async #end(transaction: Transaction, committed: boolean, offset: number): Promise<void> {
    const { ground, id, place } = this
    if (transaction.state !== 'open') throw new Fenced('its transaction was ended by another')
    transaction.state = committed ? 'committing' : 'aborting'
    if (committed && offset >= 0) place!.hidden.delete(offset)
    const version = id.version === 2 ? 5 : 3
    const answer = await this.#insist(committed ? 'commit' : 'abort', () =>
      this.#rpc.call(EndTxn, version, { ...this.#who(), committed }),
    )
    if (transaction.state === 'committing' || transaction.state === 'aborting') {
      transaction.state = committed ? 'committed' : 'aborted'
    }
    if (committed && offset >= 0) place!.acked = Math.max(place!.acked, offset)
    id.undecided.delete(transaction)
    if (id.version === 2) this.#has(answer.producerId, answer.producerEpoch)
    ground.world.say(this.name, `transaction ${transaction.id} ${transaction.state}, epoch ${this.#producerEpoch} now`)
  }

  /** Until there is an answer that is one. @throws Fenced */
  async #insist<T extends { errorCode: number }>(what: string, ask: () => Promise<T>): Promise<T> {
    const { ground, id, name } = this
    for (;;) {
      const answer = await ground.insist(ask)
      ground.world.say(name, `${what}: ${errorName(answer.errorCode)}`)
      if (answer.errorCode === ErrorCode.NONE) return answer
      if (AGAIN.has(answer.errorCode)) await ground.world.sleep(this.#chance.between(5, 40))
      else if (FENCED.has(answer.errorCode) && id.mayBeFenced)
        throw new Fenced(`${what}: ${errorName(answer.errorCode)}`)
      else throw new Violation(`${name} wanted to ${what} and got ${errorName(answer.errorCode)}.`)
    }
  }
}
