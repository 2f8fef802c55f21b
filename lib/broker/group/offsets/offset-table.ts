/** Values by group, topic and partition. Levels that become empty go, so that asking for a group says whether it has anything. */
export class OffsetTable<V> {
  readonly #byGroup = new Map<string, Map<string, Map<number, V>>>()

  get(group: string, topic: string, partition: number): V | undefined {
    return this.#byGroup.get(group)?.get(topic)?.get(partition)
  }

  /** Undefined when there is nothing of this group. */
  ofGroup(group: string): ReadonlyMap<string, ReadonlyMap<number, V>> | undefined {
    return this.#byGroup.get(group)
  }

  groups(): Iterable<string> {
    return this.#byGroup.keys()
  }

  set(group: string, topic: string, partition: number, value: V): void {
    let topics = this.#byGroup.get(group)
    if (topics === undefined) this.#byGroup.set(group, (topics = new Map()))
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, (partitions = new Map()))
    partitions.set(partition, value)
  }

  /** Whether it was there. */
  delete(group: string, topic: string, partition: number): boolean {
    const topics = this.#byGroup.get(group)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined || !partitions.delete(partition)) return false
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#byGroup.delete(group)
    return true
  }

  forEach(visit: (group: string, topic: string, partition: number, value: V) => void): void {
    for (const [group, topics] of this.#byGroup) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) visit(group, topic, partition, value)
      }
    }
  }
}
