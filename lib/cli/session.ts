/** A kafkajs client for one command, and the sentences for what goes wrong with it. */
import type { Admin, Kafka, RetryOptions } from 'kafkajs'
import { loadKafkaJs } from './kafkajs.js'

/** The command did not do (all of) what was asked; the message is a whole sentence for the person at the keyboard. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  constructor(
    message: string,
    /** 1: it failed. 2: it was asked wrongly. */
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Few and quick retries: a person waits. Enough for an election or a coordinator that is being found. */
const RETRY = { retries: 4, initialRetryTime: 100, maxRetryTime: 1000 }

export async function connect(bootstrap: readonly string[], retry: RetryOptions = {}): Promise<Kafka> {
  const { Kafka, logLevel } = await loadKafkaJs()
  return new Kafka({
    clientId: 'odradek-cli',
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3000,
    requestTimeout: 30_000,
    retry: { ...RETRY, ...retry },
  })
}

/** Runs `work` with a connected admin client and always disconnects it. */
export async function withAdmin<T>(bootstrap: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = await connect(bootstrap)
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

interface KafkaJsError {
  readonly name?: string
  readonly type?: string
  readonly message: string
  readonly originalError?: KafkaJsError
  readonly cause?: KafkaJsError
  readonly errors?: readonly KafkaJsError[]
}

/** One sentence out of whatever a client library or our own connection threw. */
export function explainFailure(error: unknown, bootstrap: readonly string[]): string {
  if (error instanceof CommandError) return error.message
  const root = rootOf(error as KafkaJsError)
  if (root.name === 'ConnectionLost') {
    return root.message.startsWith('Cannot') ? root.message : `Lost the connection to the broker: ${root.message}.`
  }
  if (
    /ECONNREFUSED|ENOTFOUND|ETIMEDOUT|Connection timeout|ECONNRESET|EHOSTUNREACH|Closed connection|not connected|timed out/.test(
      root.message,
    )
  ) {
    return `Cannot reach a broker at ${bootstrap.join(', ')}: ${root.message}. Is it running, and is --bootstrap right?`
  }
  const parts = [...new Set((root.errors ?? []).map((one) => one.message))]
  const sentence = parts.length > 0 ? parts.join('; ') : root.message || String(error)
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}

/** Node's message is `ENOENT: no such file or directory, open '...'`; a person needs the middle. */
export function cannotRead(path: string, error: unknown): CommandError {
  const reason = (error as Error).message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/s, '')
  return new CommandError(`Cannot read ${path}: ${reason}.`, 2, { cause: error })
}

function rootOf(error: KafkaJsError): KafkaJsError {
  const inner = error.originalError ?? error.cause
  return inner && inner !== error && error.errors === undefined ? rootOf(inner) : error
}
