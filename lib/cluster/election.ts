import { isLost, type PartitionImage } from '../metadata/image.js'

export interface Election {
  /** -1: nobody can lead. */
  readonly leader: number
  readonly isr: readonly number[]
}

export interface Electorate {
  isUp(brokerId: number): boolean
  /** It has just begun another life: what it had may be lost, as it may have died with records that were not on its disk yet. */
  isNew?(brokerId: number): boolean
  /** `unclean.leader.election.enable` of the topic: better a leader that lacks records than none. */
  readonly unclean?: boolean
}

/**
 * Who leads a partition and who is in sync when only some brokers are up, and some of those have lost their replica. The first replica in assignment order that is in sync and
 * up leads. The last members of an ISR stay in it even when they are down: they alone are known to have everything. Cases:
 * A. members that stayed: they alone are in sync, those in a new life have to catch up. B. only members in a new life: they have what there is.
 * C. none is up: nobody leads, or with `unclean` any replica that is up.
 */
export function elect(partition: PartitionImage, { isUp, isNew, unclean = false }: Electorate): Election {
  const canServe = (id: number): boolean => isUp(id) && !isLost(partition, id)
  const up = partition.isr.filter(canServe)
  const stayed = isNew === undefined ? up : up.filter((id) => !isNew(id))
  const isr = stayed.length > 0 ? stayed : up // A, B
  if (isr.length === 0) {
    const any = unclean ? partition.replicas.find(canServe) : undefined
    return any === undefined ? { leader: -1, isr: partition.isr } : { leader: any, isr: [any] } // C
  }
  const leader = isr.includes(partition.leader)
    ? partition.leader
    : (partition.replicas.find((id) => isr.includes(id)) ?? -1)
  return { leader, isr }
}
