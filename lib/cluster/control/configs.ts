import { ErrorCode } from '../../../protocol/errors.js'
import { changeProblem } from '../../metadata/broker-changes.js'
import { type ConfigKind, configDefs } from '../../metadata/config-defs.js'
import {
  brokerConfigsProblem,
  clientMetricsConfigsProblem,
  groupConfigsProblem,
  topicConfigsProblem,
} from '../../metadata/config-rules.js'
import { splitList } from '../../metadata/config-value.js'
import { ELIGIBLE_LEADER_REPLICAS_VERSION } from '../../metadata/features.js'
import { ConfigResource, type ConfigResourceType, type Image, resourceConfigs } from '../../metadata/image.js'
import type { ConfigRecord, MetadataRecord } from '../../metadata/records.js'
import { topicNameProblem } from '../../metadata/topic-name.js'
import { type ControlContext, type Decision, DONE, duplicates, type Outcome, refused } from './command.js'
import { hasElr, MIN_ISR, pushNoneEligible } from './eligible.js'

/** ConfigOperation on the wire. */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigChange {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

export interface ResourceChange {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly ConfigChange[]
}

export interface AlterConfigsCommand {
  readonly resources: readonly ResourceChange[]
  readonly validateOnly: boolean
  /** The broker the client asked: only it may be named in a broker resource. */
  readonly receiverId: number
  /** True for AlterConfigs (33): what is not named goes back to its default. */
  readonly replace: boolean
}

export interface AlteredResource extends Outcome {
  readonly resourceType: number
  readonly resourceName: string
}

/**
 * IncrementalAlterConfigs and AlterConfigs, resource by resource; one bad key spoils its own resource only. Cases:
 *
 * A. a resource twice -> INVALID_REQUEST for each
 * B. a key twice, a value null (but for DELETE), an unknown operation or resource type -> INVALID_REQUEST
 * C. broker: not the receiver's id, read-only, one broker's config for all, bad value, one that does not go with the broker's others or too far
 *    from what it was -> INVALID_REQUEST; unknown keys pass
 * D. APPEND or SUBTRACT on what is no list -> INVALID_CONFIG
 * E. topic: bad name -> INVALID_TOPIC_EXCEPTION; unknown key or bad value -> INVALID_CONFIG; unknown topic, checked last ->
 *    UNKNOWN_TOPIC_OR_PARTITION
 * F. min.insync.replicas of one broker, or taken from the cluster, while ELR is on -> INVALID_CONFIG
 * G. a value beyond 32767 characters -> INVALID_CONFIG (it could not be stored)
 */
export function alterConfigs(
  image: Image,
  context: ControlContext,
  command: AlterConfigsCommand,
): Decision<AlteredResource[]> {
  const keyOf = (resource: ResourceChange): string => `${resource.resourceType}/${resource.resourceName}`
  const twice = duplicates(command.resources.map(keyOf))
  const records: MetadataRecord[] = []
  const results = command.resources.map((resource) => {
    const outcome = twice.has(keyOf(resource))
      ? refused(ErrorCode.INVALID_REQUEST, 'A resource may occur only once in a request.')
      : alterResource(image, context, command, resource, records)
    return { resourceType: resource.resourceType, resourceName: resource.resourceName, ...outcome }
  })
  pushMinIsrChanges(image, records)
  return { records: command.validateOnly ? [] : records, results }
}

/** Eligible are those of a topic for one minimum only. */
function pushMinIsrChanges(image: Image, records: MetadataRecord[]): void {
  if (!hasElr(image)) return
  const told = new Set<string>()
  for (const record of records) {
    if (record.type === 'ConfigRecord' && record.name === MIN_ISR) told.add(record.resourceName)
  }
  for (const topic of told.has('') ? [''] : told) pushNoneEligible(image, records, topic)
}

const kinds: Readonly<Partial<Record<number, ConfigKind>>> = {
  [ConfigResource.TOPIC]: 'topic',
  [ConfigResource.BROKER]: 'broker',
  [ConfigResource.CLIENT_METRICS]: 'clientMetrics',
  [ConfigResource.GROUP]: 'group',
}

const VALUE_MAX = 32_767

function alterResource(
  image: Image,
  context: ControlContext,
  command: AlterConfigsCommand,
  resource: ResourceChange,
  records: MetadataRecord[],
): Outcome {
  const kind = kinds[resource.resourceType]
  const problem = requestProblem(command, resource, kind)
  if (problem !== null) return problem
  const type = resource.resourceType as ConfigResourceType
  const current = resourceConfigs(image, type, resource.resourceName)
  const changes = new Map<string, string | null>()
  for (const change of resource.configs) {
    const result = changedValue(kind!, current, change)
    if (result.problem !== null) return result.problem
    changes.set(change.name, result.value)
  }
  if (command.replace) for (const name of current.keys()) if (!changes.has(name)) changes.set(name, null)
  const after = new Map(current)
  for (const [name, value] of changes) {
    if (value === null) after.delete(name)
    else after.set(name, value)
    if (value !== null && value.length > VALUE_MAX) {
      return refused(ErrorCode.INVALID_CONFIG, `The value of ${name} has more than ${VALUE_MAX} characters.`)
    }
  }
  const refusal =
    resultProblem(image, context, resource, after) ??
    settingsChangeProblem(image, context, command.receiverId, resource, { names: changes.keys(), after }) ??
    minIsrProblem(image, resource, changes)
  if (refusal !== null) return refusal
  for (const [name, value] of changes) {
    // Broker values are written again even when they are the same: the record makes brokers read files named by it (KAFKA-14136).
    if (type !== ConfigResource.BROKER && (current.get(name) ?? null) === value) continue
    const record: ConfigRecord = {
      type: 'ConfigRecord',
      resourceType: type,
      resourceName: resource.resourceName,
      name,
      value,
    }
    records.push(record)
  }
  return DONE
}

/** Cases B and C without the values. */
function requestProblem(
  command: AlterConfigsCommand,
  resource: ResourceChange,
  kind: ConfigKind | undefined,
): Outcome | null {
  const bad = (message: string): Outcome => refused(ErrorCode.INVALID_REQUEST, message)
  const twice = duplicates(resource.configs.map((config) => config.name))
  if (twice.size > 0) return bad(`These keys occur more than once: ${[...twice].join(', ')}.`)
  const valueless = resource.configs.filter((c) => c.value === null && c.configOperation !== AlterOperation.DELETE)
  if (valueless.length > 0) return bad(`These keys have no value: ${valueless.map((c) => c.name).join(', ')}.`)
  if (kind === undefined)
    return bad(`There is no resource type ${resource.resourceType} whose configs could be changed.`)
  const strange = resource.configs.find((c) => c.configOperation < 0 || c.configOperation > AlterOperation.SUBTRACT)
  if (strange !== undefined) return bad(`There is no operation ${strange.configOperation}.`)
  const { resourceName } = resource
  if (kind === 'broker' && resourceName !== '') {
    if (!/^[+-]?\d+$/.test(resourceName)) return bad(`A broker is named by its id, but '${resourceName}' is no number.`)
    if (Number(resourceName) !== command.receiverId) {
      return bad(`This is broker ${command.receiverId}; ask broker ${resourceName} to change its configs.`)
    }
  }
  if (kind === 'topic') {
    if (resourceName === '') return bad('Topics have no common defaults; name a topic, or set the broker configs.')
    const problem = topicNameProblem(resourceName)
    if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  }
  if (resourceName === '' && kind === 'group') return bad('Groups have no common defaults; name a group.')
  if (resourceName === '' && kind === 'clientMetrics') return bad('A client-metrics subscription needs a name.')
  return null
}

type Changed =
  | { readonly value: string | null; readonly problem: null }
  | { readonly value: null; readonly problem: Outcome }

/** Lists as ConfigurationControlManager has them: members are what is between the commas, spaces included. */
function changedValue(kind: ConfigKind, current: ReadonlyMap<string, string>, change: ConfigChange): Changed {
  const { name, configOperation, value } = change
  if (configOperation === AlterOperation.DELETE) return { value: null, problem: null }
  if (configOperation === AlterOperation.SET) return { value, problem: null }
  const def = configDefs(kind).get(name)
  // D
  if (def?.type !== 'LIST') {
    const message = `${name} is not a list, so nothing can be appended to it or subtracted from it.`
    return { value: null, problem: refused(ErrorCode.INVALID_CONFIG, message) }
  }
  // Without a value of its own a list begins with Kafka's default, whatever the brokers have.
  const members = (current.get(name) ?? def.defaultValue ?? '').split(',').filter((member) => member !== '')
  for (const member of javaSplit(value ?? '')) {
    const at = members.indexOf(member)
    if (configOperation === AlterOperation.APPEND && at < 0) members.push(member)
    else if (configOperation === AlterOperation.SUBTRACT && at >= 0) members.splice(at, 1)
  }
  return { value: members.join(','), problem: null }
}

/** Java's String.split(","): empty parts at the end do not count, an empty text is one empty part. */
function javaSplit(text: string): string[] {
  if (text === '') return ['']
  const parts = text.split(',')
  while (parts.at(-1) === '') parts.pop()
  return parts
}

/** F: with eligible leader replicas on, the cluster-wide minimum is what counts and has to exist (KIP-966). */
function minIsrProblem(
  image: Image,
  resource: ResourceChange,
  changes: ReadonlyMap<string, string | null>,
): Outcome | null {
  if (resource.resourceType !== ConfigResource.BROKER || !changes.has(MIN_ISR) || !hasElr(image)) return null
  const why = `while ${ELIGIBLE_LEADER_REPLICAS_VERSION} is on`
  if (resource.resourceName !== '') {
    return refused(ErrorCode.INVALID_CONFIG, `min.insync.replicas cannot be set for one broker ${why}.`)
  }
  if (changes.get(MIN_ISR) !== null) return null
  return refused(
    ErrorCode.INVALID_CONFIG,
    `The cluster's min.insync.replicas cannot be removed ${why}; set another value.`,
  )
}

/** What the broker that was asked would have to say of its own settings. Those it was started with are known of the controller alone, and stand for all. */
function settingsChangeProblem(
  image: Image,
  { config }: Pick<ControlContext, 'config'>,
  receiverId: number,
  { resourceType, resourceName }: ResourceChange,
  { names, after }: { readonly names: Iterable<string>; readonly after: ReadonlyMap<string, string> },
): Outcome | null {
  if (resourceType !== ConfigResource.BROKER) return null
  const settings = (changed: ReadonlyMap<string, string> | null) => {
    const valuesOf = (name: string): ReadonlyMap<string, string> =>
      changed !== null && name === resourceName ? changed : resourceConfigs(image, ConfigResource.BROKER, name)
    const [own, forAll] = [valuesOf(String(receiverId)), valuesOf('')]
    return (name: string): string | null => own.get(name) ?? forAll.get(name) ?? config.startValue(name)
  }
  const logDirs =
    config.brokerId === receiverId ? (config.startValue('log.dirs') ?? config.startValue('log.dir')) : null
  const problem = changeProblem(settings(null), settings(after), names, logDirs === null ? null : splitList(logDirs))
  return problem === null ? null : refused(ErrorCode.INVALID_REQUEST, problem)
}

function resultProblem(
  image: Image,
  context: ControlContext,
  resource: ResourceChange,
  after: ReadonlyMap<string, string>,
): Outcome | null {
  switch (resource.resourceType) {
    case ConfigResource.BROKER:
      return brokerConfigsProblem(after, resource.resourceName !== '')
    case ConfigResource.TOPIC: {
      const problem = topicConfigsProblem(after, context.config)
      if (problem !== null) return problem
      if (image.topicsByName.has(resource.resourceName)) return null
      return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${resource.resourceName}.`)
    }
    case ConfigResource.GROUP:
      return groupConfigsProblem(after, context.config)
    default:
      return clientMetricsConfigsProblem(after)
  }
}
