import type { BrokerConfig, SourcedValue } from './broker-config.js'
import { ConfigSource } from './broker-config.js'
import { type ConfigDef, configDefs } from './config-defs.js'
import { type ConfigValue, canonicalText, configValue } from './config-value.js'
import { ConfigResource, type Image, resourceConfigs } from './image.js'

/** One config of a topic as it is in force. */
export interface EffectiveConfig {
  readonly def: ConfigDef
  /** Canonical text in the topic's unit; null only for a config without any value. */
  readonly text: string | null
  readonly source: number
  /**
   * What stands behind it, the value in force first, as DescribeConfigs lists it. Broker values keep the broker's name, unit and
   * spelling. Kafka begins with the main synonym and drops what precedes it, so retention.ms has none while only
   * log.retention.hours has a value.
   */
  readonly synonyms: readonly SourcedValue[]
}

/** Resolves one topic config over a topic's own values and the broker's. */
export function effectiveTopicConfig(
  def: ConfigDef,
  own: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): EffectiveConfig {
  const behind = broker.sources(def.synonyms.map((synonym) => synonym.name))
  const main = behind.findIndex((value) => value.name === def.synonyms[0]?.name)
  const shown = main < 0 ? [] : behind.slice(main)
  const set = own.get(def.name)
  if (set !== undefined) {
    const text = canonicalText(def, set)
    const first = { name: def.name, value: text ?? '', source: ConfigSource.TOPIC_CONFIG }
    return { def, text, source: ConfigSource.TOPIC_CONFIG, synonyms: [first, ...shown] }
  }
  const inForce = behind[0]
  if (inForce === undefined) {
    return { def, text: canonicalText(def, def.defaultValue), source: ConfigSource.DEFAULT_CONFIG, synonyms: [] }
  }
  const factor = def.synonyms.find((synonym) => synonym.name === inForce.name)?.factor ?? 1
  const text = factor === 1 ? inForce.value : scaled(inForce.value, factor)
  return { def, text: canonicalText(def, text), source: inForce.source, synonyms: shown }
}

/**
 * All topic configs in alphabetical order, as DescribeConfigs and CreateTopics show them; internal ones are left out. Topics without
 * values of their own share one list.
 */
export function effectiveTopicConfigs(
  own: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): readonly EffectiveConfig[] {
  const inherited = inheritedConfigs(broker)
  if (own.size === 0) return inherited
  return inherited.map((config) => (own.has(config.def.name) ? effectiveTopicConfig(config.def, own, broker) : config))
}

const NOTHING: ReadonlyMap<string, string> = new Map()
const inheritedLists = new WeakMap<BrokerConfig, { version: number; configs: readonly EffectiveConfig[] }>()

/** What a topic without values of its own has, until a value of the broker's changes. */
function inheritedConfigs(broker: BrokerConfig): readonly EffectiveConfig[] {
  const known = inheritedLists.get(broker)
  if (known?.version === broker.version) return known.configs
  const configs: EffectiveConfig[] = []
  for (const def of configDefs('topic').all()) {
    if (!def.internal) configs.push(effectiveTopicConfig(def, NOTHING, broker))
  }
  inheritedLists.set(broker, { version: broker.version, configs })
  return configs
}

function scaled(text: string, factor: number): string {
  const value = Number(text.trim())
  // -1 is "no limit" in every unit.
  return value < 0 ? '-1' : String(value * factor)
}

/** Typed access to the configs of one topic, parsed at first use. */
export class TopicConfig {
  private readonly cache = new Map<string, ConfigValue>()

  constructor(
    readonly topicName: string,
    private readonly own: ReadonlyMap<string, string>,
    private readonly broker: BrokerConfig,
    /** Values in force that were asked for before; shared by all topics without values of their own. */
    private readonly texts = new Map<string, string | null>(),
  ) {}

  get(name: string): ConfigValue {
    const cached = this.cache.get(name)
    if (cached !== undefined) return cached
    const def = configDefs('topic').get(name)
    if (def === undefined) throw new TypeError(`There is no topic config ${name}`)
    const value = configValue(def, effectiveTopicConfig(def, this.own, this.broker).text)
    this.cache.set(name, value)
    return value
  }

  /** The value in force as DescribeConfigs shows it; null when it has none. */
  text(name: string): string | null {
    const known = this.texts.get(name)
    if (known !== undefined) return known
    const def = configDefs('topic').get(name)
    if (def === undefined) throw new TypeError(`There is no topic config ${name}`)
    const { text } = effectiveTopicConfig(def, this.own, this.broker)
    this.texts.set(name, text)
    return text
  }

  /** LONG values such as retention.ms may be -1 (no limit) or about 2^63 (Kafka's "never"). */
  number(name: string): number {
    const value = this.get(name)
    if (typeof value !== 'number') throw new TypeError(`The topic config ${name} is not a number but ${String(value)}`)
    return value
  }

  boolean(name: string): boolean {
    return this.get(name) === true
  }

  string(name: string): string {
    return String(this.get(name) ?? '')
  }

  list(name: string): readonly string[] {
    const value = this.get(name)
    return Array.isArray(value) ? value : []
  }
}

/** Topic configs of an image, kept until the topic's own values or the broker's change. */
export class TopicConfigs {
  private readonly cache = new Map<string, { own: ReadonlyMap<string, string>; version: number; config: TopicConfig }>()
  /** What holds for topics without values of their own: resolving thirty configs for each of a thousand such topics costs more than the topics. */
  private inherited = { version: -1, texts: new Map<string, string | null>() }

  constructor(private readonly broker: BrokerConfig) {}

  of(image: Image, topicName: string): TopicConfig {
    const own = resourceConfigs(image, ConfigResource.TOPIC, topicName)
    const cached = this.cache.get(topicName)
    if (cached !== undefined && cached.own === own && cached.version === this.broker.version) return cached.config
    const { version } = this.broker
    if (this.inherited.version !== version) this.inherited = { version, texts: new Map() }
    const config = new TopicConfig(topicName, own, this.broker, own.size === 0 ? this.inherited.texts : new Map())
    this.cache.set(topicName, { own, version, config })
    return config
  }

  /** Forgets a deleted topic. */
  forget(topicName: string): void {
    this.cache.delete(topicName)
  }
}
