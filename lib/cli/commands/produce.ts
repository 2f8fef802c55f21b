/** `odradek produce`: a record per line of standard input. */
import type { CompressionTypes, IHeaders, Message, Producer } from 'kafkajs'
import { registerCodecs } from '../codecs.js'
import { splitLines, until } from '../lines.js'
import type { Output } from '../output.js'
import { CommandError, connect, explainFailure } from '../session.js'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface ProduceOptions {
  /** What stands between key and value; without it records have no key. */
  readonly keySeparator: string | null
  /** `key=value`, in order. */
  readonly headers: readonly string[]
  readonly compression: Compression
  readonly acks: -1 | 0 | 1
}

/** One request: below the 1 MiB that a topic takes in one batch by default, even when all of it is for one partition. */
const MAX_BATCH_BYTES = 512 << 10
const MAX_BATCH_RECORDS = 5000
/** What a record costs beside its key and value, roughly. */
const RECORD_OVERHEAD_BYTES = 32
/** Lines read ahead while a request is on its way: input that is faster than the broker must not fill the memory. */
const MAX_QUEUED_BYTES = 8 << 20
const PROGRESS_EVERY_MS = 1000

/** Kafka's codes, which are kafkajs's too. */
const COMPRESSION: Readonly<Record<Compression, CompressionTypes>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }

export interface ProduceIo {
  readonly input: AsyncIterable<Buffer>
  /** Settles when the person interrupts: what was read is still sent. */
  readonly interrupted: Promise<unknown>
  /** Progress is for eyes only. */
  readonly showProgress: boolean
  monotonic(): number
}

export async function produce(
  bootstrap: readonly string[],
  topic: string,
  options: ProduceOptions,
  io: ProduceIo,
  output: Output,
): Promise<void> {
  await registerCodecs()
  const kafka = await connect(bootstrap)
  const producer = kafka.producer({ allowAutoTopicCreation: true })
  await producer.connect()
  const sender = new Sender(producer, topic, options, (sent) => progress(sent, io, output))
  let interrupted = false
  void io.interrupted.then(() => {
    interrupted = true
  })
  try {
    for await (const lines of splitLines(until(io.input, io.interrupted))) await sender.take(lines)
    await sender.finish()
  } catch (error) {
    throw halfDone(error, sender.sent, topic, bootstrap)
  } finally {
    await producer.disconnect()
  }
  output.done(`Produced ${counted(sender.sent)} to ${topic}.`, { topic, records: sender.sent })
  if (interrupted) throw new CommandError('Interrupted: what came after is not produced.')
}

function progress(sent: number, io: ProduceIo & { reportedAt?: number }, output: Output): void {
  const now = io.monotonic()
  io.reportedAt ??= now
  if (!io.showProgress || now - io.reportedAt < PROGRESS_EVERY_MS) return
  io.reportedAt = now
  output.note(`${sent} records so far`)
}

function counted(records: number): string {
  return `${records} record${records === 1 ? '' : 's'}`
}

/** Whoever retries must know what is there already. */
function halfDone(error: unknown, sent: number, topic: string, bootstrap: readonly string[]): CommandError {
  const reason = explainFailure(error, bootstrap)
  const before = sent > 0 ? ` Before that, ${counted(sent)} had been produced to ${topic}.` : ''
  return new CommandError(`${/[.!?]$/.test(reason) ? reason : `${reason}.`}${before}`, 1, { cause: error })
}

/** Sends what has been read while more is being read: a line typed alone leaves at once, a flood leaves in full batches. */
class Sender {
  sent = 0
  readonly #producer: Producer
  readonly #topic: string
  readonly #options: ProduceOptions
  readonly #separator: Buffer | null
  readonly #headers: IHeaders
  readonly #onSent: (sent: number) => void
  #queue: { message: Message; bytes: number }[] = []
  #queuedBytes = 0
  #pump: Promise<void> = Promise.resolve()
  #pumping = false
  #failed: { error: unknown } | null = null

  constructor(producer: Producer, topic: string, options: ProduceOptions, onSent: (sent: number) => void) {
    this.#producer = producer
    this.#topic = topic
    this.#options = options
    this.#separator = options.keySeparator === null ? null : Buffer.from(options.keySeparator)
    this.#headers = headersOf(options.headers)
    this.#onSent = onSent
  }

  /** Resolves when there is room for more. @throws what the broker refused */
  async take(lines: readonly Buffer[]): Promise<void> {
    for (const line of lines) {
      const bytes = line.length + RECORD_OVERHEAD_BYTES
      this.#queue.push({ message: { ...this.#keyAndValue(line), headers: this.#headers }, bytes })
      this.#queuedBytes += bytes
    }
    this.#start()
    while (this.#queuedBytes > MAX_QUEUED_BYTES && this.#failed === null) await this.#pump
    if (this.#failed) throw this.#failed.error
  }

  async finish(): Promise<void> {
    this.#start()
    await this.#pump
    if (this.#failed) throw this.#failed.error
  }

  #start(): void {
    if (this.#pumping || this.#failed !== null) return
    this.#pumping = true
    this.#pump = this.#sendAll()
      .catch((error: unknown) => {
        this.#failed = { error }
      })
      .finally(() => {
        this.#pumping = false
      })
  }

  async #sendAll(): Promise<void> {
    const { acks, compression } = this.#options
    while (this.#queue.length > 0) {
      const { messages, bytes } = this.#nextBatch()
      await this.#producer.send({ topic: this.#topic, messages, acks, compression: COMPRESSION[compression] })
      this.#queuedBytes -= bytes
      this.sent += messages.length
      this.#onSent(this.sent)
    }
  }

  /** A record above the limit travels alone: the broker decides about it. */
  #nextBatch(): { messages: Message[]; bytes: number } {
    let bytes = 0
    let count = 0
    for (const one of this.#queue) {
      if (count > 0 && (bytes + one.bytes > MAX_BATCH_BYTES || count >= MAX_BATCH_RECORDS)) break
      bytes += one.bytes
      count++
    }
    return { messages: this.#queue.splice(0, count).map((one) => one.message), bytes }
  }

  /** A line without the separator is a value without a key. */
  #keyAndValue(line: Buffer): { key: Buffer | null; value: Buffer } {
    const separator = this.#separator
    const at = separator === null ? -1 : line.indexOf(separator)
    if (at < 0) return { key: null, value: line }
    return { key: line.subarray(0, at), value: line.subarray(at + separator!.length) }
  }
}

function headersOf(pairs: readonly string[]): IHeaders {
  const headers: Record<string, string[]> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, at)
    headers[key] = [...(headers[key] ?? []), pair.slice(at + 1)]
  }
  return headers
}
