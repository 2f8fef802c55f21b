import { type CommittedOffset, type OffsetCommitRecord, ZERO_TOPIC_ID } from '../records.js'
import { OffsetTable } from './offset-table.js'

/** An offset with the place of its record in the log: of two, the later one counts, whichever way it was committed. */
export interface StoredOffset extends CommittedOffset {
  readonly recordOffset: number
}

/** Offsets of one topic by partition. */
export type TopicOffsets = ReadonlyMap<number, StoredOffset>

/**
 * The offsets of one shard: what is committed, and what open transactions have written and not decided (KIP-98, KIP-447). Filled from records
 * and markers alone, in their order, so that a reload ends with the same. Source: OffsetMetadataManager.replay, replayEndTransactionMarker.
 */
export class OffsetStore {
  readonly #committed = new OffsetTable<StoredOffset>()
  readonly #pending = new Map<number, OffsetTable<StoredOffset>>()
  /** Whose transactions are about to replace an offset: ids of producers, never an empty set. */
  readonly #writers = new OffsetTable<Set<number>>()
  #pendingCount = 0

  get(groupId: string, topic: string, partition: number): StoredOffset | undefined {
    return this.#committed.get(groupId, topic, partition)
  }

  /** Committed ones; undefined when the group has none. */
  ofGroup(groupId: string): ReadonlyMap<string, TopicOffsets> | undefined {
    return this.#committed.ofGroup(groupId)
  }

  /** Groups that have something committed. */
  groups(): Iterable<string> {
    return this.#committed.groups()
  }

  /** Offsets that wait for the end of their transactions. */
  get pendingCount(): number {
    return this.#pendingCount
  }

  /** Whether an open transaction is about to replace this offset. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#writers.get(groupId, topic, partition) !== undefined
  }

  hasPending(groupId: string): boolean {
    return this.#writers.ofGroup(groupId) !== undefined
  }

  /** Whether something here, committed or not yet, is of the topic with this id; what has no id may be. */
  isOfTopic(groupId: string, topic: string, partition: number, topicId: string): boolean {
    const isOf = (offset: StoredOffset | undefined): boolean =>
      offset !== undefined && (offset.topicId === topicId || offset.topicId === ZERO_TOPIC_ID)
    if (isOf(this.get(groupId, topic, partition))) return true
    for (const writer of this.#writers.get(groupId, topic, partition) ?? []) {
      if (isOf(this.#pending.get(writer)?.get(groupId, topic, partition))) return true
    }
    return false
  }

  /** Topics and partitions that open transactions have written to in this group, with the ids of their producers. */
  pendingOf(groupId: string): ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<number>>> | undefined {
    return this.#writers.ofGroup(groupId)
  }

  pendingGroups(): Iterable<string> {
    return this.#writers.groups()
  }

  /** `producerId`: of the transaction that the record is part of, null without one; `recordOffset`: its place in the log. */
  apply({ group, topic, partition, value }: OffsetCommitRecord, producerId: number | null, recordOffset: number): void {
    if (value === null) {
      // A tombstone takes along what open transactions have written so far.
      this.#committed.delete(group, topic, partition)
      for (const writer of this.#writers.get(group, topic, partition) ?? []) {
        this.#forgetPending(writer, group, topic, partition)
      }
    } else if (producerId === null) {
      this.#committed.set(group, topic, partition, { ...value, recordOffset })
    } else {
      this.#addPending(producerId, group, topic, partition, { ...value, recordOffset })
    }
  }

  /** A transaction has ended: what it wrote is committed, unless something was committed later, or forgotten. */
  endTransaction(producerId: number, commit: boolean): void {
    const ended = this.#pending.get(producerId)
    if (ended === undefined) return
    this.#pending.delete(producerId)
    ended.forEach((group, topic, partition, pending) => {
      this.#removeWriter(producerId, group, topic, partition)
      const current = this.#committed.get(group, topic, partition)
      if (commit && (current === undefined || pending.recordOffset > current.recordOffset)) {
        this.#committed.set(group, topic, partition, pending)
      }
    })
  }

  #addPending(producerId: number, group: string, topic: string, partition: number, value: StoredOffset): void {
    let offsets = this.#pending.get(producerId)
    if (offsets === undefined) this.#pending.set(producerId, (offsets = new OffsetTable()))
    offsets.set(group, topic, partition, value)
    const writers = this.#writers.get(group, topic, partition)
    if (writers === undefined) this.#writers.set(group, topic, partition, new Set([producerId]))
    else if (writers.has(producerId)) return
    else writers.add(producerId)
    this.#pendingCount++
  }

  #forgetPending(producerId: number, group: string, topic: string, partition: number): void {
    this.#pending.get(producerId)?.delete(group, topic, partition)
    this.#removeWriter(producerId, group, topic, partition)
  }

  #removeWriter(producerId: number, group: string, topic: string, partition: number): void {
    const writers = this.#writers.get(group, topic, partition)
    if (writers?.delete(producerId) !== true) return
    this.#pendingCount--
    if (writers.size === 0) this.#writers.delete(group, topic, partition)
  }
}
