import type { Random } from '../host/random.js'

export interface PlacementBroker {
  readonly brokerId: number
  readonly rack: string | null
  readonly fenced: boolean
}

export interface PlacementRequest {
  readonly partitions: number
  readonly replicationFactor: number
}

export type Placement =
  | { readonly assignments: readonly (readonly number[])[]; readonly problem: null }
  | { readonly assignments: null; readonly problem: string }

/**
 * Where the replicas of new partitions go. The rules are those of Kafka's StripedReplicaPlacer:
 *
 * - replicas of one partition sit on different brokers, and on different racks as far as there are racks;
 * - leaders, and replicas as a whole, are spread evenly: both racks and the brokers of a rack are walked round robin from a random
 *   start, and the start moves on by one for each partition;
 * - fenced brokers take replicas only where unfenced ones do not suffice, and never lead.
 */
export function placeReplicas(
  request: PlacementRequest,
  brokers: Iterable<PlacementBroker>,
  random: Random,
): Placement {
  const { partitions, replicationFactor } = request
  const racks = new RackList(brokers, random)
  if (racks.unfenced === 0) return { assignments: null, problem: 'no broker is registered, unfenced and not cordoned' }
  if (replicationFactor > racks.total) {
    return { assignments: null, problem: `only ${racks.total} broker(s) are registered and not cordoned` }
  }
  const assignments: number[][] = []
  for (let i = 0; i < partitions; i++) assignments.push(racks.place(replicationFactor))
  return { assignments, problem: null }
}

/** A shuffled ring of brokers. Leading and following have cursors of their own, so that each is spread evenly by itself. */
class Ring {
  private epoch = -1
  private taken = 0
  private start = 0
  private leads = 0
  private follows = 0
  private readonly ids: number[] = []

  get size(): number {
    return this.ids.length
  }

  add(id: number): void {
    this.ids.push(id)
  }

  shuffle(random: Random): void {
    const { ids } = this
    for (let i = ids.length - 1; i > 0; i--) {
      const j = random.integer(i + 1)
      const held = ids[i]!
      ids[i] = ids[j]!
      ids[j] = held
    }
  }

  /** Opens the partition `epoch` here with its leader; the replicas that `next` adds come after it in the ring. */
  lead(epoch: number): number {
    this.epoch = epoch
    this.start = this.leads++
    this.taken = 1
    return this.ids[this.start % this.ids.length]!
  }

  /** The next broker for the partition `epoch`, -1 when this partition has had them all. */
  next(epoch: number): number {
    if (this.epoch !== epoch) {
      this.epoch = epoch
      this.start = this.follows++
      this.taken = 0
    }
    if (this.taken >= this.ids.length) return -1
    return this.ids[(this.start + this.taken++) % this.ids.length]!
  }
}

class Rack {
  readonly unfenced = new Ring()
  readonly fenced = new Ring()

  next(epoch: number): number {
    const id = this.unfenced.next(epoch)
    return id === -1 ? this.fenced.next(epoch) : id
  }
}

class RackList {
  total = 0
  unfenced = 0
  private readonly racks: Rack[]
  private epoch = 0
  private start: number

  constructor(
    brokers: Iterable<PlacementBroker>,
    private readonly random: Random,
  ) {
    const byName = new Map<string | null, Rack>()
    // A fixed order first, so that a seed gives the same layout however the brokers were listed.
    for (const broker of [...brokers].sort((a, b) => a.brokerId - b.brokerId)) {
      let rack = byName.get(broker.rack)
      if (rack === undefined) byName.set(broker.rack, (rack = new Rack()))
      if (broker.fenced) rack.fenced.add(broker.brokerId)
      else rack.unfenced.add(broker.brokerId)
      this.total++
      if (!broker.fenced) this.unfenced++
    }
    this.racks = [...byName.values()]
    this.shuffle()
    this.start = this.racks.length === 0 ? 0 : random.integer(this.racks.length)
  }

  place(replicationFactor: number): number[] {
    // A new shuffle for every round: with one fixed ring the failure of a broker would move all its leaderships to one other.
    if (this.epoch > 0 && this.epoch % this.unfenced === 0) this.shuffle()
    this.epoch++
    this.start = (this.start + 1) % this.racks.length
    const leaderAt = this.findLeader()
    const replicas = [this.racks[leaderAt]!.unfenced.lead(this.epoch)]
    // The leader's rack comes last: the other racks are visited before it gets a second replica.
    for (let step = 1; replicas.length < replicationFactor; step++) {
      const id = this.racks[(leaderAt + step) % this.racks.length]!.next(this.epoch)
      if (id !== -1) replicas.push(id)
    }
    return replicas
  }

  private shuffle(): void {
    for (const rack of this.racks) {
      rack.unfenced.shuffle(this.random)
      rack.fenced.shuffle(this.random)
    }
  }

  /** The first rack from the moving start that has an unfenced broker. */
  private findLeader(): number {
    let at = this.start
    while (this.racks[at]!.unfenced.size === 0) at = (at + 1) % this.racks.length
    return at
  }
}
