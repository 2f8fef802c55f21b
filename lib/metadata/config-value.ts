import type { ConfigDef, ConfigRule } from './config-defs.js'

/** A parsed value. LONGs beyond 2^53 (Kafka's "no limit", 2^63-1) are rounded, which is harmless for limits. */
export type ConfigValue = string | number | boolean | readonly string[] | null

export type Parsed =
  | { readonly value: ConfigValue; readonly problem: null }
  | { readonly value: null; readonly problem: string }

const bounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  SHORT: [-(2n ** 15n), 2n ** 15n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** Reads a value as Kafka's ConfigDef would. `problem` is a sentence for the person who set it. */
export function parseConfig(def: ConfigDef, text: string): Parsed {
  const parsed = parseType(def, text)
  if (parsed.problem !== null || def.rule === null) return parsed
  const problem = ruleProblem(def, def.rule, parsed.value, text)
  return problem === null ? parsed : { value: null, problem }
}

/** The parsed value only; the text is known to be valid (it was checked when it was set). */
export function configValue(def: ConfigDef, text: string | null): ConfigValue {
  return text === null ? null : parseType(def, text).value
}

/** The text Kafka shows for a value: trimmed, numbers in plain form, lists joined with commas. */
export function canonicalText(def: ConfigDef, text: string | null): string | null {
  if (text === null) return null
  const trimmed = text.trim()
  switch (def.type) {
    case 'BOOLEAN':
      return trimmed.toLowerCase()
    case 'INT':
    case 'SHORT':
    case 'LONG':
      return /^[+-]?\d+$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, '')).toString() : trimmed
    case 'DOUBLE':
      return javaDouble(doubleOf(trimmed))
    case 'LIST':
      return splitList(trimmed).join(',')
    default:
      return trimmed
  }
}

export function splitList(text: string): string[] {
  const trimmed = text.trim()
  if (trimmed === '') return []
  const members: string[] = []
  for (const part of trimmed.split(',')) {
    const member = part.trim()
    if (!members.includes(member)) members.push(member)
  }
  return members
}

function parseType(def: ConfigDef, text: string): Parsed {
  const trimmed = text.trim()
  switch (def.type) {
    case 'BOOLEAN': {
      const lower = trimmed.toLowerCase()
      return lower === 'true' || lower === 'false' ? found(lower === 'true') : wrong(def, text, 'must be true or false')
    }
    case 'INT':
    case 'SHORT':
    case 'LONG': {
      if (!/^[+-]?\d{1,19}$/.test(trimmed)) return wrong(def, text, 'must be a whole number')
      const exact = BigInt(trimmed.replace(/^\+/, ''))
      const [min, max] = bounds[def.type]!
      if (exact < min || exact > max) return wrong(def, text, `must be between ${min} and ${max}`)
      return found(Number(exact))
    }
    case 'DOUBLE': {
      const value = doubleOf(trimmed)
      return Number.isNaN(value) ? wrong(def, text, 'must be a number') : found(value)
    }
    case 'LIST':
      return found(splitList(trimmed))
    default:
      return found(trimmed)
  }
}

function ruleProblem(def: ConfigDef, rule: ConfigRule, value: ConfigValue, text: string): string | null {
  switch (rule.kind) {
    case 'range':
      if (typeof value !== 'number') return null
      if (rule.min !== null && value < rule.min) return problem(def, text, `must be at least ${rule.min}`)
      if (rule.max !== null && value > rule.max) return problem(def, text, `must be at most ${rule.max}`)
      return null
    case 'in': {
      const same = rule.ignoreCase ? (a: string) => a.toLowerCase() : (a: string) => a
      const wanted = same(String(value))
      if (rule.values.some((allowed) => same(allowed) === wanted)) return null
      return problem(def, text, `must be one of ${rule.values.join(', ')}`)
    }
    case 'list': {
      if (!Array.isArray(value)) return null
      if (value.length === 0) return rule.emptyAllowed ? null : problem(def, text, 'must not be empty')
      const stranger = value.find(
        (member) => member === '' || (rule.members.length > 0 && !rule.members.includes(member)),
      )
      if (stranger === undefined) return null
      if (stranger === '') return problem(def, text, 'has an empty member')
      return problem(def, text, `has the member '${stranger}'; only ${rule.members.join(', ')} are allowed`)
    }
    case 'text':
      return textRuleProblem(def, text.trim())
  }
}

/** The few configs whose rule is more than a range or a choice. */
function textRuleProblem(def: ConfigDef, text: string): string | null {
  switch (def.name) {
    case 'compression.gzip.level': {
      const level = Number(text)
      return level === -1 || (level >= 1 && level <= 9) ? null : problem(def, text, 'must be -1 or between 1 and 9')
    }
    case 'follower.replication.throttled.replicas':
    case 'leader.replication.throttled.replicas':
      // Empty members are all right, as in Kafka.
      return text === '*' || text.split(',').every((pair) => /^\s*(\d+:\d+)?\s*$/.test(pair))
        ? null
        : problem(def, text, "must be '*' or a list of partition:broker pairs such as 0:1,1:2")
    case 'share.auto.offset.reset':
      return /^(latest|earliest|by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/i.test(text)
        ? null
        : problem(def, text, 'must be latest, earliest or by_duration: followed by an ISO-8601 duration such as PT1H')
    default:
      return text === '' && def.rule?.kind === 'text' && def.rule.text.startsWith('non-empty')
        ? problem(def, text, 'must not be empty')
        : null
  }
}

function problem(def: ConfigDef, text: string, why: string): string {
  const shown = def.sensitive ? '(hidden)' : `'${text.length > 80 ? `${text.slice(0, 77)}...` : text}'`
  return `Invalid value ${shown} for ${def.name}: it ${why}.`
}

function wrong(def: ConfigDef, text: string, why: string): Parsed {
  return { value: null, problem: problem(def, text, why) }
}

function found(value: ConfigValue): Parsed {
  return { value, problem: null }
}

/** As Java's Double.parseDouble reads decimal numbers: `.5`, `1e-1`, `0.5f`, but not `0x1`. NaN for what is none. */
function doubleOf(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?$/i.test(text) ? Number(text.replace(/[fd]$/i, '')) : Number.NaN
}

/** Java's Double.toString for the range configs live in: 1 is "1.0", 2147483647 is "2.147483647E9". */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [digits = '', exponent = '0'] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}
