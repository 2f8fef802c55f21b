import { type Logger, silentLogger } from '../host/logger.js'
import { type ConfigDef, configDefs } from './config-defs.js'
import { type ConfigValue, configValue, parseConfig, splitList } from './config-value.js'
import { connectionOverridesProblem } from './connection-overrides.js'
import { honouredBrokerConfigs } from './honoured.js'
import { ConfigResource, type Image, resourceConfigs } from './image.js'
import { logTimeProblem } from './log-times.js'
import { type ProfileName, profiles } from './profiles.js'
import { replicaSelectorProblem } from './replica-selector.js'

export interface BrokerConfigOptions {
  brokerId: number
  /** What the person set: server.properties, `--set`, options of `Broker.create()`. */
  values?: Readonly<Record<string, string>>
  /** Overrides below `values` and above Kafka's defaults. Default: kafka (none). */
  profile?: ProfileName
}

/** Where a value comes from, with Kafka's codes (ConfigEntry.ConfigSource on the wire). */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const

/** One of the values behind a config, as DescribeConfigs lists them. */
export interface SourcedValue {
  readonly name: string
  readonly value: string
  readonly source: number
}

type Values = ReadonlyMap<string, string>
const none: Values = new Map()

/**
 * The settings of one broker: dynamic for this broker, dynamic for all, static, Kafka's default, in this order of precedence.
 * Reading is cached; `applyImage` takes over dynamic values and tells the listeners what changed.
 *
 * A name that Kafka does not know is a programmer error in the readers (they throw) and an operating error in `configProblems`.
 */
export class BrokerConfig {
  readonly brokerId: number
  readonly profile: ProfileName
  private readonly staticValues: Map<string, string>
  private dynamicBroker: Values = none
  private dynamicDefault: Values = none
  private readonly cache = new Map<string, ConfigValue>()
  private readonly listeners = new Set<(changed: ReadonlySet<string>) => void>()
  /** Counts changes of dynamic values, in force or not; a cache key for everything derived from this config. */
  version = 0

  constructor(options: BrokerConfigOptions, ports: { logger?: Logger } = {}) {
    this.brokerId = options.brokerId
    this.profile = options.profile ?? 'kafka'
    this.staticValues = new Map(Object.entries(profiles[this.profile]))
    this.staticValues.set('node.id', String(options.brokerId))
    this.staticValues.set('broker.id', String(options.brokerId))
    for (const [name, value] of Object.entries(options.values ?? {})) this.staticValues.set(name, value)
    sayIgnored(Object.keys(options.values ?? {}), ports.logger ?? silentLogger)
  }

  get(name: string): ConfigValue {
    const cached = this.cache.get(name)
    if (cached !== undefined) return cached
    const def = brokerDef(name)
    const value = configValue(def, this.text(def))
    this.cache.set(name, value)
    return value
  }

  /** Throws when the config has no value (see `numberOrNull`) or is not a number. */
  number(name: string): number {
    const value = this.get(name)
    if (typeof value !== 'number') throw new TypeError(`The broker config ${name} is not a number but ${String(value)}`)
    return value
  }

  numberOrNull(name: string): number | null {
    return this.get(name) === null ? null : this.number(name)
  }

  boolean(name: string): boolean {
    const value = this.get(name)
    if (typeof value !== 'boolean')
      throw new TypeError(`The broker config ${name} is not a boolean but ${String(value)}`)
    return value
  }

  string(name: string): string | null {
    const value = this.get(name)
    if (value !== null && typeof value !== 'string') throw new TypeError(`The broker config ${name} is not a text`)
    return value
  }

  list(name: string): readonly string[] {
    const value = this.get(name)
    if (value === null) return []
    if (typeof value === 'string') return splitList(value)
    if (typeof value !== 'object') throw new TypeError(`The broker config ${name} is not a list`)
    return value
  }

  /** Every value that is set for the config or one of its synonyms, the one in force first. */
  sources(names: readonly string[]): SourcedValue[] {
    const found: SourcedValue[] = []
    const add = (values: Values, source: number): void => {
      for (const name of names) {
        const value = values.get(name)
        if (value !== undefined) found.push({ name, value, source })
      }
    }
    add(this.dynamicBroker, ConfigSource.DYNAMIC_BROKER_CONFIG)
    add(this.dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG)
    add(this.staticValues, ConfigSource.STATIC_BROKER_CONFIG)
    for (const name of names) {
      const value = configDefs('broker').get(name)?.defaultValue
      if (value !== null && value !== undefined) found.push({ name, value, source: ConfigSource.DEFAULT_CONFIG })
    }
    return found
  }

  /** What the broker was started with, or Kafka's default, whatever was set at run time. */
  startValue(name: string): string | null {
    return this.sources([name]).find(({ source }) => source >= ConfigSource.STATIC_BROKER_CONFIG)?.value ?? null
  }

  /** Names set for all brokers at run time, with their values. */
  get dynamicDefaults(): Values {
    return this.dynamicDefault
  }

  /** Names set for this broker, at run time or at start, that Kafka's table does not have (`listener.name.x.y`, plugins'). */
  unknownNames(): string[] {
    const names = new Set([...this.dynamicBroker.keys(), ...this.dynamicDefault.keys(), ...this.staticValues.keys()])
    return [...names].filter((name) => !configDefs('broker').has(name))
  }

  /** Takes over the dynamic values of an image. Returns the names whose value in force changed. */
  applyImage(image: Image): ReadonlySet<string> {
    const forBroker = resourceConfigs(image, ConfigResource.BROKER, String(this.brokerId))
    const forAll = resourceConfigs(image, ConfigResource.BROKER, '')
    const touched = new Set<string>()
    if (forBroker === this.dynamicBroker && forAll === this.dynamicDefault) return touched
    for (const values of [this.dynamicBroker, this.dynamicDefault, forBroker, forAll]) {
      for (const name of values.keys()) touched.add(name)
    }
    for (const name of [...touched]) {
      for (const synonym of dependants(name)) touched.add(synonym)
    }
    const before = new Map([...touched].map((name) => [name, this.textOf(name)] as const))
    this.dynamicBroker = forBroker
    this.dynamicDefault = forAll
    for (const name of touched) {
      this.cache.delete(name)
      if (before.get(name) === this.textOf(name)) touched.delete(name)
    }
    // Also when the same value comes from elsewhere now: descriptions tell the source.
    this.version++
    if (touched.size > 0) for (const listener of this.listeners) listener(touched)
    return touched
  }

  /** Calls back after values changed, with the names; returns the way to stop it. */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private textOf(name: string): string | null {
    const def = configDefs('broker').get(name)
    if (def !== undefined) return this.text(def)
    return this.sources([name])[0]?.value ?? null
  }

  private text(def: ConfigDef): string | null {
    return this.sources([def.name])[0]?.value ?? null
  }
}

/** Configs whose value also depends on `name`: log.retention.ms on log.retention.hours, for one. */
function dependants(name: string): string[] {
  const def = configDefs('broker').get(name)
  return def === undefined ? [] : def.synonyms.map((synonym) => synonym.name)
}

function brokerDef(name: string): ConfigDef {
  const def = configDefs('broker').get(name)
  if (def === undefined) throw new TypeError(`There is no broker config ${name}`)
  return def
}

/** A sentence for each name Kafka does not know and each value it would refuse; for the command line and server.properties. */
export function configProblems(values: Readonly<Record<string, string>>): { name: string; problem: string }[] {
  const problems: { name: string; problem: string }[] = []
  for (const [name, value] of Object.entries(values)) {
    const def = configDefs('broker').get(baseName(name))
    if (def === undefined) {
      problems.push({ name, problem: `There is no broker config called ${name}.` })
      continue
    }
    const problem = brokerValueProblem(def, name, value, (other) => values[other] !== undefined)
    if (problem !== null) problems.push({ name, problem })
  }
  return problems
}

/** A sentence when brokers refuse this value of a config; null otherwise. `isSet`: which others have a value beside it. */
export function brokerValueProblem(
  def: ConfigDef,
  name: string,
  text: string,
  isSet: (name: string) => boolean,
): string | null {
  return (
    parseConfig(def, text).problem ??
    repeatedMember(def, text) ??
    connectionOverridesProblem(name, text) ??
    replicaSelectorProblem(name, text) ??
    logTimeProblem(name, text, isSet)
  )
}

/** Lists of brokers name nothing twice; those of topics may, and mean it once. */
function repeatedMember(def: ConfigDef, text: string): string | null {
  if (def.rule?.kind !== 'list') return null
  const members = text.split(',').map((member) => member.trim())
  const twice = members.find((member, index) => members.indexOf(member) !== index)
  return twice === undefined ? null : `${def.name} names '${twice}' twice.`
}

/** `listener.name.internal.ssl.keystore.location` is about `ssl.keystore.location` for one listener (or listener and mechanism). */
export function baseName(name: string): string {
  if (!name.startsWith('listener.name.')) return name
  const rest = name.slice('listener.name.'.length)
  for (let at = rest.indexOf('.'); at >= 0; at = rest.indexOf('.', at + 1)) {
    const base = rest.slice(at + 1)
    if (configDefs('broker').has(base)) return base
  }
  return name
}

function sayIgnored(names: readonly string[], logger: Logger): void {
  const ignored = names.filter(
    (name) => configDefs('broker').has(baseName(name)) && !honouredBrokerConfigs.has(baseName(name)),
  )
  if (ignored.length > 0) {
    logger.info(`Accepted without effect, because Odradek has nothing they could change: ${ignored.join(', ')}.`)
  }
}
