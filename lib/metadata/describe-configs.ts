import { ErrorCode } from '../../protocol/errors.js'
import { type BrokerConfig, baseName, ConfigSource, type SourcedValue } from './broker-config.js'
import { type ConfigDef, type ConfigKind, type ConfigType, configDefs } from './config-defs.js'
import { canonicalText } from './config-value.js'
import { ConfigResource, type Image, resourceConfigs } from './image.js'
import { effectiveTopicConfigs } from './topic-config.js'
import { topicNameProblem } from './topic-name.js'

/** One config as DescribeConfigs shows it. */
export interface DescribedConfig {
  readonly name: string
  /** null for sensitive configs, and for those without a value. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: number }[]
  /** ConfigType on the wire. */
  readonly configType: number
  readonly documentation: string | null
}

export type DescribedResource =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly configs: readonly DescribedConfig[] }
  | { readonly errorCode: ErrorCode; readonly errorMessage: string; readonly configs: null }

export interface DescribeView {
  readonly image: Image
  readonly broker: BrokerConfig
}

/**
 * All configs of a resource, alphabetically. Errors: UNKNOWN_TOPIC_OR_PARTITION; INVALID_TOPIC_EXCEPTION; INVALID_REQUEST for another
 * broker's id, what is no number, a nameless group or subscription. A group or subscription that nobody has configured is described
 * with defaults. (Kafka: ConfigHelper.describeConfigs)
 */
export function describeResource(resourceType: number, resourceName: string, view: DescribeView): DescribedResource {
  const { image, broker } = view
  switch (resourceType) {
    case ConfigResource.TOPIC: {
      const problem = topicNameProblem(resourceName)
      if (problem !== null) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
      if (!image.topicsByName.has(resourceName)) {
        return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, '')
      }
      const own = resourceConfigs(image, ConfigResource.TOPIC, resourceName)
      return found(
        effectiveTopicConfigs(own, broker).map(({ def, text, synonyms }) => described(def, text, synonyms, false)),
      )
    }
    case ConfigResource.BROKER:
      if (resourceName === '') return found(dynamicDefaults(broker))
      return brokerProblem(resourceName, broker) ?? found(brokerConfigs(broker))
    case ConfigResource.BROKER_LOGGER:
      if (resourceName === '') return failed(ErrorCode.INVALID_REQUEST, 'Name the broker whose loggers are meant.')
      return brokerProblem(resourceName, broker) ?? found([])
    case ConfigResource.CLIENT_METRICS:
      if (resourceName === '') return failed(ErrorCode.INVALID_REQUEST, 'A client-metrics subscription needs a name.')
      return found(subscriptionConfigs(resourceConfigs(image, ConfigResource.CLIENT_METRICS, resourceName)))
    case ConfigResource.GROUP:
      if (resourceName === '') return failed(ErrorCode.INVALID_REQUEST, 'A group needs a name.')
      return found(groupConfigs(resourceConfigs(image, ConfigResource.GROUP, resourceName), broker))
    default:
      return failed(ErrorCode.INVALID_REQUEST, `There is no resource type ${resourceType}.`)
  }
}

function failed(errorCode: ErrorCode, errorMessage: string): DescribedResource {
  return { errorCode, errorMessage, configs: null }
}

function found(configs: readonly DescribedConfig[]): DescribedResource {
  return { errorCode: ErrorCode.NONE, configs }
}

function brokerProblem(name: string, broker: BrokerConfig): DescribedResource | null {
  if (!/^[+-]?\d+$/.test(name)) {
    return failed(ErrorCode.INVALID_REQUEST, `A broker is named by its id, but '${name}' is no number.`)
  }
  if (Number(name) === broker.brokerId) return null
  return failed(ErrorCode.INVALID_REQUEST, `This is broker ${broker.brokerId}; ask broker ${name} about its configs.`)
}

function brokerConfigs(broker: BrokerConfig): DescribedConfig[] {
  const configs: DescribedConfig[] = []
  for (const def of configDefs('broker').all()) {
    const sources = broker.sources(def.synonyms.map((synonym) => synonym.name))
    // Internal configs show only when somebody has set them.
    if (def.internal && !sources.some((value) => value.source !== ConfigSource.DEFAULT_CONFIG)) continue
    const text = broker.sources([def.name])[0]?.value ?? null
    configs.push(described(def, canonicalText(def, text), fromMain(def.name, sources), def.updateMode === 'read-only'))
  }
  for (const name of broker.unknownNames()) configs.push(unknownConfig(name, broker.sources([name])))
  return configs.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is set for all brokers at run time, and nothing else. */
function dynamicDefaults(broker: BrokerConfig): DescribedConfig[] {
  const configs: DescribedConfig[] = []
  for (const name of [...broker.dynamicDefaults.keys()].sort()) {
    const def = configDefs('broker').get(name)
    if (def === undefined) {
      configs.push(unknownConfig(name, broker.sources([name]).filter(isForAll)))
      continue
    }
    const sources = broker.sources(def.synonyms.map((synonym) => synonym.name)).filter(isForAll)
    const text = canonicalText(def, broker.dynamicDefaults.get(name) ?? null)
    configs.push(described(def, text, fromMain(name, sources), def.updateMode === 'read-only'))
  }
  return configs
}

const isForAll = ({ source }: SourcedValue): boolean => source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG

/**
 * A name that is no broker config: a rate of replication, a plugin's. One that Kafka's tables lack may hold a secret, so its value is never shown
 * (Kafka: maybeSensitive).
 */
function unknownConfig(name: string, sources: readonly SourcedValue[]): DescribedConfig {
  const def = configDefs('broker').get(baseName(name)) ?? configDefs('brokerQuota').get(name)
  if (def !== undefined)
    return { ...described(def, sources[0]?.value ?? null, sources, def.updateMode === 'read-only'), name }
  return {
    name,
    value: null,
    readOnly: true,
    configSource: sources[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive: true,
    synonyms: sources.map((value) => ({ ...value, value: null })),
    configType: 0,
    documentation: null,
  }
}

function groupConfigs(own: ReadonlyMap<string, string>, broker: BrokerConfig): DescribedConfig[] {
  const configs: DescribedConfig[] = []
  for (const def of configDefs('group').all()) {
    if (def.internal && !own.has(def.name)) continue
    const main = def.synonyms[0]?.name
    let behind = main === undefined ? [] : broker.sources([main])
    const inherited = behind[0]?.value ?? def.defaultValue
    // Kafka names the broker's config only where it is called `group.` and the group's name.
    if (main !== `group.${def.name}`) behind = ownDefault(def)
    configs.push(overridden(def, own, inherited, behind, ConfigSource.GROUP_CONFIG))
  }
  return configs
}

function subscriptionConfigs(own: ReadonlyMap<string, string>): DescribedConfig[] {
  return [...configDefs('clientMetrics').all()].map((def) =>
    overridden(def, own, def.defaultValue, [], ConfigSource.CLIENT_METRICS_CONFIG),
  )
}

function ownDefault(def: ConfigDef): SourcedValue[] {
  if (def.defaultValue === null) return []
  return [{ name: def.name, value: def.defaultValue, source: ConfigSource.DEFAULT_CONFIG }]
}

function overridden(
  def: ConfigDef,
  own: ReadonlyMap<string, string>,
  inherited: string | null,
  behind: readonly SourcedValue[],
  source: number,
): DescribedConfig {
  const set = own.get(def.name)
  if (set === undefined) return described(def, canonicalText(def, inherited), behind, false)
  const text = canonicalText(def, set)
  return described(def, text, [{ name: def.name, value: text ?? '', source }, ...behind], false)
}

function fromMain(name: string, values: readonly SourcedValue[]): readonly SourcedValue[] {
  const at = values.findIndex((value) => value.name === name)
  return at < 0 ? [] : values.slice(at)
}

function described(
  def: ConfigDef,
  text: string | null,
  synonyms: readonly SourcedValue[],
  readOnly: boolean,
): DescribedConfig {
  return {
    name: def.name,
    value: def.sensitive ? null : text,
    readOnly,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive: def.sensitive,
    synonyms: def.sensitive ? synonyms.map((value) => ({ ...value, value: null })) : synonyms,
    configType: typeCodes[def.type],
    documentation: documentationOf(def),
  }
}

const typeCodes: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
}

/** What the definition says, in words. Kafka's own texts are not part of Odradek. */
function documentationOf(def: ConfigDef): string {
  const parts = [`Type ${def.type.toLowerCase()}`]
  parts.push(def.defaultValue === null ? 'no default' : `default '${def.defaultValue}'`)
  const { rule } = def
  if (rule?.kind === 'range' && rule.min !== null) parts.push(`at least ${rule.min}`)
  if (rule?.kind === 'range' && rule.max !== null) parts.push(`at most ${rule.max}`)
  if (rule?.kind === 'in') parts.push(`one of ${rule.values.join(', ')}`)
  if (rule?.kind === 'list' && rule.members.length > 0) parts.push(`members of ${rule.members.join(', ')}`)
  return `${parts.join('; ')}.`
}

/** Names of the kinds that can be described and listed, by resource type. */
export const configKinds: Readonly<Partial<Record<number, ConfigKind | 'brokerLogger'>>> = {
  [ConfigResource.TOPIC]: 'topic',
  [ConfigResource.BROKER]: 'broker',
  [ConfigResource.BROKER_LOGGER]: 'brokerLogger',
  [ConfigResource.CLIENT_METRICS]: 'clientMetrics',
  [ConfigResource.GROUP]: 'group',
}
