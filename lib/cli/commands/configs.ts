/** `odradek configs`: describe and alter topic and broker configs. */
import { DescribeConfigs, ErrorCode, IncrementalAlterConfigs } from '../../../protocol/index.js'
import { type ClusterClient, withCluster } from '../cluster-client.js'
import type { Output } from '../output.js'
import { refused } from '../refused.js'
import { CommandError } from '../session.js'
import type { WireClient } from '../wire-client.js'

export interface Resource {
  readonly type: 'topic' | 'broker'
  /** A topic's name, a broker's id, or '' for the defaults of all brokers. */
  readonly name: string
}

const RESOURCE_TYPE = { topic: 2, broker: 4 } as const
const SET = 0
const DELETE = 1

/** Kafka's ConfigSource: where a value comes from. */
const SOURCES = [
  'unknown',
  'topic',
  'broker',
  'default broker',
  'static broker',
  'default',
  'broker logger',
  'client metrics',
  'group',
]
const DEFAULT_SOURCE = 5

/** A broker knows its own static configs only: it is asked itself. */
function owner(cluster: ClusterClient, resource: Resource): Promise<WireClient> {
  return resource.type === 'broker' && resource.name !== '' ? cluster.broker(Number(resource.name)) : cluster.any()
}

function nameOf(resource: Resource): string {
  if (resource.type === 'topic') return `topic ${resource.name}`
  return resource.name === '' ? 'the defaults of all brokers' : `broker ${resource.name}`
}

/** Without `all`, only what differs from the built-in defaults. */
export async function describeConfigs(
  bootstrap: readonly string[],
  resource: Resource,
  all: boolean,
  output: Output,
): Promise<void> {
  const answer = await withCluster(bootstrap, async (cluster) =>
    (await owner(cluster, resource)).request(DescribeConfigs, {
      resources: [{ resourceType: RESOURCE_TYPE[resource.type], resourceName: resource.name, configurationKeys: null }],
    }),
  )
  const [result] = answer.results
  if (!result) throw new CommandError(`The broker said nothing about ${nameOf(resource)}.`)
  if (result.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    throw new CommandError(`There is no topic ${resource.name}.`)
  if (result.errorCode !== ErrorCode.NONE) throw refused(result.errorCode, result.errorMessage)
  const shown = result.configs
    .filter((entry) => all || entry.configSource !== DEFAULT_SOURCE)
    .map(({ name, value, readOnly, isSensitive, configSource }) => ({
      name,
      value: isSensitive ? null : value,
      source: SOURCES[configSource] ?? String(configSource),
      readOnly,
      sensitive: isSensitive,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  output.table(
    ['name', 'value', 'source', 'read-only'],
    shown.map((entry) => [entry.name, entry.sensitive ? '[hidden]' : entry.value, entry.source, entry.readOnly]),
    shown,
  )
}

export async function alterConfigs(
  bootstrap: readonly string[],
  resource: Resource,
  changes: { readonly set: Readonly<Record<string, string>>; readonly delete: readonly string[] },
  output: Output,
): Promise<void> {
  const { set, delete: removed } = changes
  const configs = [
    ...Object.entries(set).map(([name, value]) => ({ name, configOperation: SET, value })),
    ...removed.map((name) => ({ name, configOperation: DELETE, value: null })),
  ]
  if (configs.length === 0) throw new CommandError('Say what to change: --set key=value or --delete key.', 2)
  const response = await withCluster(bootstrap, async (cluster) =>
    (await owner(cluster, resource)).request(IncrementalAlterConfigs, {
      resources: [{ resourceType: RESOURCE_TYPE[resource.type], resourceName: resource.name, configs }],
      validateOnly: false,
    }),
  )
  const [result] = response.responses
  if (result && result.errorCode !== ErrorCode.NONE) {
    throw refused(result.errorCode, result.errorMessage)
  }
  output.done(`Altered ${nameOf(resource)}.`, { [resource.type]: resource.name, set, delete: removed })
}
