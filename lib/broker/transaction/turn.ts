import type { Logger } from '../../host/logger.js'
import { Decision } from '../coordinator/contract.js'
import type { MarkersToWrite, TransactionCommand } from './commands.js'
import type { TransactionConfig } from './config.js'
import type { TopicPartitions, Transaction, TransactionRecord } from './records.js'

export type TransactionDecision = Decision<TransactionCommand, TransactionRecord>

/** Ids of producers, handed out by the controller in blocks. */
export interface ProducerIdSource {
  /** One that nobody has had, in this turn; null when none is at hand. */
  take(): number | null
}

/** What the state machine's parts share within one shard. */
export interface TransactionContext {
  readonly config: TransactionConfig
  readonly logger: Logger
  readonly ids: ProducerIdSource
  /** The feature level of the cluster: what is written, and how a coordinator itself ends a transaction. */
  readonly transactionVersion: () => number
  readonly entries: Map<string, Entry>
  /** Starts writing; returns at once. `MarkersWritten` follows, perhaps before this returns. */
  readonly sendMarkers: (markers: MarkersToWrite) => void
}

/** A transactional id in memory. */
export interface Entry {
  readonly transactionalId: string
  value: Transaction
  /** While it is ending: partitions whose marker is not known to be written. Volatile: a new coordinator writes all of them again. */
  unmarked: TopicPartitions
  /** Rounds of markers that left some unwritten. */
  failedRounds: number
  /** The round that is out for `value`: what became of any other is of no interest. Volatile. */
  round: MarkersToWrite | null
}

/** One decision in the making: the state it looks at, the time, and what it has decided so far. */
export class Turn {
  readonly out: TransactionDecision = new Decision()

  constructor(
    readonly context: TransactionContext,
    /** Wall time in ms. */
    readonly now: number,
  ) {}

  entry(transactionalId: string): Entry | undefined {
    return this.context.entries.get(transactionalId)
  }

  /** Writes what has become of a transactional id; null forgets it. */
  write(transactionalId: string, value: Transaction | null): void {
    const version = this.context.transactionVersion() >= 1 ? 1 : 0
    this.out.append({ transactionalId, value, version })
  }
}
