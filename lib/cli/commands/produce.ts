/** `odradek produce`: a record per line of standard input. */
import kafkajs, { type IHeaders, type Message, type Producer } from 'kafkajs'
import { registerCodecs } from '../codecs.js'
import type { Output } from '../output.js'
import { connect } from '../session.js'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface ProduceOptions {
  /** What stands between key and value; without it records have no key. */
  readonly keySeparator: string | null
  /** `key=value`, in order. */
  readonly headers: readonly string[]
  readonly compression: Compression
  readonly acks: -1 | 0 | 1
}

/** Lines that travel in one request: enough to fill a batch, few enough to see progress. */
const LINES_PER_BATCH = 1000
const PROGRESS_EVERY_MS = 1000

const { CompressionTypes } = kafkajs

const COMPRESSION = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const

export interface ProduceIo {
  readonly lines: AsyncIterable<string>
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
  try {
    const records = await sendAll(producer, topic, options, io, output)
    output.done(`Produced ${records} record${records === 1 ? '' : 's'} to ${topic}.`, { topic, records })
  } finally {
    await producer.disconnect()
  }
}

async function sendAll(
  producer: Producer,
  topic: string,
  options: ProduceOptions,
  io: ProduceIo,
  output: Output,
): Promise<number> {
  const headers = headersOf(options.headers)
  let batch: Message[] = []
  let sent = 0
  let reportedAt = io.monotonic()
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    await producer.send({ topic, messages: batch, acks: options.acks, compression: COMPRESSION[options.compression] })
    sent += batch.length
    batch = []
    if (io.showProgress && io.monotonic() - reportedAt >= PROGRESS_EVERY_MS) {
      reportedAt = io.monotonic()
      output.note(`${sent} records so far`)
    }
  }
  for await (const line of io.lines) {
    batch.push({ ...keyAndValue(line, options.keySeparator), headers })
    if (batch.length >= LINES_PER_BATCH) await flush()
  }
  await flush()
  return sent
}

/** A line without the separator is a value without a key. */
function keyAndValue(line: string, separator: string | null): { key: string | null; value: string } {
  const at = separator === null ? -1 : line.indexOf(separator)
  if (at < 0) return { key: null, value: line }
  return { key: line.slice(0, at), value: line.slice(at + separator!.length) }
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
