/** Requests to the transaction coordinator and its replies as values, independent of API versions. */
import type { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'
import type { TopicPartitions } from './records.js'
import type { TransactionState } from './states.js'

export interface ProducerIdAndEpoch {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdCommand {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** KIP-360: who the producer believes to be; null for one that begins. */
  readonly expected: ProducerIdAndEpoch | null
}

/** `producerId` and `producerEpoch` are -1 with an error. */
export interface ProducerIdReply extends ProducerIdAndEpoch {
  readonly errorCode: ErrorCode
}

export interface TransactionalProducer extends ProducerIdAndEpoch {
  readonly transactionalId: string
}

export interface AddPartitionsCommand extends TransactionalProducer {
  readonly partitions: TopicPartitions
  /** transaction.version that the client has shown by its request. */
  readonly transactionVersion: number
}

export interface AddPartitionsReply {
  readonly errorCode: ErrorCode
}

export interface VerifyPartitionsCommand extends TransactionalProducer {
  readonly partitions: TopicPartitions
}

/** One code per partition of the command, in its order. */
export interface VerifyPartitionsReply {
  readonly errorCodes: readonly ErrorCode[]
}

export interface EndTransactionCommand extends TransactionalProducer {
  readonly commit: boolean
  readonly transactionVersion: number
}

export interface DescribedTransaction extends ProducerIdAndEpoch {
  readonly errorCode: ErrorCode
  readonly transactionalId: string
  readonly state: TransactionState | ''
  readonly timeoutMs: number
  readonly startTimestamp: number
  readonly partitions: TopicPartitions
}

/** Empty sets and null mean no filter. */
export interface TransactionFilter {
  readonly states: ReadonlySet<string> | null
  readonly producerIds: ReadonlySet<number>
  /** Only transactions that began more than so many ms ago; below 0: all. */
  readonly durationMs: number
  readonly matches: ((transactionalId: string) => boolean) | null
}

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: TransactionState
}

/** Markers that are to be written: the result comes back as a command. */
export interface MarkersToWrite extends TransactionalProducer {
  readonly commit: boolean
  readonly transactionVersion: number
  readonly partitions: TopicPartitions
}

/** What became of the markers of one round. */
export interface MarkersWritten {
  readonly round: MarkersToWrite
  /** One code per partition, in their order. */
  readonly errorCodes: readonly ErrorCode[]
}

export type TransactionCommand =
  | { readonly type: 'init'; readonly request: InitProducerIdCommand; readonly slot: Slot<ProducerIdReply> }
  | { readonly type: 'add-partitions'; readonly request: AddPartitionsCommand; readonly slot: Slot<AddPartitionsReply> }
  | { readonly type: 'verify'; readonly request: VerifyPartitionsCommand; readonly slot: Slot<VerifyPartitionsReply> }
  | { readonly type: 'end'; readonly request: EndTransactionCommand; readonly slot: Slot<ProducerIdReply> }
  | { readonly type: 'describe'; readonly transactionalId: string; readonly slot: Slot<DescribedTransaction> }
  | { readonly type: 'list'; readonly filter: TransactionFilter; readonly slot: Slot<readonly ListedTransaction[]> }
  | { readonly type: 'markers-written'; readonly result: MarkersWritten }
  // Timers.
  | { readonly type: 'send-markers'; readonly transactionalId: string }
  | { readonly type: 'abort-timed-out' }
  | { readonly type: 'expire-ids' }
