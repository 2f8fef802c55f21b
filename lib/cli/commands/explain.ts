/** `odradek explain`: what a hexadecimal frame means, field by field, or where it goes wrong. */
import {
  decodeRequestHeader,
  type ExplainedField,
  explain,
  explainResponseFrame,
  messageByKey,
  ProtocolError,
} from '../../../protocol/index.js'
import type { Output } from '../output.js'
import { CommandError } from '../session.js'

export interface ExplainOptions {
  /** The bytes are a response to this API key and version; without it they are a request, which says so itself. */
  readonly response: { readonly apiKey: number; readonly version: number } | null
}

export function explainHex(hex: string, options: ExplainOptions, output: Output): void {
  const digits = hex.replace(/^0x|[\s:]/g, '')
  if (!/^([0-9a-fA-F]{2})+$/.test(digits))
    throw new CommandError('The frame must be an even number of hexadecimal digits.', 2)
  const given = Buffer.from(digits, 'hex')
  const bytes = withoutSize(given)
  if (options.response) {
    const { apiKey, version } = options.response
    const about = { message: `${messageByKey(apiKey)?.name}Response`, version }
    const body = responseBody(bytes, options.response, bytes !== given)
    explainBody(body, { apiKey, version, direction: 'response', title: null, about }, output)
  } else explainRequest(bytes, output)
}

/** A captured frame often begins with its size. */
function withoutSize(bytes: Buffer): Buffer {
  return bytes.length > 4 && bytes.readInt32BE(0) === bytes.length - 4 ? bytes.subarray(4) : bytes
}

/** A response may come with its header or without: after a size there is one, else it is there if the rest makes sense only so. */
function responseBody(
  bytes: Buffer,
  { apiKey, version }: { readonly apiKey: number; readonly version: number },
  sized: boolean,
): Buffer {
  const message = messageByKey(apiKey)
  if (!message || version < message.versions.low || version > message.versions.high) return bytes
  const { fields, error, trailingBytes } = explainResponseFrame(message, version, bytes).header
  const body = bytes.subarray(fields.reduce((sum, field) => sum + field.bytes, 0))
  if (error || trailingBytes > 0) return bytes
  const fits = (part: Buffer): boolean => {
    const explained = explain(message, 'response', version, part)
    return explained.error === undefined && explained.trailingBytes === 0
  }
  return sized || (!fits(bytes) && fits(body)) ? body : bytes
}

function explainRequest(bytes: Buffer, output: Output): void {
  let header: ReturnType<typeof decodeRequestHeader>
  try {
    header = decodeRequestHeader(bytes)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new CommandError(`This is no Kafka request: ${error.message}.`, 1, { cause: error })
  }
  const { apiKey, apiVersion, correlationId, clientId, bodyOffset } = header
  const name = messageByKey(apiKey)!.name
  const about = { message: `${name}Request`, version: apiVersion, correlationId, clientId }
  const title = `${name} request, version ${apiVersion}, correlation id ${correlationId}, client id ${JSON.stringify(clientId)}`
  explainBody(bytes.subarray(bodyOffset), { apiKey, version: apiVersion, direction: 'request', title, about }, output)
}

interface Body {
  readonly apiKey: number
  readonly version: number
  readonly direction: 'request' | 'response'
  /** What is said above the fields, and the same as data. */
  readonly title: string | null
  readonly about: Readonly<Record<string, unknown>>
}

function explainBody(bytes: Buffer, { apiKey, version, direction, title, about }: Body, output: Output): void {
  const message = messageByKey(apiKey)
  if (!message) throw new CommandError(`No API has the key ${apiKey}.`, 2)
  if (version < message.versions.low || version > message.versions.high) {
    throw new CommandError(
      `${message.name} has the versions ${message.versions.low}-${message.versions.high}, not ${version}.`,
      2,
    )
  }
  const { fields, error, trailingBytes } = explain(message, direction, version, bytes)
  const rows = fields.map((field: ExplainedField) => ({ ...field, value: printable(field.value) }))
  if (title !== null) output.done(title)
  output.table(
    ['offset', 'bytes', 'field', 'value'],
    rows.map((row) => [row.offset, row.bytes, row.path, row.value]),
    { ...about, fields: rows },
  )
  if (error) throw new CommandError(error.message)
  if (trailingBytes > 0) throw new CommandError(`Bytes left over after the last field: ${trailingBytes}.`)
}

function printable(value: unknown): string {
  if (Buffer.isBuffer(value))
    return value.length > 32
      ? `${value.subarray(0, 32).toString('hex')}... (${value.length} bytes)`
      : value.toString('hex')
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
