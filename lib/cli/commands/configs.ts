/** `odradek configs`: describe and alter topic and broker configs. */
import { ErrorCode, IncrementalAlterConfigs } from '../../../protocol/index.js'
import type { Output } from '../output.js'
import { refused } from '../refused.js'
import { CommandError, errorType, withAdmin } from '../session.js'
import { withBroker } from '../wire-client.js'

export interface Resource {
  readonly type: 'topic' | 'broker'
  readonly name: string
}

const RESOURCE_TYPE = { topic: 2, broker: 4 } as const
/** A broker that is not there is answered with INVALID_REQUEST, a topic with UNKNOWN_TOPIC_OR_PARTITION. */
const NOT_THERE = new Set(['INVALID_REQUEST', 'UNKNOWN_TOPIC_OR_PARTITION'])
const SET = 0
const DELETE = 1

/** Without `all`, only what differs from the built-in defaults. */
export async function describeConfigs(
  bootstrap: readonly string[],
  resource: Resource,
  all: boolean,
  output: Output,
): Promise<void> {
  const entries = await withAdmin(bootstrap, async (admin) => {
    const { resources } = await admin
      .describeConfigs({
        includeSynonyms: false,
        resources: [{ type: RESOURCE_TYPE[resource.type], name: resource.name }],
      })
      .catch((error: unknown) => {
        throw NOT_THERE.has(errorType(error)) || (error as Error).name === 'KafkaJSBrokerNotFound'
          ? new CommandError(`There is no ${resource.type} ${resource.name}.`, 1, { cause: error })
          : error
      })
    return resources[0]?.configEntries ?? []
  })
  const shown = entries
    .filter((entry) => all || !entry.isDefault)
    .map(({ configName, configValue, readOnly, isSensitive, isDefault }) => ({
      name: configName,
      value: isSensitive ? null : configValue,
      readOnly,
      default: isDefault,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  output.table(
    ['name', 'value', 'read-only'],
    shown.map((entry) => [entry.name, entry.value, entry.readOnly]),
    shown,
  )
}

export async function alterConfigs(
  bootstrap: readonly string[],
  resource: Resource,
  changes: { readonly set: Readonly<Record<string, string>>; readonly delete: readonly string[] },
  output: Output,
): Promise<void> {
  const configs = [
    ...Object.entries(changes.set).map(([name, value]) => ({ name, configOperation: SET, value })),
    ...changes.delete.map((name) => ({ name, configOperation: DELETE, value: null })),
  ]
  if (configs.length === 0) throw new CommandError('Say what to change: --set key=value or --delete key.', 2)
  const response = await withBroker(bootstrap, (broker) =>
    broker.request(IncrementalAlterConfigs, {
      resources: [{ resourceType: RESOURCE_TYPE[resource.type], resourceName: resource.name, configs }],
      validateOnly: false,
    }),
  )
  const [result] = response.responses
  if (result && result.errorCode !== ErrorCode.NONE) throw refused(result.errorCode, result.errorMessage)
  output.done(`Altered ${resource.type} ${resource.name}.`, {
    [resource.type]: resource.name,
    set: changes.set,
    delete: changes.delete,
  })
}
