/** A kafkajs client for one command, and the sentences for what goes wrong with it. */
import type { Admin, Kafka } from 'kafkajs'

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

/** Node's message is `ENOENT: no such file or directory, open '...'`; a person needs the middle. */
export function cannotRead(path: string, error: unknown): CommandError {
  const reason = (error as Error).message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/s, '')
  return new CommandError(`Cannot read ${path}: ${reason}.`, 2, { cause: error })
}

/** Few and quick retries: a person waits. Enough for an election or a coordinator that is being found. */
const RETRY = { retries: 4, initialRetryTime: 100, maxRetryTime: 1000 }

export async function connect(bootstrap: readonly string[]): Promise<Kafka> {
  const { default: kafkajs } = await import('kafkajs')
  const { Kafka, logLevel } = kafkajs
  return new Kafka({
    clientId: 'odradek-cli',
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3000,
    requestTimeout: 30_000,
    retry: RETRY,
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
  /** Of DeleteGroups. */
  readonly groups?: readonly { readonly groupId: string; readonly error: KafkaJsError }[]
}

/** Kafka's name of the error behind what kafkajs threw, like UNKNOWN_TOPIC_OR_PARTITION; empty when it was none of the broker's. */
export function errorType(error: unknown): string {
  return rootOf(error as KafkaJsError).type ?? ''
}

/** One sentence out of whatever a client library threw. */
export function explainFailure(error: unknown, bootstrap: readonly string[]): string {
  if (error instanceof CommandError) return error.message
  const root = rootOf(error as KafkaJsError)
  if (
    /ECONNREFUSED|ENOTFOUND|ETIMEDOUT|Connection timeout|ECONNRESET|EHOSTUNREACH|Closed connection/.test(root.message)
  ) {
    return `Cannot reach a broker at ${bootstrap.join(', ')}: ${root.message}. Is it running, and is --bootstrap right?`
  }
  const parts = [
    ...(root.errors ?? []).map(sentence),
    ...(root.groups ?? []).map((one) => `${one.groupId}: ${sentence(one.error)}`),
  ]
  return parts.length > 0 ? [...new Set(parts)].join('; ') : sentence(root)
}

/** With Kafka's own name of the error, which can be looked up. */
function sentence({ message, type }: KafkaJsError): string {
  return type === undefined ? message : `${message} (${type})`
}

function rootOf(error: KafkaJsError): KafkaJsError {
  const inner = error.originalError ?? error.cause
  return inner && inner !== error && error.errors === undefined ? rootOf(inner) : error
}
