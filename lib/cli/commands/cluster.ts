/** `odradek cluster`: who is there, and which partitions want for replicas. */
import {
  DescribeCluster,
  DescribeConfigs,
  ErrorCode,
  ListPartitionReassignments,
  type RequestInput,
} from '../../../protocol/index.js'
import { type ClusterClient, type ClusterMetadata, withCluster } from '../cluster-client.js'
import type { Output, Table } from '../output.js'
import { refused } from '../refused.js'
import { CommandError } from '../session.js'

const TOPIC_RESOURCE = 2
const MIN_ISR = 'min.insync.replicas'
/** Asked about in one request: the answer has to stay small. */
const TOPICS_AT_ONCE = 500
/** From this version on DescribeCluster tells of fenced brokers (KIP-1073). */
const WITH_FENCED = 2

interface Member {
  readonly broker: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly state: 'controller' | 'running' | 'fenced'
}

const PROBLEMS = ['offline', 'under-min-isr', 'under-replicated'] as const
type Problem = (typeof PROBLEMS)[number]

interface Sick {
  readonly topic: string
  readonly partition: number
  readonly problems: readonly Problem[]
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Null where the topic has gone meanwhile. */
  readonly minIsr: number | null
}

interface Status {
  readonly cluster: string | null
  readonly controller: number
  readonly brokers: readonly Member[]
  readonly topics: number
  readonly partitions: number
  /** Partitions that have a problem, one or several. */
  readonly sick: readonly Sick[]
}

/** Prints it. @throws CommandError when a partition has a problem: it makes the exit code */
export async function clusterStatus(bootstrap: readonly string[], output: Output): Promise<void> {
  const status = await withCluster(bootstrap, statusOf)
  const counts = PROBLEMS.map((problem) => ({
    problem,
    count: status.sick.filter(({ problems }) => problems.includes(problem)).length,
  }))
  const { sick: _, ...facts } = status
  output.tables(tablesOf(status, counts), {
    ...facts,
    ...Object.fromEntries(counts.map(({ problem, count }) => [COUNTED[problem], count])),
    problems: status.sick,
  })
  if (status.sick.length > 0) {
    const parts = counts.filter(({ count }) => count > 0).map(({ problem, count }) => `${count} ${SAID[problem]}`)
    throw new CommandError(`Of ${status.partitions} partitions: ${parts.join(', ')}.`)
  }
}

/** Names of the counts in JSON. */
const COUNTED: Record<Problem, string> = {
  offline: 'offline',
  'under-min-isr': 'underMinIsr',
  'under-replicated': 'underReplicated',
}

const SAID: Record<Problem, string> = {
  offline: 'offline',
  'under-min-isr': `with fewer in-sync replicas than ${MIN_ISR}`,
  'under-replicated': 'under-replicated',
}

function tablesOf(status: Status, counts: readonly { problem: Problem; count: number }[]): Table[] {
  const { cluster, controller, brokers, topics, partitions, sick } = status
  return [
    {
      headings: ['cluster', 'controller', 'brokers', 'topics', 'partitions', ...PROBLEMS],
      rows: [[cluster, controller, brokers.length, topics, partitions, ...counts.map(({ count }) => count)]],
    },
    {
      headings: ['broker', 'address', 'rack', 'state'],
      rows: brokers.map(({ broker, host, port, rack, state }) => [broker, addressOf(host, port), rack, state]),
    },
    {
      headings: ['topic', 'partition', 'leader', 'replicas', 'isr', 'min isr', 'problem'],
      rows: sick.map(({ topic, partition, leader, replicas, isr, minIsr, problems }) => [
        ...[topic, partition, leader < 0 ? null : leader, replicas.join(',')],
        ...[isr.length === 0 ? null : isr.join(','), minIsr, problems.join(',')],
      ]),
    },
  ]
}

const addressOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

async function statusOf(cluster: ClusterClient): Promise<Status> {
  const metadata = await cluster.metadata(null)
  const { brokers, controller } = await membersOf(cluster, metadata)
  return {
    cluster: metadata.clusterId,
    controller,
    brokers,
    topics: metadata.topics.length,
    partitions: metadata.topics.reduce((sum, topic) => sum + topic.partitions.length, 0),
    sick: await sickOf(cluster, metadata),
  }
}

/** By DescribeCluster, which knows fenced brokers too, or by Metadata where a broker is too old for it. */
async function membersOf(
  cluster: ClusterClient,
  metadata: ClusterMetadata,
): Promise<{ brokers: Member[]; controller: number }> {
  const client = await cluster.any()
  const served = (await client.versions()).get(DescribeCluster.key)
  let controller = metadata.controllerId
  let found = metadata.brokers.map((one) => ({ ...one, brokerId: one.nodeId, isFenced: false }))
  if (served !== undefined) {
    const request: RequestInput<typeof DescribeCluster> =
      served.max >= WITH_FENCED ? { includeFencedBrokers: true } : {}
    const answer = await client.request(DescribeCluster, request)
    if (answer.errorCode !== ErrorCode.NONE) throw refused(answer.errorCode, answer.errorMessage)
    controller = answer.controllerId
    found = answer.brokers.map((one) => ({ ...one, nodeId: one.brokerId }))
  }
  const brokers = found
    .sort((one, other) => one.brokerId - other.brokerId)
    .map(({ brokerId, host, port, rack, isFenced }): Member => {
      const state = isFenced ? 'fenced' : brokerId === controller ? 'controller' : 'running'
      return { broker: brokerId, host, port, rack, state }
    })
  return { brokers, controller }
}

async function sickOf(cluster: ClusterClient, metadata: ClusterMetadata): Promise<Sick[]> {
  const topics = metadata.topics.flatMap(({ name, partitions }) => (name === null ? [] : { name, partitions }))
  topics.sort((one, other) => (one.name < other.name ? -1 : 1))
  const minIsr = await minIsrOf(
    cluster,
    topics.map(({ name }) => name),
  )
  const lacking = topics.some(({ partitions }) =>
    partitions.some(({ replicaNodes, isrNodes }) => isrNodes.length < replicaNodes.length),
  )
  const adding = lacking ? await addingOf(cluster) : new Map<string, number>()
  return topics.flatMap(({ name, partitions }) => {
    const min = minIsr.get(name) ?? null
    const sorted = [...partitions].sort((one, other) => one.partitionIndex - other.partitionIndex)
    return sorted.flatMap(({ partitionIndex, leaderId, replicaNodes, isrNodes }): Sick[] => {
      const wanted = replicaNodes.length - (adding.get(`${name}-${partitionIndex}`) ?? 0)
      const has: Record<Problem, boolean> = {
        offline: leaderId < 0,
        'under-min-isr': min !== null && isrNodes.length < min,
        'under-replicated': isrNodes.length < wanted,
      }
      const problems = PROBLEMS.filter((problem) => has[problem])
      if (problems.length === 0) return []
      const where = { topic: name, partition: partitionIndex, problems, leader: leaderId }
      return [{ ...where, replicas: replicaNodes, isr: isrNodes, minIsr: min }]
    })
  })
}

async function minIsrOf(cluster: ClusterClient, names: readonly string[]): Promise<Map<string, number>> {
  const client = await cluster.any()
  const found = new Map<string, number>()
  for (let at = 0; at < names.length; at += TOPICS_AT_ONCE) {
    const resources = names.slice(at, at + TOPICS_AT_ONCE).map((resourceName) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configurationKeys: [MIN_ISR],
    }))
    const { results } = await client.request(DescribeConfigs, { resources })
    for (const { errorCode, errorMessage, resourceName, configs } of results) {
      // Deleted since it was listed.
      if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
      if (errorCode !== ErrorCode.NONE) throw refused(errorCode, errorMessage)
      const value = configs.find(({ name }) => name === MIN_ISR)?.value
      if (value != null) found.set(resourceName, Number(value))
    }
  }
  return found
}

/** How many replicas are being added to `topic-partition`: Kafka's tools do not miss them until they are in sync. */
async function addingOf(cluster: ClusterClient): Promise<Map<string, number>> {
  if (!(await (await cluster.any()).versions()).has(ListPartitionReassignments.key)) return new Map()
  const answer = await cluster.retry(
    async () => (await cluster.controller()).request(ListPartitionReassignments, { topics: null }),
    ({ errorCode }) => errorCode,
  )
  return new Map(
    answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(
        ({ partitionIndex, addingReplicas }) => [`${name}-${partitionIndex}`, addingReplicas.length] as const,
      ),
    ),
  )
}
