/** Parses what people type after a flag; every refusal is a sentence that names the flag's expectation. */
import { InvalidArgumentError } from 'commander'

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
      throw new InvalidArgumentError(`It must be a whole number ${upTo}.`)
    }
    return value
  }
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** HOST:PORT, [IPV6]:PORT, or :PORT for every interface. */
export function address(text: string): Address {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]/\s]*):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match || port > 65535) throw new InvalidArgumentError('It must be HOST:PORT, like 127.0.0.1:9092.')
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

/** A list of HOST:PORT, comma-separated. */
export function bootstrapList(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  for (const part of parts) address(part)
  return parts
}

/** key=value, repeatable. */
export function keyValue(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('It must be key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** A name that a topic may have: what every broker would refuse is refused here, with a sentence. */
export function topicName(text: string): string {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(text) || text === '.' || text === '..') {
    throw new InvalidArgumentError('It must be 1 to 249 letters, digits, dots, underscores or hyphens.')
  }
  return text
}

export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return text
}

/** A repeatable flag's values in order. */
export function repeated(text: string, before: string[] = []): string[] {
  return [...before, text]
}

export function oneOf<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    if (!(choices as readonly string[]).includes(text))
      throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`)
    return text as T
  }
}
