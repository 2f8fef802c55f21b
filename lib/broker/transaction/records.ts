import type { TransactionState } from './states.js'

/** What the transaction coordinator writes to `__transaction_state`. A null value is a tombstone: the id was not used for long. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly value: Transaction | null
  /** Version of the value: 1, with tagged fields, from feature transaction.version 1 on. Of no meaning for a tombstone. */
  readonly version: 0 | 1
}

/** A transactional id as it stands: in memory and, but for `lastProducerEpoch`, in the log (TransactionLogValue). Immutable. */
export interface Transaction {
  readonly producerId: number
  /** The producer id before the last change of any kind: equal to `producerId` but after a rotation. -1 in records of version 0. */
  readonly previousProducerId: number
  /** The id that follows when the epochs of `producerId` are used up and its last transaction is complete; -1 otherwise. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /**
   * KIP-360: the epoch that the producer had before it was bumped on its own request, -1 when it was fenced. Not in the log: after a
   * fail-over a producer whose answer was lost is fenced, as in Kafka.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  /** Partitions that get a marker. Empty unless the transaction is open or ending. */
  readonly partitions: TopicPartitions
  /** Wall time in ms of the first partition, -1 before it. */
  readonly startTimestamp: number
  /** Wall time in ms; what expiry counts from. */
  readonly lastUpdateTimestamp: number
  /** transaction.version of the client that moved it last: from 2 on each transaction has an epoch of its own (KIP-890). */
  readonly clientTransactionVersion: number
}

export type TopicPartitions = readonly { readonly topic: string; readonly partitionIds: readonly number[] }[]

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
