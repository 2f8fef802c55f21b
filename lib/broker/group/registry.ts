import { ClassicGroup } from './classic/group.js'
import type { GroupMetadataRecord } from './records.js'

/** Every kind of group there is. They share one name space: a group id is of one type at a time. */
export type Group = ClassicGroup

/** The groups of one shard by id. */
export class GroupRegistry {
  readonly #groups = new Map<string, Group>()

  get size(): number {
    return this.#groups.size
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  /** The group when it is a classic one. */
  classic(groupId: string): ClassicGroup | undefined {
    const group = this.#groups.get(groupId)
    return group?.type === 'classic' ? group : undefined
  }

  values(): Iterable<Group> {
    return this.#groups.values()
  }

  /** Offsets were committed under this id: without members that makes a "simple" group, which is Empty and has no protocol type. */
  ensureSimple(groupId: string, now: number): void {
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId, now))
  }

  /** `living`: the record was written just now, about the group in memory; otherwise the log is being read and the record is all there is. */
  apply(record: GroupMetadataRecord, living: boolean): void {
    const group = this.#groups.get(record.group)
    if (record.value === null) {
      if (group === undefined) return
      this.#groups.delete(record.group)
      group.transition('Dead', group.stateTimestamp)
    } else if (living && group !== undefined) {
      group.applyRecord(record.value)
    } else {
      this.#groups.set(record.group, ClassicGroup.fromRecord(record.group, record.value))
    }
  }
}
