import { RequestHeaderSchema, ResponseHeaderSchema, requestHeaderVersion, responseHeaderVersion } from './header.js'
import { messageByKey } from './messages/index.js'
import { type Explained, type ExplainedField, explainSchema } from './schema/explain.js'
import type { Message, Schema } from './schema/index.js'
import { ProtocolError } from './wire/error.js'

/** A frame taken apart, as far as it can be. */
export interface ExplainedFrame {
  /** Absent when the API key is unknown or the header too short to tell. */
  readonly message?: Message
  readonly version?: number
  /** `offset`s count from the start of the frame. */
  readonly header: Explained
  /** Absent when the header could not be read or the version is unknown (then `error` says so). */
  readonly body?: Explained
  readonly error?: ProtocolError
}

/** Takes apart a request (header and body, without its size). Never throws for bad bytes. */
export function explainRequestFrame(frame: Buffer): ExplainedFrame {
  const message = frame.length < 4 ? undefined : messageByKey(frame.readInt16BE(0))
  const version = frame.length < 4 ? 0 : frame.readInt16BE(2)
  const header = explainSchema(RequestHeaderSchema, message ? requestHeaderVersion(message, version) : 1, frame)
  if (header.error) return { header, error: header.error, ...(message ? { message, version } : {}) }
  if (message === undefined) {
    const error = new ProtocolError('UNKNOWN_API', `no API has the key ${frame.readInt16BE(0)}`, 'requestApiKey')
    return { header, error }
  }
  return { message, version, ...bodyOf(message.request, version, frame, header) }
}

/** Takes apart the response to a request of this message and version. */
export function explainResponseFrame(message: Message, version: number, frame: Buffer): ExplainedFrame {
  const header = explainSchema(ResponseHeaderSchema, responseHeaderVersion(message, version), frame)
  if (header.error) return { message, version, header, error: header.error }
  return { message, version, ...bodyOf(message.response, version, frame, header) }
}

function bodyOf(
  schema: Schema,
  version: number,
  frame: Buffer,
  whole: Explained,
): { header: Explained; body?: Explained; error?: ProtocolError } {
  const start = frame.length - whole.trailingBytes
  const header: Explained = { fields: whole.fields, trailingBytes: 0 }
  if (version < schema.versions.low || version > schema.versions.high) {
    const { low, high } = schema.versions
    return {
      header,
      error: new ProtocolError('UNSUPPORTED_VERSION', `${schema.name} has ${low}-${high}, not ${version}`),
    }
  }
  const body = explainSchema(schema, version, frame, start)
  const fields: ExplainedField[] = body.fields.map((field) => ({ ...field, offset: field.offset + start }))
  return { header, body: { ...body, fields }, ...(body.error ? { error: body.error } : {}) }
}
