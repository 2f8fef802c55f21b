import type { CommittedOffset, OffsetCommitRecord } from '../records.js'

/** Offsets of one topic by partition. */
export type TopicOffsets = ReadonlyMap<number, CommittedOffset>

/** Who knows of offsets that an open transaction has written and not decided (KIP-447). Nobody, until transactions are served. */
export interface UnstableOffsets {
  has(groupId: string, topic: string, partition: number): boolean
  /** Any at all: such a group is not deleted. */
  hasGroup(groupId: string): boolean
}

export const noUnstableOffsets: UnstableOffsets = { has: () => false, hasGroup: () => false }

/** The committed offsets of one shard: group -> topic -> partition. */
export class OffsetStore {
  readonly #byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>()

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#byGroup.get(groupId)?.get(topic)?.get(partition)
  }

  /** Undefined when the group has none. */
  ofGroup(groupId: string): ReadonlyMap<string, TopicOffsets> | undefined {
    return this.#byGroup.get(groupId)
  }

  groups(): Iterable<string> {
    return this.#byGroup.keys()
  }

  apply(record: OffsetCommitRecord): void {
    const { group, topic, partition, value } = record
    let topics = this.#byGroup.get(group)
    if (value !== null) {
      if (topics === undefined) this.#byGroup.set(group, (topics = new Map()))
      let partitions = topics.get(topic)
      if (partitions === undefined) topics.set(topic, (partitions = new Map()))
      partitions.set(partition, value)
      return
    }
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined) return
    partitions.delete(partition)
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#byGroup.delete(group)
  }
}
