import { ErrorCode } from '../../protocol/errors.js'
import { type BrokerConfig, baseName, brokerValueProblem } from './broker-config.js'
import { type ConfigDefs, configDefs } from './config-defs.js'
import { parseConfig } from './config-value.js'
import { effectiveTopicConfig } from './topic-config.js'

/** Why a set of dynamic configs is refused; null where it is accepted. */
export interface ConfigProblem {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

type Values = ReadonlyMap<string, string>

function invalid(errorMessage: string): ConfigProblem {
  return { errorCode: ErrorCode.INVALID_CONFIG, errorMessage }
}

function badRequest(errorMessage: string): ConfigProblem {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}

/** Every name known and every value right; the first problem otherwise. */
function problemOfEach(defs: ConfigDefs, values: Values, kind: string): ConfigProblem | null {
  for (const [name, text] of values) {
    const def = defs.get(name)
    if (def === undefined) return invalid(`There is no ${kind} config called '${name}'.`)
    const { problem } = parseConfig(def, text)
    if (problem !== null) return invalid(problem)
  }
  return null
}

/** All configs a topic would have of its own (Kafka: LogConfig.validate). */
export function topicConfigsProblem(values: Values, broker: BrokerConfig): ConfigProblem | null {
  const defs = configDefs('topic')
  const each = problemOfEach(defs, values, 'topic')
  if (each !== null) return each
  const number = (name: string): number => Number(effectiveTopicConfig(defs.get(name)!, values, broker).text)
  if (values.has('min.compaction.lag.ms') || values.has('max.compaction.lag.ms')) {
    if (number('min.compaction.lag.ms') > number('max.compaction.lag.ms')) {
      return invalid('min.compaction.lag.ms must not be larger than max.compaction.lag.ms.')
    }
  }
  if (values.get('remote.storage.enable')?.trim().toLowerCase() === 'true') {
    return invalid('remote.storage.enable cannot be true: this broker has no tiered storage.')
  }
  return null
}

/** All configs a group would have of its own (Kafka: GroupConfigManager.validate); bounds are the broker's. */
export function groupConfigsProblem(values: Values, broker: BrokerConfig): ConfigProblem | null {
  const defs = configDefs('group')
  const each = problemOfEach(defs, values, 'group')
  if (each !== null) return each
  for (const [name, text] of values) {
    const def = defs.get(name)!
    const value = Number(text)
    if (def.minConfig !== null && value < broker.number(def.minConfig)) {
      return invalid(`${name} must be at least ${broker.number(def.minConfig)} (${def.minConfig}).`)
    }
    if (def.maxConfig !== null && value > broker.number(def.maxConfig)) {
      return invalid(`${name} must be at most ${broker.number(def.maxConfig)} (${def.maxConfig}).`)
    }
    const problem = groupNameProblem(name, text.trim(), broker)
    if (problem !== null) return invalid(problem)
  }
  const interval = (type: string, what: string): number =>
    Number(values.get(`${type}.${what}`) ?? broker.number(`group.${type}.${what}`))
  for (const type of ['consumer', 'share', 'streams']) {
    if (!values.has(`${type}.session.timeout.ms`) && !values.has(`${type}.heartbeat.interval.ms`)) continue
    if (interval(type, 'session.timeout.ms') <= interval(type, 'heartbeat.interval.ms')) {
      return invalid(`${type}.session.timeout.ms must be larger than ${type}.heartbeat.interval.ms.`)
    }
  }
  return null
}

/** The few configs of groups that name something. */
function groupNameProblem(name: string, text: string, broker: BrokerConfig): string | null {
  switch (name) {
    case 'streams.rack.aware.assignment.tags': {
      const tags = text.split(',').map((tag) => tag.trim())
      return new Set(tags).size === tags.length ? null : `${name} names a tag twice.`
    }
    case 'streams.assignor.name':
      if (broker.list('group.streams.assignors').includes(text)) return null
      return `${name} is '${text}', which is none of group.streams.assignors.`
    case 'errors.deadletterqueue.topic.name':
      // Internal topics begin so.
      return text.startsWith('__') ? `${name} must not begin with '__'.` : null
    default:
      return null
  }
}

/** What a client-metrics subscription may match clients by (KIP-714). */
const matchable = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** All configs of a client-metrics subscription (Kafka: ClientMetricsConfigs.validate). */
export function clientMetricsConfigsProblem(values: Values): ConfigProblem | null {
  const defs = configDefs('clientMetrics')
  for (const [name, text] of values) {
    const def = defs.get(name)
    if (def === undefined) return badRequest(`There is no client-metrics config called '${name}'.`)
    const { value, problem } = parseConfig(def, text)
    if (problem !== null) return invalid(problem)
    if (name === 'interval.ms' && typeof value === 'number' && (value < 100 || value > 3_600_000)) {
      return badRequest(`interval.ms is ${value}; it must be between 100 and 3600000 (one hour).`)
    }
    if (name !== 'match' || !Array.isArray(value)) continue
    for (const pattern of value as readonly string[]) {
      const [key = '', regex = '', ...more] = pattern.split('=').map((part) => part.trim())
      // Brokers split it in the same way, so that of a regular expression with '=' in it only the beginning would count.
      if (regex === '' || more.some((part) => part !== '') || !matchable.has(key) || !isRegex(regex)) {
        return invalid(`'${pattern}' is not a pattern of the form selector=regular expression.`)
      }
    }
  }
  return null
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/**
 * All dynamic configs a broker (or, with `perBroker` false, every broker) would have. Unknown names pass, as in Kafka: they may be a
 * plugin's. Every refusal is INVALID_REQUEST here (KAFKA-13609).
 */
export function brokerConfigsProblem(values: Values, perBroker: boolean): ConfigProblem | null {
  const defs = configDefs('broker')
  const quotas = configDefs('brokerQuota')
  for (const [name, text] of values) {
    const def = defs.get(baseName(name)) ?? quotas.get(name)
    if (def === undefined) continue
    if (def.updateMode === 'read-only') {
      return badRequest(
        `${name} cannot be changed while the broker runs; set it in the broker's properties and restart.`,
      )
    }
    if (!perBroker && def.updateMode === 'per-broker') {
      return badRequest(`${name} can be set for one broker only; name the broker.`)
    }
    const problem = brokerValueProblem(def, name, text, (other) => values.has(other))
    if (problem !== null) return badRequest(problem)
  }
  return null
}
