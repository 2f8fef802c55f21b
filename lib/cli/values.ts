/** Parses what people type after a flag; every refusal is a sentence that names the flag's expectation. */
import { parseByteSize } from '../host/byte-size.js'
import type { ResetTarget } from './commands/groups.js'

/** A value that a flag does not take; the message is a whole sentence. Commander knows it by its code, so that nobody has to load it for that. */
export class RefusedValue extends Error {
  override readonly name = 'RefusedValue'
  readonly code = 'commander.invalidArgument'
  readonly exitCode = 1
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
      throw new RefusedValue(`It must be a whole number ${upTo}.`)
    }
    return value
  }
}

/** A size of memory: 512MB, 2GB, or bytes. */
export function byteSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === null || bytes < 1) throw new RefusedValue('It must be a size like 512MB or 2GB.')
  return bytes
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** HOST:PORT, [IPV6]:PORT, or :PORT for every interface. */
export function address(text: string): Address {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]/\s]*):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match || port > 65535) throw new RefusedValue('It must be HOST:PORT, like 127.0.0.1:9092.')
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

/** A list of HOST:PORT, comma-separated. */
export function bootstrapList(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  for (const part of parts) connectable(part)
  return parts
}

/** An address that a client can connect to: neither a wildcard nor port 0. */
export function connectable(text: string): Address {
  const parsed = address(text)
  if (parsed.port === 0 || /^[0:.]*$/.test(parsed.host)) {
    throw new RefusedValue('It must be an address that a client can connect to, like 127.0.0.1:9092.')
  }
  return parsed
}

/** Whole numbers from here on (September 2001 as milliseconds) are times: no partition has so many records. */
const SMALLEST_TIME_MS = 1e12

/** A date, with a time of day and a zone if wanted: Date.parse alone takes nearly anything for a date, -5 too. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** earliest, latest, an offset, or a time (ISO 8601, or milliseconds since the epoch). */
export function resetTarget(text: string): ResetTarget {
  if (text === 'earliest' || text === 'latest') return text
  const digits = /^\d{1,19}$/.test(text)
  if (digits && Number(text) < SMALLEST_TIME_MS) return { offset: text }
  const timeMs = digits ? Number(text) : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isSafeInteger(timeMs)) {
    throw new RefusedValue(
      'It must be earliest, latest, an offset, or a time like 2026-01-31T12:00:00Z or 1760000000000.',
    )
  }
  return { timeMs }
}

/** What stands between key and value; \t is a tab. */
export function separator(text: string): string {
  if (text === '') throw new RefusedValue('It must not be empty.')
  return text.replace(/\\t/g, '\t')
}

/** A broker's id, or `default` for the settings that all brokers share. */
export function brokerName(text: string): string {
  return text === 'default' ? '' : String(wholeNumber(0, 2 ** 31 - 1)(text))
}

/** key=value, repeatable. */
export function keyValue(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at <= 0) throw new RefusedValue('It must be key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** A name that a topic may have: what every broker would refuse is refused here, with a sentence. */
export function topicName(text: string): string {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(text) || text === '.' || text === '..') {
    throw new RefusedValue('It must be 1 to 249 letters, digits, dots, underscores or hyphens.')
  }
  return text
}

/** A repeatable flag's values in order. */
export function repeated(text: string, before: string[] = []): string[] {
  return [...before, text]
}

export function oneOf<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    if (!(choices as readonly string[]).includes(text))
      throw new RefusedValue(`It must be one of ${choices.join(', ')}.`)
    return text as T
  }
}

/** KEY:VERSION of an API. */
export function apiVersion(text: string): { apiKey: number; version: number } {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text)
  if (!match) throw new RefusedValue('It must be KEY:VERSION, like 3:12.')
  return { apiKey: Number(match[1]), version: Number(match[2]) }
}
