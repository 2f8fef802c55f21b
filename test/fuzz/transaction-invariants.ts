/** What must hold of a transaction coordinator, its log and the markers it sends, whatever happens. */

import type { TransactionMarker } from '../../lib/broker/coordinator/contract.js'
import { transactionRecordCodec } from '../../lib/broker/transaction/codec.js'
import type { TopicPartitions, Transaction } from '../../lib/broker/transaction/records.js'
import { isEnding, isValidTransition } from '../../lib/broker/transaction/states.js'
import { ErrorCode } from '../../protocol/errors.js'
import type { Rig } from '../broker/transaction/rig.js'
import { check } from './target.js'

/** One ended transaction: where its decision lies, what it was, and which partitions it had. */
interface Decision {
  readonly offset: number
  readonly producerId: number
  readonly commit: boolean
  readonly partitions: ReadonlySet<string>
  /** Partitions that have been sent this decision's marker, and took it. */
  readonly marked: Set<string>
}

/**
 * - Records go from state to state as is legal, and a producer id's epoch never falls.
 * - A marker is of a decision that is committed in the log, and of no other: a transaction that was committed is never aborted.
 * - What is in memory is what the log says.
 * - A commit that a client has heard of is in the log, with all of its partitions.
 * - At rest every transaction is complete, and every partition of a decision has its marker.
 */
export class TransactionInvariants {
  readonly #rig: Rig
  readonly #values = new Map<string, Transaction>()
  readonly #decisions = new Map<string, Decision[]>()
  #recordsSeen = 0

  constructor(rig: Rig) {
    this.#rig = rig
    rig.markers.onSent = (marker, partitions) => this.#sent(marker, partitions)
  }

  /** A client has heard that its transaction with at least these partitions is committed. */
  acknowledged(transactionalId: string, producerId: number, partitions: readonly string[]): void {
    this.#readLog()
    const commits = (this.#decisions.get(transactionalId) ?? []).filter(
      (one) => one.commit && one.producerId === producerId,
    )
    const last = commits.at(-1)
    check(last !== undefined, () => `${transactionalId} was told of a commit that is not in the log`)
    check(last.offset < this.#rig.log.highWatermark, () => `${transactionalId} was told of a commit too early`)
    for (const one of partitions) {
      check(last.partitions.has(one), () => `the commit of ${transactionalId} has lost ${one}`)
    }
  }

  check(): void {
    const [crash] = this.#rig.crashes
    check(crash === undefined, () => `the shard crashed: ${crash}`)
    this.#readLog()
    const machine = this.#rig.coordinator.machineOf(0)
    if (machine === null) return
    check(
      machine.entries.size === this.#values.size,
      () => `${machine.entries.size} ids, ${this.#values.size} in the log`,
    )
    for (const [id, value] of this.#values) {
      const inMemory = stored(machine.entries.get(id)!.value, this.#rig.feature.level)
      check(inMemory === stored(value, this.#rig.feature.level), () => `${id} differs from what the log says`)
    }
  }

  checkAtRest(): void {
    check(this.#rig.coordinator.machineOf(0) !== null, () => 'the shard is not served')
    for (const [id, { state }] of this.#values) {
      check(state !== 'Ongoing' && !isEnding(state), () => `${id} is ${state} at rest`)
    }
    for (const [id, decisions] of this.#decisions) {
      for (const { partitions, marked, commit } of decisions) {
        for (const one of partitions) {
          check(marked.has(one), () => `${one} has no marker of a ${commit ? 'commit' : 'abort'} of ${id}`)
        }
      }
    }
  }

  #readLog(): void {
    const { records } = this.#rig.log
    for (; this.#recordsSeen < records.length; this.#recordsSeen++) {
      const { key, value, offset } = records[this.#recordsSeen]!
      const record = transactionRecordCodec.decode(key!, value)!
      const id = record.transactionalId
      const before = this.#values.get(id)
      if (record.value === null) {
        check(
          before !== undefined && before.state !== 'Ongoing' && !isEnding(before.state),
          () => `${id} was forgotten`,
        )
        this.#values.delete(id)
        continue
      }
      const { state, producerId, producerEpoch, partitions } = record.value
      if (before === undefined) check(state === 'Empty', () => `${id} begins as ${state}`)
      else {
        check(isValidTransition(before.state, state), () => `${id} went from ${before.state} to ${state}`)
        const fell = before.producerId === producerId && producerEpoch < before.producerEpoch
        check(!fell, () => `the epoch of ${producerId} fell from ${before.producerEpoch} to ${producerEpoch}`)
      }
      this.#values.set(id, record.value)
      if (!isEnding(state)) continue
      const names = partitions.flatMap(({ topic, partitionIds }) => partitionIds.map((one) => `${topic}-${one}`))
      const decision: Decision = {
        offset,
        producerId,
        commit: state === 'PrepareCommit',
        partitions: new Set(names),
        marked: new Set(),
      }
      this.#decisions.set(id, [...(this.#decisions.get(id) ?? []), decision])
    }
  }

  /** What is sent is of the last decision about its producer. */
  #sent({ producerId, commit }: TransactionMarker, partitions: TopicPartitions) {
    this.#readLog()
    const all = [...this.#decisions.values()].flat().filter((one) => one.producerId === producerId)
    const decision = all.at(-1)
    check(decision !== undefined, () => `a marker of ${producerId}, about which nobody has decided`)
    check(decision.commit === commit, () => `a marker of ${producerId} against the decision`)
    check(decision.offset < this.#rig.log.highWatermark, () => 'a marker of a decision that is not committed')
    const names = partitions.flatMap(({ topic, partitionIds }) => partitionIds.map((id) => `${topic}-${id}`))
    for (const name of names)
      check(decision.partitions.has(name), () => `a marker for ${name}, which had no part in it`)
    return (codes: readonly ErrorCode[]): void => {
      for (const [i, name] of names.entries()) if (codes[i] === ErrorCode.NONE) decision.marked.add(name)
    }
  }
}

/** What a record keeps of a transaction at this level of the feature, as text. */
function stored(value: Transaction, level: number): string {
  const { lastProducerEpoch: _volatile, previousProducerId, clientTransactionVersion, ...rest } = value
  return JSON.stringify(level >= 1 ? { previousProducerId, clientTransactionVersion, ...rest } : rest)
}
