/**
 * Which transactional batches of a Produce request may begin a transaction in their partition (KIP-890): only those whose partition the
 * coordinator knows to be in it, or nobody would ever end what they begin. Source: ReplicaManager.handleProduceAppend, AddPartitionsToTxnManager.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { TransactionStart } from '../../log/producer-state.js'
import { type Answer, then } from '../group/answer.js'
import type { Partition } from '../partition/partition.js'
import type { AddPartitionsReply, ProducerIdAndEpoch, VerifyPartitionsReply } from './commands.js'
import type { TransactionCoordinator } from './coordinator.js'
import type { TopicPartitions } from './records.js'

/** The batches of one request: all of one producer, one per partition. */
export interface BatchesToAdmit extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly partitions: readonly Partition[]
  /** One per partition; none for what a coordinator appends, which has no sequences. */
  readonly baseSequences?: readonly number[]
  /** From version 12 on of Produce the partitions are added; before they have to have been. */
  readonly requestVersion: number
  /** TxnOffsetCommit: its clients know what a coordinator says when it is to be asked again. */
  readonly retriableAsIs?: boolean
}

export interface ProduceGateOptions {
  /** transaction.partition.verification.enable: false lets older producers write without being asked for. */
  readonly verifies: () => boolean
  /** add.partitions.to.txn.retry.backoff.ms and .max.ms: how often, and for how long, to try again while the last transaction is ending. */
  readonly retryBackoffMs: number
  readonly retryMaxMs: number
}

export interface ProduceGatePorts {
  readonly clock: Clock
  readonly coordinator: Pick<TransactionCoordinator, 'addPartitions' | 'verifyPartitions'>
}

const IMPLICIT_ADD_VERSION = 12
const GENERIC_ERROR_VERSION = 11

export class ProduceGate {
  readonly #options: ProduceGateOptions
  readonly #ports: ProduceGatePorts

  constructor(options: ProduceGateOptions, ports: ProduceGatePorts) {
    this.#options = options
    this.#ports = ports
  }

  /** Whether this producer is one of the past here (INVALID_PRODUCER_EPOCH): where the coordinator would be asked, this is known without it. */
  isOutdated(partition: Partition, { producerId, producerEpoch }: ProducerIdAndEpoch, requestVersion: number): boolean {
    const known = partition.log.producers.get(producerId)
    if (known === undefined || producerEpoch >= known.producerEpoch) return false
    return requestVersion >= IMPLICIT_ADD_VERSION || this.#options.verifies()
  }

  /** Whether the coordinator has to be asked before this producer may write here. Not while its transaction is open: that is known. */
  asks(partition: Partition, { producerId, producerEpoch }: ProducerIdAndEpoch, requestVersion: number): boolean {
    const { producers } = partition.log
    if (producers.transactions.isOpen(producerId) && producers.get(producerId)?.producerEpoch === producerEpoch) {
      return false
    }
    return requestVersion >= IMPLICIT_ADD_VERSION || this.#options.verifies()
  }

  /** One code per partition, in their order: NONE, or what the client is told instead of an append. */
  admit(batches: BatchesToAdmit): Answer<readonly ErrorCode[]> {
    const topics = byTopic(batches.partitions)
    const adds = batches.requestVersion >= IMPLICIT_ADD_VERSION
    this.#withhold(batches)
    const asked = adds ? this.#add(batches, topics) : this.#verify(batches, topics)
    if (!(asked instanceof Promise)) {
      const again = adds && asked[0] === ErrorCode.CONCURRENT_TRANSACTIONS
      if (!again) return asked.map((code) => clientCode(code, batches))
    }
    return this.#settle(asked, batches, topics)
  }

  /** Refused or not: a batch behind it must not be taken for the first. */
  #withhold({ partitions, baseSequences = [], producerId, producerEpoch }: BatchesToAdmit): void {
    const now = this.#ports.clock.now()
    for (const [i, baseSequence] of baseSequences.entries()) {
      partitions[i]!.log.producers.withhold(producerId, producerEpoch, baseSequence, now)
    }
  }

  /** Orchestrator: waits. A transaction that ended meanwhile must not be begun again by what came before its end. */
  async #settle(
    asked: Answer<readonly ErrorCode[]>,
    batches: BatchesToAdmit,
    topics: TopicPartitions,
  ): Promise<readonly ErrorCode[]> {
    const { clock } = this.#ports
    const { partitions, producerId, producerEpoch, requestVersion } = batches
    // The marker's epoch lies above that of the records when every transaction has an epoch of its own.
    const endEpoch = requestVersion >= IMPLICIT_ADD_VERSION ? producerEpoch + 1 : producerEpoch
    const starts: TransactionStart[] = partitions.map(({ log }) => log.producers.expectStart(producerId, endEpoch))
    const epochs = partitions.map(({ leaderEpoch }) => leaderEpoch)
    const deadline = clock.monotonic() + this.#options.retryMaxMs
    try {
      let codes = await asked
      if (requestVersion >= IMPLICIT_ADD_VERSION) {
        while (codes[0] === ErrorCode.CONCURRENT_TRANSACTIONS && clock.monotonic() < deadline) {
          await pause(clock, this.#options.retryBackoffMs)
          codes = await this.#add(batches, topics)
        }
      }
      return codes.map((code, i) => {
        if (code !== ErrorCode.NONE || !starts[i]!.ended) return clientCode(code, batches)
        // A follower hears of every marker, also of that of the transaction before: the leader knows better.
        const { isLeader, leaderEpoch } = partitions[i]!
        if (isLeader && leaderEpoch === epochs[i]) return ErrorCode.INVALID_TXN_STATE
        return batches.retriableAsIs ? ErrorCode.NOT_COORDINATOR : ErrorCode.NOT_LEADER_OR_FOLLOWER
      })
    } finally {
      for (const [i, { log }] of partitions.entries()) log.producers.forgetStart(starts[i]!)
    }
  }

  #add(batches: BatchesToAdmit, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    const { transactionalId, producerId, producerEpoch } = batches
    const command = { transactionalId, producerId, producerEpoch, partitions, transactionVersion: 2 }
    const spread = ({ errorCode }: AddPartitionsReply): readonly ErrorCode[] => batches.partitions.map(() => errorCode)
    return then(this.#ports.coordinator.addPartitions(command), spread)
  }

  #verify(batches: BatchesToAdmit, partitions: TopicPartitions): Answer<readonly ErrorCode[]> {
    const { transactionalId, producerId, producerEpoch } = batches
    const command = { transactionalId, producerId, producerEpoch, partitions }
    const codes = ({ errorCodes }: VerifyPartitionsReply): readonly ErrorCode[] => errorCodes
    return then(this.#ports.coordinator.verifyPartitions(command), codes)
  }
}

/** In the order of the partitions, as long as those of one topic stand together: a Produce request names each topic once. */
function byTopic(partitions: readonly Partition[]): TopicPartitions {
  const topics: { topic: string; partitionIds: number[] }[] = []
  for (const { topic, partition } of partitions) {
    const last = topics.at(-1)
    if (last?.topic === topic) last.partitionIds.push(partition)
    else topics.push({ topic, partitionIds: [partition] })
  }
  return topics
}

/** What a producer understands of what the coordinator said. */
function clientCode(errorCode: ErrorCode, { requestVersion, retriableAsIs = false }: BatchesToAdmit): ErrorCode {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH
    case ErrorCode.TRANSACTION_ABORTABLE:
      return requestVersion >= GENERIC_ERROR_VERSION ? errorCode : ErrorCode.INVALID_TXN_STATE
    // One that makes every client send the batch again, without asking for metadata first.
    case ErrorCode.CONCURRENT_TRANSACTIONS:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return retriableAsIs ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS
    // The coordinator is another broker that did not answer: one that makes clients of a group come again without looking for another.
    case ErrorCode.NETWORK_EXCEPTION:
      return retriableAsIs ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NOT_ENOUGH_REPLICAS
    default:
      return errorCode
  }
}

const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })
