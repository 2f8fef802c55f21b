/** The transaction coordinator's state machine for one partition of `__transaction_state`: who decides what. */
import type { ShardMachine } from '../coordinator/contract.js'
import type { TransactionCommand } from './commands.js'
import { describeTransaction, listTransactions } from './describe.js'
import { endTransaction, markersWritten, sendMarkers } from './end.js'
import { abortTimedOut, expireIds } from './expiry.js'
import { initProducerId } from './init.js'
import { addPartitions, verifyPartitions } from './partitions.js'
import type { Transaction, TransactionRecord } from './records.js'
import { isEnding } from './states.js'
import { isEpochExhausted } from './transitions.js'
import { type Entry, type TransactionContext, type TransactionDecision, Turn } from './turn.js'

const ABORT_KEY = 'abort timed out'
const EXPIRE_KEY = 'expire ids'

export class TransactionMachine implements ShardMachine<TransactionCommand, TransactionRecord> {
  readonly #context: TransactionContext

  constructor(context: Omit<TransactionContext, 'entries'>) {
    this.#context = { ...context, entries: new Map() }
  }

  /** Transactional ids, to look at. */
  get entries(): ReadonlyMap<string, Readonly<Entry>> {
    return this.#context.entries
  }

  /** Whether what comes next of this id may take a new producer id. */
  needsProducerId(transactionalId: string): boolean {
    const entry = this.#context.entries.get(transactionalId)
    return entry === undefined || isEpochExhausted(entry.value.producerEpoch)
  }

  decide(command: TransactionCommand, now: number): TransactionDecision {
    const turn = new Turn(this.#context, now)
    switch (command.type) {
      case 'init':
        initProducerId(turn, command.request, command.slot)
        turn.out.standsAlone = true
        break
      case 'add-partitions':
        addPartitions(turn, command.request, command.slot)
        turn.out.standsAlone = true
        break
      case 'verify':
        verifyPartitions(turn, command.request, command.slot)
        break
      case 'end':
        endTransaction(turn, command.request, command.slot)
        turn.out.standsAlone = true
        break
      case 'describe':
        turn.out.answer(command.slot, describeTransaction(turn, command.transactionalId))
        break
      case 'list':
        turn.out.answer(command.slot, listTransactions(turn, command.filter))
        break
      case 'markers-written':
        markersWritten(turn, command.result)
        break
      case 'send-markers':
        sendMarkers(turn, command.transactionalId)
        break
      case 'abort-timed-out':
        abortTimedOut(turn)
        this.#scheduleAborts(turn)
        turn.out.ifRefused = () => this.#abortLater(turn)
        break
      case 'expire-ids':
        expireIds(turn)
        this.#scheduleExpiry(turn)
        turn.out.ifRefused = () => this.#expireLater(turn)
        break
    }
    return turn.out
  }

  apply({ transactionalId, value }: TransactionRecord): void {
    const { entries } = this.#context
    if (value === null) {
      entries.delete(transactionalId)
      return
    }
    const entry = entries.get(transactionalId)
    const unmarked = isEnding(value.state) ? value.partitions : NOTHING
    const fresh = { value, unmarked, failedRounds: 0, round: null }
    if (entry === undefined) entries.set(transactionalId, { transactionalId, ...fresh })
    else Object.assign(entry, fresh)
  }

  /** A decision that a coordinator before this one has written is carried out, whatever became of its markers. */
  onLoaded(now: number): TransactionDecision {
    const turn = new Turn(this.#context, now)
    for (const { transactionalId, value } of this.#context.entries.values()) {
      if (isEnding(value.state)) sendMarkers(turn, transactionalId)
    }
    this.#scheduleAborts(turn)
    this.#scheduleExpiry(turn)
    return turn.out
  }

  /** No slot is held across decisions. */
  onUnloaded(): void {}

  /** The log takes nothing now, or took a part: that has to go on, the next check finds the rest. */
  #abortLater({ context, now }: Turn): TransactionDecision {
    const instead = new Turn(context, now)
    for (const { transactionalId, value, round } of context.entries.values()) {
      if (isEnding(value.state) && round === null) sendMarkers(instead, transactionalId)
    }
    this.#scheduleAborts(instead)
    return instead.out
  }

  #expireLater({ context, now }: Turn): TransactionDecision {
    const instead = new Turn(context, now)
    this.#scheduleExpiry(instead)
    return instead.out
  }

  #scheduleAborts(turn: Turn): void {
    turn.out.schedule(ABORT_KEY, turn.context.config.abortIntervalMs, { type: 'abort-timed-out' })
  }

  #scheduleExpiry(turn: Turn): void {
    turn.out.schedule(EXPIRE_KEY, turn.context.config.expirationIntervalMs, { type: 'expire-ids' })
  }
}

const NOTHING: Transaction['partitions'] = []
