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
  /** In order; a key may come more than once. */
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/** The bytes of one line, without its end: keys and values that are no UTF-8 come out as they are. */
export type RecordFormatter = (record: ConsumedRecord) => Buffer

/**
 * `format` is 'value', 'json' or a pattern of %t topic, %p partition, %o offset, %T timestamp, %k key, %v value, %h headers, %% and
 * \n \t \\. Null keys and values are empty; anything else stands for itself.
 */
export function recordFormatter(format: string): RecordFormatter {
  if (format === 'value') return (record) => record.value ?? NOTHING
  if (format === 'json') return (record) => Buffer.from(JSON.stringify(asJson(record)))
  const parts = partsOf(format)
  return (record) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? field(record, part) : part)))
}

const NOTHING = Buffer.alloc(0)
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\\\': '\\', '%%': '%' }

/** Literal bytes, and letters for fields. */
function partsOf(pattern: string): (Buffer | string)[] {
  return pattern
    .split(/(%[tpoTkvh%]|\\[nt\\])/)
    .filter((part) => part !== '')
    .map((part) => (/^%[tpoTkvh]$/.test(part) ? part[1]! : Buffer.from(ESCAPES[part] ?? part)))
}

function field(record: ConsumedRecord, letter: string): Buffer {
  switch (letter) {
    case 't':
      return Buffer.from(record.topic)
    case 'p':
      return Buffer.from(String(record.partition))
    case 'o':
      return Buffer.from(record.offset)
    case 'T':
      return Buffer.from(record.timestamp)
    case 'k':
      return record.key ?? NOTHING
    case 'v':
      return record.value ?? NOTHING
    default:
      return headerBytes(record)
  }
}

function headerBytes(record: ConsumedRecord): Buffer {
  const pieces = record.headers.flatMap(({ key, value }, index) => [
    Buffer.from(`${index === 0 ? '' : ','}${key}=`),
    value ?? NOTHING,
  ])
  return Buffer.concat(pieces)
}

function asJson(record: ConsumedRecord): Record<string, unknown> {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: safeNumber(record.offset),
    timestamp: safeNumber(record.timestamp),
    key: jsonBytes(record.key),
    value: jsonBytes(record.value),
    headers: record.headers.map(({ key, value }) => ({ key, value: jsonBytes(value) })),
  }
}

function safeNumber(decimal: string): number | string {
  const value = Number(decimal)
  return Number.isSafeInteger(value) ? value : decimal
}

/** Text when the bytes are UTF-8, else an object that says how they are written: nothing is lost either way. */
export function jsonBytes(bytes: Buffer | null): string | null | { base64: string } {
  if (bytes === null) return null
  const utf8 = bytes.toString('utf8')
  return Buffer.from(utf8, 'utf8').equals(bytes) ? utf8 : { base64: bytes.toString('base64') }
}
