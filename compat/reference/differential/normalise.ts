/**
 * Takes out of an answer what differs from run to run without meaning anything, and keeps the rest. What it takes out is
 * the runner's blind spot, so the list is short and every entry has its reason.
 */
import { ZERO_UUID } from '../../../protocol/index.js'

/** A decoded answer as plain JSON. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }

const uuidText = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Fields whose value is the machine's or the moment's business. Zero, null and "" are kept: they mean something. */
const opaque: Readonly<Record<string, string>> = {
  throttleTimeMs: '<throttle>',
  host: '<host>',
  port: '<port>',
  clusterId: '<cluster>',
  logDir: '<folder>',
  totalBytes: '<bytes>',
  usableBytes: '<bytes>',
  sessionId: '<session>',
  clientHost: '<host>',
  finalizedFeaturesEpoch: '<epoch>',
}

/** Texts for people: whether there is one is compared, its words are not. */
const texts = new Set(['errorMessage', 'batchIndexErrorMessage', 'configErrorMessage', 'documentation'])

const hourMs = 3_600_000

export class Normaliser {
  private readonly topicIds = new Map<string, string>()
  private readonly producerIds = new Map<number, string>()

  /** Topic ids are random: an id that the scenario knows is shown by its topic's name. */
  learn(topicId: string, name: string): void {
    this.topicIds.set(topicId, name)
  }

  learnProducer(producerId: number): void {
    if (producerId < 0 || this.producerIds.has(producerId)) return
    this.producerIds.set(producerId, `<producer ${this.producerIds.size + 1}>`)
  }

  /** The comparable form of an answer. Arrays of structs are sorted: brokers collect them in hash maps. */
  value(input: unknown, key = ''): Plain {
    if (input === null || input === undefined) return null
    if (typeof input === 'bigint') return `${input}n`
    if (typeof input === 'boolean') return input
    if (typeof input === 'number') return this.number(input, key)
    if (typeof input === 'string') return this.text(input, key)
    if (Buffer.isBuffer(input)) return key === 'records' ? records(input) : input.toString('hex')
    if (Array.isArray(input)) return this.array(input, key)
    return this.struct(input as Record<string, unknown>)
  }

  private number(input: number, key: string): Plain {
    if (key in opaque && input !== 0) return opaque[key]!
    const producer = key === 'producerId' ? this.producerIds.get(input) : undefined
    if (producer !== undefined) return producer
    // The broker's clock, as an append time or in a timestamp.
    if (Math.abs(input - Date.now()) < hourMs) return '<now>'
    return input
  }

  private text(input: string, key: string): Plain {
    if (input === '') return ''
    if (key in opaque) return opaque[key]!
    if (texts.has(key)) return '<text>'
    if (key === 'topicId' && input !== ZERO_UUID) {
      const name = this.topicIds.get(input)
      return name === undefined ? `<id ${input.startsWith('AAAA') ? input : '?'}>` : `<id of ${name}>`
    }
    return input.replace(uuidText, '<uuid>')
  }

  private array(input: unknown[], key: string): Plain {
    // Partitions alone come from hash sets too.
    const sorted = key === 'partitions' && input.every((item) => typeof item === 'number') ? [...input].sort() : input
    const items = sorted.map((item) => this.value(item, key))
    const structs = items.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
    return structs
      ? items
          .map((item) => [JSON.stringify(item), item] as const)
          .sort(byText)
          .map(([, item]) => item)
      : items
  }

  private struct(input: Record<string, unknown>): Plain {
    const output: { [key: string]: Plain } = {}
    for (const [name, item] of Object.entries(input)) output[name] = this.value(item, name)
    return output
  }
}

function byText(a: readonly [string, Plain], b: readonly [string, Plain]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

const attributesAt = 21
const crcAt = 17
const maxTimestampAt = 35
const headBytes = 61
const logAppendTimeBit = 0x08

/** Record batches byte by byte; only what LogAppendTime puts in (and the CRC over it) is masked. */
function records(bytes: Buffer): Plain {
  const batches: Plain[] = []
  let at = 0
  while (at + headBytes <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length || end < at + headBytes) break
    const batch = Buffer.from(bytes.subarray(at, end))
    const appended = (batch.readInt16BE(attributesAt) & logAppendTimeBit) !== 0
    const codec = batch.readInt16BE(attributesAt) & 7
    if (appended) {
      batch.fill(0, crcAt, crcAt + 4)
      batch.fill(0, maxTimestampAt, maxTimestampAt + 8)
    }
    batches.push(`${appended ? 'appended ' : ''}${codec > 0 ? `codec ${codec} ` : ''}${batch.toString('hex')}`)
    at = end
  }
  if (at < bytes.length) batches.push(`partial batch`)
  return batches
}
