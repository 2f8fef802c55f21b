import { isLost, type PartitionImage } from '../metadata/image.js'

export interface Election {
  /** -1: nobody can lead. */
  readonly leader: number
  readonly isr: readonly number[]
  /** KIP-966: out of sync, but with everything that is committed. */
  readonly elr: readonly number[]
  /** Who led last, while nobody does. */
  readonly lastKnown: readonly number[]
}

export interface Electorate {
  isUp(brokerId: number): boolean
  /** It has just begun another life: what it had may be lost, as it may have died with records that were not on its disk yet. */
  isNew?(brokerId: number): boolean
  /** One of the new lives follows a clean end, so that nothing is lost. */
  isIntact?(brokerId: number): boolean
  /** `unclean.leader.election.enable` of the topic: better a leader that lacks records than none. */
  readonly unclean?: boolean
  /** `min.insync.replicas` of the topic where eligible leader replicas are on (KIP-966); null where they are not. */
  readonly minIsr: number | null
  /** Who has just left the ISR for another reason than not being up. */
  readonly left?: readonly number[]
}

/** Who leads a partition and who is in sync when only some brokers are up, and some of those have lost their replica. */
export function elect(partition: PartitionImage, electorate: Electorate): Election {
  const { minIsr } = electorate
  if (minIsr !== null) return electEligible(partition, electorate, Math.min(minIsr, partition.replicas.length))
  return { ...electInSync(partition, electorate), elr: [], lastKnown: [] }
}

/**
 * Without KIP-966. The first replica in assignment order that is in sync and up leads. The last members of an ISR stay in it even when they are
 * down: they alone are known to have everything. Cases: A. members that stayed: they alone are in sync, those in a new life have to catch up.
 * B. only members in a new life: they have what there is. C. none is up: nobody leads, or with `unclean` any replica that is up.
 */
function electInSync(
  partition: PartitionImage,
  { isUp, isNew, unclean = false }: Electorate,
): Pick<Election, 'leader' | 'isr'> {
  const canServe = (id: number): boolean => isUp(id) && !isLost(partition, id)
  const up = partition.isr.filter(canServe)
  const stayed = isNew === undefined ? up : up.filter((id) => !isNew(id))
  const isr = stayed.length > 0 ? stayed : up // A, B
  if (isr.length === 0) {
    const any = unclean ? partition.replicas.find(canServe) : undefined
    return any === undefined ? { leader: -1, isr: partition.isr } : { leader: any, isr: [any] } // C
  }
  return { leader: leaderOf(partition, isr), isr }
}

/**
 * With KIP-966 (PartitionChangeBuilder). Fewer in-sync replicas than `minIsr` commit nothing, so that whoever leaves them then still has all that
 * is committed: it is eligible, until there are enough again or it comes back from an end that was not clean. Cases: A. somebody in sync is up:
 * he leads. B. an eligible one is up: he leads, and is in sync alone. C. nobody is in sync or eligible any more: who led last, when he is up:
 * nobody is known to have more. D. with `unclean` anybody who is up. E. nobody leads, and nobody is in sync.
 */
function electEligible(partition: PartitionImage, electorate: Electorate, minIsr: number): Election {
  const { isUp, isNew, isIntact, unclean = false, left = [] } = electorate
  const { replicas, leader, eligibleLeaderReplicas, lastKnownElr } = partition
  const canServe = (id: number): boolean => isUp(id) && !isLost(partition, id)
  const mayLack = (id: number): boolean => isLost(partition, id) || (isNew?.(id) === true && isIntact?.(id) !== true)
  const isr = partition.isr.filter((id) => canServe(id) && isNew?.(id) !== true)
  const known = [...new Set([...eligibleLeaderReplicas, ...partition.isr, ...left])]
  const elr =
    isr.length >= minIsr ? [] : known.filter((id) => replicas.includes(id) && !isr.includes(id) && !mayLack(id))
  if (isr.length > 0) return { leader: leaderOf(partition, isr), isr, elr, lastKnown: [] } // A
  const alone = (id: number, others: readonly number[]): Election => ({
    leader: id,
    isr: [id],
    // One is enough to commit: from now on the others may lack something.
    elr: minIsr <= 1 ? [] : others.filter((other) => other !== id),
    lastKnown: [],
  })
  const eligible = replicas.find((id) => elr.includes(id) && canServe(id))
  if (eligible !== undefined) return alone(eligible, elr) // B
  const led = leader >= 0 ? [leader] : lastKnownElr.length > 0 ? lastKnownElr : partition.isr.slice(0, 1)
  const lastKnown = led.filter((id) => replicas.includes(id))
  const last = lastKnown.length === 1 && elr.length === 0 ? lastKnown[0]! : -1
  if (last >= 0 && canServe(last)) return alone(last, []) // C
  const any = unclean ? replicas.find(canServe) : undefined
  return any === undefined ? { leader: -1, isr: [], elr, lastKnown } : alone(any, []) // D, E
}

function leaderOf({ leader, replicas }: PartitionImage, isr: readonly number[]): number {
  return isr.includes(leader) ? leader : (replicas.find((id) => isr.includes(id)) ?? -1)
}

/** The fields of a record that make the partition what was elected; the leader only when it is another. */
export function electionChange(
  before: PartitionImage,
  { leader, isr, elr, lastKnown }: Election,
): {
  readonly leader?: number
  readonly isr?: readonly number[]
  readonly eligibleLeaderReplicas?: readonly number[]
  readonly lastKnownElr?: readonly number[]
} {
  return {
    ...(leader === before.leader ? {} : { leader }),
    ...(isSame(isr, before.isr) ? {} : { isr }),
    ...(isSame(elr, before.eligibleLeaderReplicas) ? {} : { eligibleLeaderReplicas: elr }),
    ...(isSame(lastKnown, before.lastKnownElr) ? {} : { lastKnownElr: lastKnown }),
  }
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index])
}
