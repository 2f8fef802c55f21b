import { Console } from 'node:console'
import type { Logger as PinoLogger } from 'pino'
import type { LogFields, Logger, LogLevel } from './logger.js'
import { wallTimeMs } from './real-time.js'

export interface NodeLoggerOptions {
  /** Least level that is written. */
  level: LogLevel
  /** JSON lines instead of lines for people. */
  json?: boolean
  /** Where the lines go; standard error by default, so that standard output stays for results. */
  write?: (text: string) => void
}

export interface ClosableLogger extends Logger {
  /** What has been said is written out; nothing is said after it. */
  close(): void
}

const numbers: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: Number.POSITIVE_INFINITY,
}

/** Names (lower case, without separators) of fields whose values never get into a log. Keys of topics are no secrets, so `key` is not here. */
const secretNames = [
  'password',
  'passwd',
  'secret',
  'jaasconfig',
  'token',
  'privatekey',
  'keystorekey',
  'credential',
  'authorization',
]
const REDACTED = '[hidden]'
/** A batch printed by mistake must not become a log line of megabytes. */
const TEXT_MAX = 2000
const DEPTH_MAX = 6

/**
 * Logs by pino, which is loaded with the first message that is written: it costs 20 ms, and a quiet broker need not
 * pay them. Lines are for people unless `json` is set.
 */
export function createLogger(options: NodeLoggerOptions): ClosableLogger {
  return new NodeLogger(options)
}

interface Entry {
  level: Exclude<LogLevel, 'silent'>
  atMs: number
  message: string
  fields: LogFields | undefined
}

class NodeLogger implements ClosableLogger {
  readonly #least: number
  readonly #json: boolean
  readonly #write: (text: string) => void
  #pino: PinoLogger | null = null
  #loading = false
  #pinoMissing = false
  #closed = false
  /** JSON lines said while pino was being loaded. */
  #waiting: Entry[] = []

  constructor(options: NodeLoggerOptions) {
    this.#least = numbers[options.level]
    this.#json = options.json ?? false
    this.#write = options.write ?? writeToStandardError
  }

  trace(message: string, fields?: LogFields): void {
    if (this.#least <= 10) this.#say('trace', message, fields)
  }
  debug(message: string, fields?: LogFields): void {
    if (this.#least <= 20) this.#say('debug', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    if (this.#least <= 30) this.#say('info', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    if (this.#least <= 40) this.#say('warn', message, fields)
  }
  error(message: string, fields?: LogFields): void {
    if (this.#least <= 50) this.#say('error', message, fields)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    // pino has not come in time: its lines are written in its shape, for no line may be lost or come later.
    for (const entry of this.#waiting.splice(0)) this.#write(jsonLine(entry))
  }

  #say(level: Entry['level'], message: string, fields: LogFields | undefined): void {
    if (this.#closed) return
    const entry: Entry = {
      level,
      atMs: wallTimeMs(),
      message,
      fields: fields === undefined ? undefined : hideSecrets(fields),
    }
    if (!this.#json) this.#write(humanLine(entry))
    else if (this.#pino !== null) this.#emit(this.#pino, entry)
    else if (this.#pinoMissing) this.#write(jsonLine(entry))
    else {
      this.#waiting.push(entry)
      this.#load()
    }
  }

  #load(): void {
    if (this.#loading) return
    this.#loading = true
    import('pino').then(
      ({ pino }) => {
        if (this.#closed) return
        const stream = { write: (line: string) => this.#write(line) }
        // The time is ours: pino would ask a `Date` that somebody may have replaced.
        this.#pino = pino(
          {
            base: null,
            timestamp: false,
            level: 'trace',
            messageKey: 'message',
            formatters: { level: (label) => ({ level: label }) },
          },
          stream,
        )
        for (const entry of this.#waiting.splice(0)) this.#emit(this.#pino, entry)
      },
      () => {
        // Without pino (a bundle that left it out) the same lines are written by hand: logging must not end a broker.
        this.#pinoMissing = true
        for (const entry of this.#waiting.splice(0)) this.#write(jsonLine(entry))
      },
    )
  }

  #emit(pino: PinoLogger, entry: Entry): void {
    pino[entry.level]({ time: new Date(entry.atMs).toISOString(), ...entry.fields }, entry.message)
  }
}

let standardError: Console | null = null

/** As a console writes: a log that cannot be written (a full disk, a reader that has gone) must not end the process. */
function writeToStandardError(text: string): void {
  standardError ??= new Console({ stdout: process.stderr, ignoreErrors: true })
  standardError.log(text.replace(/\n$/, ''))
}

function jsonLine(entry: Entry): string {
  const { level, atMs, message, fields } = entry
  return `${JSON.stringify({ level, time: new Date(atMs).toISOString(), ...fields, message })}\n`
}

/** `2026-11-24 10:00:00.123 INFO  The topic has been created. name=orders partitions=3` */
function humanLine(entry: Entry): string {
  const time = new Date(entry.atMs).toISOString().replace('T', ' ').slice(0, 23)
  let line = `${time} ${entry.level.toUpperCase().padEnd(5)} ${oneLine(entry.message)}`
  for (const [name, value] of Object.entries(entry.fields ?? {})) {
    if (value !== undefined) line += ` ${name}=${humanValue(value)}`
  }
  return `${line}\n`
}

function humanValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return /^[^\s"=]+$/.test(text) ? text : typeof value === 'string' ? JSON.stringify(value) : text
}

/** A client's name must not begin a line of its own (log forging), nor colour the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f\u009b]/g, (character) =>
    JSON.stringify(character).slice(1, -1).replace('\u007f', '\\u007f').replace('\u009b', '\\u009b'),
  )
}

function hideSecrets(fields: LogFields): LogFields {
  return plainValue(fields, 0) as LogFields
}

/** A value as JSON can have it: secrets hidden, long text cut, errors as what they say, big numbers as text. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string')
    return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}... (${value.length} characters)` : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null)
    return typeof value === 'function' || typeof value === 'symbol' ? String(value) : value
  if (depth > DEPTH_MAX) return '[deeper]'
  if (value instanceof Error) {
    const { code } = value as { code?: unknown }
    return {
      name: value.name,
      message: value.message,
      ...(code === undefined ? {} : { code }),
      ...(value.stack === undefined ? {} : { stack: value.stack }),
    }
  }
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Map) return plainValue(Object.fromEntries(value), depth)
  if (value instanceof Set || Array.isArray(value)) return [...value].map((one) => plainValue(one, depth + 1))
  const plain: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) plain[name] = isSecret(name) ? REDACTED : plainValue(one, depth + 1)
  return plain
}

/** Whether a field or config of this name holds a secret (`sasl.jaas.config`, `sslKeystorePassword`, `accessToken`). */
export function isSecret(name: string): boolean {
  const bare = name.toLowerCase().replace(/[^a-z]/g, '')
  return secretNames.some((secret) => bare.includes(secret))
}
