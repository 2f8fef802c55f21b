/** The files of all replicas of a partition, held against the history and against each other. */
import type { Image, PartitionImage } from '../../lib/metadata/image.js'
import { batchHeader as header } from '../../protocol/index.js'
import { validBatchesIn } from './batches.js'
import { survivorsIn } from './files.js'
import { type Ground, partitionOf } from './ground.js'
import type { PartitionHistory } from './history.js'
import type { Host } from './host.js'
import { Violation } from './world.js'

export class Copies {
  constructor(
    readonly ground: Ground,
    /** The newest image that any broker has had. */
    readonly newest: () => Image | null,
  ) {}

  /** Whatever was acknowledged by all or shown is in the files of each in-sync or eligible replica: any of them may lead next. */
  inSync(what: string): void {
    const image = this.newest()
    if (image === null) return
    for (const history of this.ground.histories()) {
      // What may go by itself says nothing when it is not there.
      if (history.rules.compacted || history.rules.expires) continue
      const partition = image.topicsByName.get(history.topic)?.partitions[history.partition]
      for (const id of partition?.isr ?? []) this.#holds(this.#host(id), history, `${what} (in sync)`)
      for (const id of partition?.eligibleLeaderReplicas ?? []) {
        if (!this.#host(id).isNew) this.#holds(this.#host(id), history, `${what} (eligible)`)
      }
    }
  }

  #holds(host: Host, history: PartitionHistory, what: string): void {
    const { seen, end } = survivorsIn(host.slow.raw, history.name)
    const there = new Map(seen.map((one) => [one.offset, one]))
    for (const [offset, { attempt, index, commit }] of history.slots()) {
      if (offset < Math.max(history.start, history.startAsked)) continue
      const one = there.get(offset)
      if (one !== undefined && (attempt === null ? one.commit === commit : one.mark === `${attempt.id}/${index}`))
        continue
      const holds = one === undefined ? 'nothing' : (one.mark ?? 'a marker')
      throw new Violation(
        `${what}: ${history.name} on ${host.name} (ends at ${end}) has ${holds} at offset ${offset}, which was acknowledged or shown as ${attempt === null ? 'a marker' : `${attempt.id}/${index}`}.`,
      )
    }
  }

  /**
   * Whether a broker that is down has nothing that is not also in sync elsewhere. Others may not be enough that are eligible (KIP-966): when they
   * were killed, too, the last leader is taken, as in Kafka.
   */
  canDoWithout(brokerId: number): boolean {
    const topics = [...(this.newest()?.topicsById.values() ?? [])]
    return topics.every(({ partitions }) =>
      partitions.every(
        ({ isr, replicas }) => !replicas.includes(brokerId) || (isr.length > 0 && !isr.includes(brokerId)),
      ),
    )
  }

  /** What keeps a partition from being whole again; null when every replica is in sync and the preferred or another one leads. */
  unrest(): string | null {
    const { hosts } = this.ground
    for (const host of hosts) {
      for (const history of this.ground.histories()) {
        const partition = partitionOf(host, history)
        if (partition === undefined) return `${host.name} does not know ${history.name}`
        const fault = notWhole(partition)
        if (fault !== null) return `${history.name} ${fault}, as ${host.name} sees it`
      }
    }
    return null
  }

  /** Byte for byte where both have something, from where the log starts: nobody sees what is before. Null when all copies are the same. */
  difference(): string | null {
    for (const history of this.ground.histories()) {
      if (history.rules.compacted) continue
      const { replicas } = partitionOf(this.ground.host, history)!
      const [first, ...others] = replicas.map((id) => ({ id, batches: batchesOf(this.#host(id), history.name) }))
      for (const other of others) {
        const at = firstDifference(first!.batches, other.batches, history)
        if (at !== null) return `${history.name} of ${first!.id} and of ${other.id} differ at offset ${at}`
      }
    }
    return null
  }

  #host(brokerId: number): Host {
    return this.ground.hosts.find(({ options }) => options.brokerId === brokerId)!
  }
}

function notWhole({ leader, isr, replicas, addingReplicas, removingReplicas }: PartitionImage): string | null {
  if (addingReplicas.length + removingReplicas.length > 0) return 'is still being moved'
  if (leader < 0) return 'has no leader'
  if (isr.length < replicas.length) return `has ${isr.join(', ')} in sync of ${replicas.join(', ')}`
  return null
}

/** By base offset. */
function batchesOf(host: Host, folder: string): Map<number, Buffer> {
  const batches = new Map<number, Buffer>()
  const disk = host.slow.raw
  for (const name of disk.list(folder)) {
    if (!/^\d{20}\.log$/.test(name)) continue
    const bytes = disk.readFile(`${folder}/${name}`)!
    for (const at of validBatchesIn(bytes)) {
      batches.set(header.baseOffset(bytes, at), bytes.subarray(at, at + header.sizeInBytes(bytes, at)))
    }
  }
  return batches
}

function firstDifference(
  a: ReadonlyMap<number, Buffer>,
  b: ReadonlyMap<number, Buffer>,
  { rules, start }: PartitionHistory,
): number | null {
  const from = Math.max(start, Math.min(...a.keys()), Math.min(...b.keys()))
  for (const [offset, bytes] of [...a, ...b]) {
    if (offset < from) continue
    const other = a.get(offset) === bytes ? b.get(offset) : a.get(offset)
    if (other === undefined || !other.equals(bytes)) return offset
  }
  if (Number.isFinite(from) || rules.expires) return null
  // One of them is empty: what the other has is deleted.
  return [...a.keys(), ...b.keys()].find((offset) => offset >= start) ?? null
}
