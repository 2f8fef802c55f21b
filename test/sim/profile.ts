/** What kind of run a seed is: how the broker keeps its data, what may befall it, who writes and reads. */
import type { DiskFaultPlan } from '../../lib/faults/faulty-disk.js'
import type { NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import type { TopicPlan } from './ground.js'
import type { Chance } from './world.js'

export type Fault = 'kill' | 'power' | 'stop' | 'clock'

export interface Profile {
  readonly name: string
  /** False: in memory, the broker is never stopped. */
  readonly durable: boolean
  /** Acknowledged only when synced: nothing may be lost, whatever happens. */
  readonly synced: boolean
  readonly faults: readonly Fault[]
  readonly disk: Omit<DiskFaultPlan, 'seed'>
}

export const PROFILES: readonly Profile[] = [
  { name: 'memory', durable: false, synced: false, faults: ['clock'], disk: {} },
]

export function networkFaults(chance: Chance): Omit<NetworkFaultPlan, 'seed'> {
  const rough = chance.happens(0.5)
  return {
    splitChance: rough ? 0.05 : 0,
    delayChance: rough ? 0.05 : 0,
    resetChance: rough ? 0.01 : 0.002,
    halfOpenChance: rough ? 0.003 : 0,
    refuseChance: rough ? 0.02 : 0,
  }
}

/** Small segments and small indexes, so that a short run has many of each. */
export function topicsFor(chance: Chance): TopicPlan[] {
  const small = () => ({
    'internal.segment.bytes': String(chance.pick([1500, 4000, 20_000])),
    'index.interval.bytes': '300',
  })
  return [
    { name: 'plain', partitions: 2, configs: small(), rules: { compacted: false, expires: false } },
    { name: 'exact', partitions: 2, configs: small(), rules: { compacted: false, expires: false } },
  ]
}
