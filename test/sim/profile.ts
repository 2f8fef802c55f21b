/** What kind of run a seed is: how the broker keeps its data, what may befall it, who writes and reads. */
import type { DiskFaultPlan } from '../../lib/faults/faulty-disk.js'
import type { NetworkFaultPlan } from '../../lib/faults/faulty-network.js'
import type { TopicPlan } from './ground.js'
import type { PartitionRules } from './history.js'
import type { Chance } from './world.js'

/**
 * `errors`: the disk fails now and then for a while, and the broker is started again; `sync-errors`: it is the machine that is started
 * again. After a sync that failed Linux may have forgotten what it has not written: a new process would read it, believe it
 * synced at the next sync, and lose it with the power; here as in Kafka, so that it is not part of the model.
 */
export type Fault = 'kill' | 'power' | 'stop' | 'clock' | 'errors' | 'sync-errors'
/**
 * What befalls one of several brokers, or all: a process or a machine ends, a broker leaves in order, loses sight of the others, of one of them
 * or is not heard by it; leaders and replicas are moved; the controller goes; eligible
 * leader replicas are turned off or on; a broker that is in no ISR comes back with an empty disk. What ends by itself ends after a while; a disk that
 * fails is well again for the broker's next life.
 */
export type ClusterFault =
  | Fault
  | 'isolate'
  | 'cut'
  | 'deaf'
  | 'move'
  | 'reassign'
  | 'elect'
  | 'controller'
  | 'level'
  | 'power-all'
  | 'replace'

export interface Profile {
  readonly name: string
  /** False: in memory, the broker is never stopped. */
  readonly durable: boolean
  /** Acknowledged only when synced: nothing may be lost, whatever happens. */
  readonly synced: boolean
  /** Where the power may go with acknowledged records unsynced, a transaction may be torn, in Kafka as here. */
  readonly transactions: boolean
  readonly faults: readonly Fault[]
  readonly disk: Omit<DiskFaultPlan, 'seed'>
  /** Several brokers that are one cluster. */
  readonly cluster?: { readonly brokers: number; readonly faults: readonly ClusterFault[] }
}

export const PROFILES: readonly Profile[] = [
  { name: 'memory', durable: false, synced: false, transactions: true, faults: ['clock'], disk: {} },
  {
    name: 'kill',
    durable: true,
    synced: false,
    transactions: true,
    faults: ['kill', 'kill', 'stop'],
    disk: {},
  },
  {
    name: 'synced',
    durable: true,
    synced: true,
    transactions: true,
    faults: ['power', 'power', 'kill', 'stop'],
    disk: { tornChance: 0.5 },
  },
  {
    name: 'power',
    durable: true,
    synced: false,
    transactions: false,
    faults: ['power', 'kill', 'stop'],
    disk: { tornChance: 0.5 },
  },
  {
    name: 'errors',
    durable: true,
    synced: true,
    transactions: true,
    faults: ['errors', 'errors', 'power'],
    disk: { tornChance: 0.5, errorChance: 0.02, shortReadChance: 0.05 },
  },
  {
    name: 'full',
    durable: true,
    synced: true,
    transactions: true,
    faults: ['errors', 'errors', 'kill', 'power'],
    disk: { tornChance: 0.5, spaceBytes: 20_000 },
  },
  {
    name: 'sync-errors',
    durable: true,
    synced: true,
    transactions: true,
    faults: ['sync-errors', 'sync-errors', 'power'],
    disk: { tornChance: 0.5, errorChance: 0.01, syncErrorChance: 0.05 },
  },
]

const MOVES: readonly ClusterFault[] = ['move', 'move', 'reassign', 'elect', 'controller', 'level']

/** By name alone, or with `--cluster`: a seed of its own kind costs several times as much. */
export const CLUSTER_PROFILES: readonly Profile[] = [
  {
    name: 'cluster',
    durable: true,
    synced: false,
    transactions: true,
    faults: [],
    disk: {},
    cluster: {
      brokers: 3,
      faults: ['kill', 'kill', 'replace', 'replace', 'stop', 'isolate', 'isolate', 'cut', 'deaf', ...MOVES],
    },
  },
  {
    name: 'cluster-power',
    durable: true,
    synced: true,
    transactions: true,
    faults: [],
    disk: { tornChance: 0.5 },
    cluster: {
      brokers: 3,
      faults: ['power', 'power', 'power-all', 'replace', 'replace', 'kill', 'stop', 'isolate', 'cut', ...MOVES],
    },
  },
  {
    name: 'cluster-errors',
    durable: true,
    synced: true,
    transactions: true,
    faults: [],
    disk: { tornChance: 0.5, errorChance: 0.02, spaceBytes: 30_000 },
    cluster: { brokers: 3, faults: ['errors', 'errors', 'errors', 'kill', 'power', 'isolate', ...MOVES] },
  },
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

/** Settings under which what takes minutes elsewhere happens within a run. */
export const BROKER_VALUES: Readonly<Record<string, string>> = {
  'log.cleaner.backoff.ms': '60',
  'log.retention.check.interval.ms': '150',
}

/** Brokers of a cluster notice within a run what takes them half a minute elsewhere. */
export const CLUSTER_VALUES: Readonly<Record<string, string>> = {
  'replica.lag.time.max.ms': '600',
  'replica.fetch.wait.max.ms': '100',
  'replica.fetch.backoff.ms': '50',
  'request.timeout.ms': '1000',
  'leader.imbalance.check.interval.seconds': '1',
  'default.replication.factor': '3',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '2',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.num.partitions': '2',
  'transaction.state.log.min.isr': '2',
}

/** Small segments and small indexes, so that a short run has many of each. */
export function topicsFor(profile: Profile, chance: Chance): TopicPlan[] {
  const topic = (name: string, own: Record<string, string> = {}, rules: Partial<PartitionRules> = {}): TopicPlan => {
    const configs: Record<string, string> = {
      'internal.segment.bytes': String(chance.pick([1500, 4000, 20_000])),
      'index.interval.bytes': String(chance.pick([100, 1000])),
      ...own,
    }
    const replicationFactor = profile.cluster === undefined ? 1 : name === 'fading' ? 2 : 3
    if (profile.cluster !== undefined)
      configs['min.insync.replicas'] = name === 'plain' || name === 'fading' ? '1' : '2'
    return {
      name,
      partitions: 2,
      replicationFactor,
      configs,
      rules: { compacted: false, expires: false, replicated: replicationFactor > 1, ...rules },
    }
  }
  const topics = [topic('plain'), topic('exact')]
  if (profile.transactions) topics.push(topic('atomic'))
  const small = { 'internal.segment.bytes': '1200' }
  topics.push(topic('fading', { ...small, 'retention.bytes': '2500' }, { expires: true }))
  // Where a suffix may be lost, the files of a compacted log do not tell which.
  if (profile.synced || !profile.faults.includes('power')) {
    const often = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '100',
      ...small,
    }
    topics.push(topic('keys', often, { compacted: true }))
  }
  return topics
}
