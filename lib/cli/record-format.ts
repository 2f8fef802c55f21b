/** How `consume` prints a record: its value, a JSON object, or a pattern like '%k %v %p %o'. */

export interface ConsumedRecord {
  readonly topic: string
  readonly partition: number
  /** Decimal: may be beyond 2^53. */
  readonly offset: string
  /** Milliseconds since the epoch, decimal. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' }

export type RecordFormatter = (record: ConsumedRecord) => string

/** `format` is 'value', 'json' or a pattern of %t topic, %p partition, %o offset, %T timestamp, %k key, %v value, %h headers, %% and \n \t. */
export function recordFormatter(format: string): RecordFormatter {
  if (format === 'value') return (record) => text(record.value)
  if (format === 'json') return (record) => JSON.stringify(asJson(record))
  const pattern = format.replace(/\\([nt\\])/g, (_, letter: string) => ESCAPES[letter]!)
  return (record) => pattern.replace(/%([tpoTkvh%])/g, (_, letter: string) => field(record, letter))
}

function field(record: ConsumedRecord, letter: string): string {
  switch (letter) {
    case 't':
      return record.topic
    case 'p':
      return String(record.partition)
    case 'o':
      return record.offset
    case 'T':
      return record.timestamp
    case 'k':
      return text(record.key)
    case 'v':
      return text(record.value)
    case 'h':
      return headerList(record)
        .map(([key, value]) => `${key}=${text(value)}`)
        .join(',')
    default:
      return '%'
  }
}

function text(bytes: Buffer | null): string {
  return bytes === null ? '' : bytes.toString('utf8')
}

function headerList(record: ConsumedRecord): [string, Buffer][] {
  return Object.entries(record.headers).flatMap(([key, value]) => {
    const values = Array.isArray(value) ? value : value === undefined ? [] : [value]
    return values.map((one): [string, Buffer] => [key, Buffer.from(one as Buffer)])
  })
}

function asJson(record: ConsumedRecord): Record<string, unknown> {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: safeNumber(record.offset),
    timestamp: safeNumber(record.timestamp),
    key: jsonBytes(record.key),
    value: jsonBytes(record.value),
    headers: headerList(record).map(([key, value]) => ({ key, value: jsonBytes(value) })),
  }
}

function safeNumber(decimal: string): number | string {
  const value = Number(decimal)
  return Number.isSafeInteger(value) ? value : decimal
}

/** Text when the bytes are UTF-8, else an object that says how they are written: nothing is lost either way. */
function jsonBytes(bytes: Buffer | null): string | null | { base64: string } {
  if (bytes === null) return null
  const utf8 = bytes.toString('utf8')
  return Buffer.from(utf8, 'utf8').equals(bytes) ? utf8 : { base64: bytes.toString('base64') }
}
