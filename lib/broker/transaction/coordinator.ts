/**
 * The transaction coordinator as the rest of the broker sees it. Every question is answered in the same turn when it can be, and with
 * a promise only when something has to be waited for: the high watermark, or a block of producer ids.
 */
import { ErrorCode } from '../../../protocol/errors.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import { ask } from '../coordinator/ask.js'
import type { RecordCodec, ShardLog, Slot } from '../coordinator/contract.js'
import { TRANSACTION_TOPIC } from '../coordinator/locate.js'
import { partitionFor } from '../coordinator/partition-for.js'
import { CoordinatorRuntime } from '../coordinator/runtime.js'
import { type Answer, all, then } from '../group/answer.js'
import type {
  AddPartitionsCommand,
  AddPartitionsReply,
  DescribedTransaction,
  EndTransactionCommand,
  InitProducerIdCommand,
  ListedTransaction,
  MarkersToWrite,
  ProducerIdReply,
  TransactionCommand,
  TransactionFilter,
  VerifyPartitionsCommand,
  VerifyPartitionsReply,
} from './commands.js'
import { defaultTransactionConfig, type TransactionConfig } from './config.js'
import { undescribed } from './describe.js'
import { IdStock, type NewProducerIds } from './id-stock.js'
import { noProducer } from './init.js'
import { TransactionMachine } from './machine.js'
import type { MarkerSender } from './marker-sender.js'
import type { TransactionRecord } from './records.js'
import { count } from './transitions.js'

export interface TransactionCoordinatorOptions {
  /** What is not given has Kafka's default. */
  config?: Partial<TransactionConfig>
  /** Partitions of `__transaction_state`, as FindCoordinator counts them. */
  partitionCount: () => number
  /** The level of the feature transaction.version. */
  transactionVersion: () => number
}

export interface TransactionCoordinatorPorts {
  clock: Clock
  logger: Logger
  codec: RecordCodec<TransactionRecord>
  producerIds: NewProducerIds
  markers: MarkerSender
}

export interface ListTransactionsAnswer {
  readonly errorCode: ErrorCode
  readonly transactions: readonly ListedTransaction[]
}

export class TransactionCoordinator {
  readonly #config: TransactionConfig
  readonly #options: TransactionCoordinatorOptions
  readonly #ports: TransactionCoordinatorPorts
  readonly #ids: IdStock
  readonly #runtime: CoordinatorRuntime<TransactionCommand, TransactionRecord>

  constructor(options: TransactionCoordinatorOptions, ports: TransactionCoordinatorPorts) {
    const { clock, logger, codec, producerIds } = ports
    const config = { ...defaultTransactionConfig, ...options.config }
    this.#config = config
    this.#options = options
    this.#ports = ports
    this.#ids = new IdStock(producerIds)
    this.#runtime = new CoordinatorRuntime(
      { topic: TRANSACTION_TOPIC },
      {
        clock,
        logger,
        codec,
        createMachine: (partition, coordinatorEpoch) =>
          new TransactionMachine({
            config,
            logger,
            ids: this.#ids,
            transactionVersion: options.transactionVersion,
            sendMarkers: (markers) => this.#sendMarkers(partition, coordinatorEpoch, markers),
          }),
      },
    )
  }

  /** The partition of `__transaction_state` whose leader coordinates this transactional id. */
  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#options.partitionCount())
  }

  /** This broker leads the partition now. Serves when it returns, if the log can be read in one turn. */
  load(partition: number, log: ShardLog): void {
    this.#runtime.load(partition, log)
  }

  unload(partition: number): void {
    this.#runtime.unload(partition)
  }

  /** Whether the cluster takes this broker for alive: it coordinates nothing while it may not. */
  setStanding(inCluster: boolean): void {
    this.#runtime.setStanding(inCluster)
  }

  /** The state behind a loaded partition, to look at; null when it is not served here. */
  machineOf(partition: number): TransactionMachine | null {
    return this.#runtime.machine(partition) as TransactionMachine | null
  }

  /** Unloads everything; nothing fires afterwards. */
  close(): void {
    this.#runtime.close()
  }

  /** InitProducerId of a transactional producer. */
  initProducerId(request: InitProducerIdCommand): Answer<ProducerIdReply> {
    const { transactionalId, timeoutMs } = request
    if (transactionalId === '') return noProducer(ErrorCode.INVALID_REQUEST)
    if (!(timeoutMs > 0 && timeoutMs <= this.#config.timeoutMaxMs)) {
      return noProducer(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    }
    return this.#withProducerId(transactionalId, () =>
      this.#ask<ProducerIdReply>(transactionalId, (slot) => ({ type: 'init', request, slot }), noProducer),
    )
  }

  addPartitions(request: AddPartitionsCommand): Answer<AddPartitionsReply> {
    const { transactionalId } = request
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST }
    return this.#ask<AddPartitionsReply>(
      transactionalId,
      (slot) => ({ type: 'add-partitions', request, slot }),
      (errorCode) => ({ errorCode }),
    )
  }

  /** One code per partition, in the order of the request. */
  verifyPartitions(request: VerifyPartitionsCommand): Answer<VerifyPartitionsReply> {
    const { transactionalId, partitions } = request
    const refused = (errorCode: ErrorCode): VerifyPartitionsReply => ({
      errorCodes: Array<ErrorCode>(count(partitions)).fill(errorCode),
    })
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
    return this.#ask(transactionalId, (slot) => ({ type: 'verify', request, slot }), refused)
  }

  /** EndTxn. The reply has the identity with which the producer goes on. */
  endTransaction(request: EndTransactionCommand): Answer<ProducerIdReply> {
    const { transactionalId } = request
    if (transactionalId === '') return noProducer(ErrorCode.INVALID_REQUEST)
    return this.#withProducerId(transactionalId, () =>
      this.#ask<ProducerIdReply>(transactionalId, (slot) => ({ type: 'end', request, slot }), noProducer),
    )
  }

  describeTransaction(transactionalId: string): Answer<DescribedTransaction> {
    if (transactionalId === '') return undescribed(transactionalId, ErrorCode.INVALID_REQUEST)
    return this.#ask<DescribedTransaction>(
      transactionalId,
      (slot) => ({ type: 'describe', transactionalId, slot }),
      (errorCode) => undescribed(transactionalId, errorCode),
    )
  }

  /** Transactional ids of every partition that this broker leads. */
  listTransactions(filter: TransactionFilter): Answer<ListTransactionsAnswer> {
    const answers = this.#runtime.partitions().map((partition) =>
      ask<ListTransactionsAnswer>(
        (slot) => {
          const send = (transactions: readonly ListedTransaction[]): void =>
            slot.send({ errorCode: ErrorCode.NONE, transactions })
          const command: TransactionCommand = {
            type: 'list',
            filter,
            slot: { send, fail: (errorCode) => slot.fail(errorCode) },
          }
          this.#runtime.submit(partition, command, slot)
        },
        // A partition that has just moved away is somebody else's to list.
        (code) => ({ errorCode: code === ErrorCode.NOT_COORDINATOR ? ErrorCode.NONE : code, transactions: [] }),
      ),
    )
    return then(all(answers), (lists): ListTransactionsAnswer => {
      const failed = lists.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
      if (failed !== undefined) return { errorCode: failed.errorCode, transactions: [] }
      return { errorCode: ErrorCode.NONE, transactions: lists.flatMap(({ transactions }) => transactions) }
    })
  }

  /** A machine cannot wait: an id is at hand before it decides. Who needs none does not wait for a controller either. */
  #withProducerId<T>(transactionalId: string, decide: () => Answer<T>): Answer<T> {
    const machine = this.machineOf(this.partitionFor(transactionalId))
    if (machine?.needsProducerId(transactionalId) !== true) return decide()
    const preparing = this.#ids.prepare()
    return preparing instanceof Promise ? preparing.then(decide) : decide()
  }

  #sendMarkers(partition: number, coordinatorEpoch: number, round: MarkersToWrite): void {
    const { transactionalId, producerId, producerEpoch, commit, transactionVersion, partitions } = round
    const report = (errorCodes: readonly ErrorCode[]): void => {
      this.#runtime.submit(partition, { type: 'markers-written', result: { round, errorCodes } }, null)
    }
    const marker = { producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion }
    const written = this.#ports.markers.write(marker, partitions)
    if (!(written instanceof Promise)) {
      report(written)
      return
    }
    written.then(report, (error: unknown) => {
      this.#ports.logger.error(`The markers of ${transactionalId} could not be written and are tried again.`, { error })
      report(Array<ErrorCode>(count(partitions)).fill(ErrorCode.UNKNOWN_SERVER_ERROR))
    })
  }

  #ask<T>(
    transactionalId: string,
    command: (slot: Slot<T>) => TransactionCommand,
    onFail: (errorCode: ErrorCode) => T,
  ): Answer<T> {
    return ask<T>((slot) => this.#runtime.submit(this.partitionFor(transactionalId), command(slot), slot), onFail)
  }
}
