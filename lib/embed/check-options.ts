/** No type holds in JavaScript: an option that nobody reads would be taken for one that has an effect. */
import type { BrokerOptions, NewTopic } from './broker.js'
import type { ClusterOptions } from './cluster-options.js'

type Known = Readonly<Record<string, true>>
/** Every name, so that the compiler misses one that is forgotten here. */
type Names<T> = Readonly<Record<keyof Required<T>, true>>

const COMMON = {
  port: true,
  host: true,
  advertisedHost: true,
  advertisedPort: true,
  topics: true,
  profile: true,
  config: true,
  memoryLimit: true,
  logLevel: true,
  logger: true,
  clusterId: true,
  dataDir: true,
} as const
const BROKER: Names<BrokerOptions> = { ...COMMON, listen: true, brokerId: true }
const CLUSTER: Names<ClusterOptions> = { ...COMMON, brokers: true, brokerIds: true, racks: true }
const TOPIC: Names<NewTopic> = { name: true, partitions: true, replicationFactor: true, config: true }

/** What is wrong with the names, in a sentence; null when nothing is. */
export function problemOfBroker(options: BrokerOptions): string | null {
  return problemOf('Broker.create', options, BROKER)
}

export function problemOfCluster(options: ClusterOptions): string | null {
  return problemOf('Cluster.create', options, CLUSTER)
}

export function problemOfTopic(topic: string | NewTopic): string | null {
  return typeof topic === 'string' ? null : unknownName('A topic', topic, TOPIC)
}

function problemOf(owner: string, options: BrokerOptions | ClusterOptions, known: Known): string | null {
  const unknown = unknownName(owner, options, known)
  if (unknown !== null) return unknown
  const { topics = [] } = options
  if (!Array.isArray(topics)) return `topics is ${JSON.stringify(topics)}; it must be an array.`
  return topics.map(problemOfTopic).find((problem) => problem !== null) ?? null
}

function unknownName(owner: string, given: object, known: Known): string | null {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return null
  return `${owner} has no option ${unknown}; there are ${Object.keys(known).join(', ')}.`
}
