import type { PartitionImage } from '../metadata/image.js'

export interface Election {
  /** -1: nobody can lead. */
  readonly leader: number
  readonly isr: readonly number[]
}

/**
 * Who leads a partition and who is in sync when only some brokers are up. The first replica in assignment order that is in sync and
 * up leads. The last members of an ISR stay in it even when they are down: they alone are known to have everything.
 */
export function elect(partition: PartitionImage, isUp: (brokerId: number) => boolean): Election {
  const isr = partition.isr.filter(isUp)
  if (isr.length === 0) return { leader: -1, isr: partition.isr }
  const leader = isr.includes(partition.leader)
    ? partition.leader
    : (partition.replicas.find((id) => isr.includes(id)) ?? -1)
  return { leader, isr }
}
