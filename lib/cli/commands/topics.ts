/** `odradek topics`: list, create, describe, delete. */
import type { Admin } from 'kafkajs'
import { CreateTopics, ErrorCode } from '../../../protocol/index.js'
import { withCluster } from '../cluster-client.js'
import { loadKafkaJs } from '../kafkajs.js'
import type { Output } from '../output.js'
import { refused } from '../refused.js'
import { CommandError, withAdmin } from '../session.js'

const CREATE_TIMEOUT_MS = 30_000

export interface CreateOptions {
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

export async function listTopics(bootstrap: readonly string[], output: Output): Promise<void> {
  const topics = await withAdmin(bootstrap, (admin) => allTopics(admin))
  const rows = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
  }))
  rows.sort((one, other) => (one.name < other.name ? -1 : 1))
  output.table(
    ['topic', 'partitions', 'replicas'],
    rows.map(({ name, partitions, replicationFactor }) => [name, partitions, replicationFactor]),
    rows,
  )
}

export async function createTopic(
  bootstrap: readonly string[],
  name: string,
  options: CreateOptions,
  output: Output,
): Promise<void> {
  const answer = await withCluster(bootstrap, async (cluster) =>
    cluster.retry(
      async () =>
        (await cluster.controller()).request(CreateTopics, {
          topics: [
            {
              name,
              numPartitions: options.partitions,
              replicationFactor: options.replicationFactor,
              assignments: [],
              configs: Object.entries(options.config).map(([key, value]) => ({ name: key, value })),
            },
          ],
          timeoutMs: CREATE_TIMEOUT_MS,
        }),
      // Only a controller that has moved is asked again; other refusals are told with their reasons.
      ({ topics }) => (topics[0]?.errorCode === ErrorCode.NOT_CONTROLLER ? ErrorCode.NOT_CONTROLLER : ErrorCode.NONE),
    ),
  )
  const [result] = answer.topics
  if (result?.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) throw new CommandError(`The topic ${name} exists already.`)
  if (result && result.errorCode !== ErrorCode.NONE) {
    throw refused(result.errorCode, result.errorMessage)
  }
  output.done(`Created topic ${name}.`, { topic: name, created: true })
}

export async function describeTopic(bootstrap: readonly string[], name: string, output: Output): Promise<void> {
  const { ConfigResourceTypes } = await loadKafkaJs()
  const described = await withAdmin(bootstrap, async (admin) => {
    const topic = (await allTopics(admin)).find((one) => one.name === name)
    if (!topic) throw new CommandError(`There is no topic ${name}.`)
    const offsets = await admin.fetchTopicOffsets(name)
    const configs = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name }],
    })
    const changed = (configs.resources[0]?.configEntries ?? []).filter((entry) => !entry.isDefault)
    return {
      topic,
      offsets,
      configs: Object.fromEntries(changed.map((entry) => [entry.configName, entry.configValue])),
    }
  })
  const partitions = [...described.topic.partitions]
    .sort((one, other) => one.partitionId - other.partitionId)
    .map(({ partitionId, leader, replicas, isr }) => {
      const found = described.offsets.find((one) => one.partition === partitionId)
      return { partition: partitionId, leader, replicas, isr, low: found?.low ?? null, high: found?.high ?? null }
    })
  output.table(
    ['topic', 'partition', 'leader', 'replicas', 'isr', 'first offset', 'end offset'],
    partitions.map((one) => [
      name,
      one.partition,
      one.leader,
      one.replicas.join(','),
      one.isr.join(','),
      one.low,
      one.high,
    ]),
    { topic: name, partitions, configs: described.configs },
  )
  for (const [key, value] of Object.entries(described.configs)) output.done(`config\t${key}=${value}`)
}

export async function deleteTopics(
  bootstrap: readonly string[],
  names: readonly string[],
  output: Output,
): Promise<void> {
  await withAdmin(bootstrap, async (admin) => {
    const known = new Set(await admin.listTopics())
    const missing = names.filter((name) => !known.has(name))
    if (missing.length > 0) throw new CommandError(`There is no topic ${missing.join(', ')}; nothing was deleted.`)
    await admin.deleteTopics({ topics: [...names] })
  })
  output.done(`Deleted topic ${names.join(', ')}.`, { deleted: names })
}

async function allTopics(admin: Admin) {
  const names = await admin.listTopics()
  if (names.length === 0) return []
  return (await admin.fetchTopicMetadata({ topics: names })).topics
}
