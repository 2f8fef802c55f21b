import { brokerConfigRows } from './config-table-broker.js'
import {
  brokerQuotaConfigRows,
  clientMetricsConfigRows,
  groupConfigRows,
  ipQuotaConfigRows,
  topicConfigRows,
  userAndClientQuotaConfigRows,
  userScramAndQuotaConfigRows,
} from './config-table-topic.js'

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'

/** What a value must satisfy beyond its type. */
export type ConfigRule =
  | { readonly kind: 'range'; readonly min: number | null; readonly max: number | null }
  | { readonly kind: 'in'; readonly values: readonly string[]; readonly ignoreCase: boolean }
  | {
      readonly kind: 'list'
      readonly members: readonly string[]
      readonly emptyAllowed: boolean
      readonly nullAllowed: boolean
    }
  | { readonly kind: 'text'; readonly text: string }

/** A config that stands behind another one; its value times `factor` is in the unit of the other. */
export interface ConfigSynonym {
  readonly name: string
  readonly factor: number
}

export interface ConfigDef {
  readonly name: string
  readonly type: ConfigType
  /** Text as DescribeConfigs shows it; null when there is no default. */
  readonly defaultValue: string | null
  readonly rule: ConfigRule | null
  /** Broker configs: how the value may be changed on a running broker. Everything else is dynamic. */
  readonly updateMode: 'read-only' | 'per-broker' | 'cluster-wide'
  /** Never shown, never logged. */
  readonly sensitive: boolean
  /** Not part of Kafka's documented set. */
  readonly internal: boolean
  readonly required: boolean
  /**
   * Broker configs: the names that can set this value, most specific first, itself included. Topic configs: the broker configs
   * behind them in the same order. Group configs: the broker's default.
   */
  readonly synonyms: readonly ConfigSynonym[]
  /** Group configs: the broker configs with the least and the largest value allowed. */
  readonly minConfig: string | null
  readonly maxConfig: string | null
}

export type ConfigKind =
  | 'broker'
  | 'topic'
  | 'group'
  | 'clientMetrics'
  | 'userAndClientQuota'
  | 'userScramAndQuota'
  | 'ipQuota'
  | 'brokerQuota'

const rowsOf: Readonly<Record<ConfigKind, string>> = {
  broker: brokerConfigRows,
  topic: topicConfigRows,
  group: groupConfigRows,
  clientMetrics: clientMetricsConfigRows,
  userAndClientQuota: userAndClientQuotaConfigRows,
  userScramAndQuota: userScramAndQuotaConfigRows,
  ipQuota: ipQuotaConfigRows,
  brokerQuota: brokerQuotaConfigRows,
}

/** The definitions of one kind. Rows are split at the first question and parsed one by one when asked for. */
export class ConfigDefs {
  private readonly rows = new Map<string, string>()
  private readonly parsed = new Map<string, ConfigDef>()

  constructor(
    readonly kind: ConfigKind,
    text: string,
  ) {
    for (const row of text.split('\n')) this.rows.set(row.slice(0, row.indexOf('|')), row)
  }

  get(name: string): ConfigDef | undefined {
    const known = this.parsed.get(name)
    if (known !== undefined) return known
    const row = this.rows.get(name)
    if (row === undefined) return undefined
    const def = parseRow(this.kind, row)
    this.parsed.set(name, def)
    return def
  }

  has(name: string): boolean {
    return this.rows.has(name)
  }

  /** In alphabetical order. */
  names(): IterableIterator<string> {
    return this.rows.keys()
  }

  *all(): IterableIterator<ConfigDef> {
    for (const name of this.rows.keys()) yield this.get(name)!
  }
}

const loaded = new Map<ConfigKind, ConfigDefs>()

export function configDefs(kind: ConfigKind): ConfigDefs {
  let defs = loaded.get(kind)
  if (defs === undefined) loaded.set(kind, (defs = new ConfigDefs(kind, rowsOf[kind])))
  return defs
}

function parseRow(kind: ConfigKind, row: string): ConfigDef {
  const [name = '', type = '', value = '', flags = '', valid = '', extra = ''] = row.split('|')
  const related = extra === '' ? [] : extra.split(',')
  const synonyms = (kind === 'group' ? related.slice(0, 1) : related).map(parseSynonym)
  if (kind === 'broker' && synonyms.length === 0) synonyms.push({ name, factor: 1 })
  return {
    name,
    type: type as ConfigType,
    defaultValue: value === '~' ? null : value,
    rule: valid === '' ? null : parseRule(valid),
    updateMode: flags.includes('r') ? 'read-only' : flags.includes('p') ? 'per-broker' : 'cluster-wide',
    sensitive: flags.includes('s') || type === 'PASSWORD',
    internal: flags.includes('i'),
    required: flags.includes('q'),
    synonyms,
    minConfig: kind === 'group' ? related[1] || null : null,
    maxConfig: kind === 'group' ? related[2] || null : null,
  }
}

function parseSynonym(text: string): ConfigSynonym {
  const [name = '', factor = '1'] = text.split('*')
  return { name, factor: Number(factor) }
}

function parseRule(text: string): ConfigRule {
  const range = /^(-?[\d.]*?)\.\.(-?[\d.]*)$/.exec(text)
  if (range) {
    const [, min = '', max = ''] = range
    return { kind: 'range', min: min === '' ? null : Number(min), max: max === '' ? null : Number(max) }
  }
  const [kind = '', rest = ''] = splitOnce(text)
  if (kind === 'in' || kind === 'ini') return { kind: 'in', values: rest.split(','), ignoreCase: kind === 'ini' }
  if (kind === 'list') {
    const [flags = '', members = ''] = splitOnce(rest)
    return {
      kind: 'list',
      members: members === '' ? [] : members.split(','),
      emptyAllowed: flags.includes('e'),
      nullAllowed: flags.includes('n'),
    }
  }
  return { kind: 'text', text: rest }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}
