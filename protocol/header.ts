import { messageByKey } from './messages/index.js'
import { data, int16, int32, type Message, string } from './schema/index.js'
import { includes } from './schema/versions.js'
import { ProtocolError } from './wire/error.js'
import { Reader } from './wire/reader.js'
import type { Writer } from './wire/writer.js'

/** What precedes the body of a request. v0 (without client id) ended with Kafka 4.0; v2 adds tagged fields. */
export const RequestHeaderSchema = data(
  'RequestHeader',
  { versions: '0-2', flexible: '2+' },
  {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    // Never compact: brokers must be able to read it before they know whether they know the version.
    clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  },
)

/** What precedes the body of a response. v1 adds tagged fields. */
export const ResponseHeaderSchema = data(
  'ResponseHeader',
  { versions: '0-1', flexible: '1+' },
  { correlationId: int32('0+') },
)

const API_VERSIONS = 18

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Which form the header had: 1, or 2 with tagged fields. */
  readonly headerVersion: number
  /** Position of the body's first byte in the frame. */
  readonly bodyOffset: number
}

/** 2 for flexible versions, else 1. Also right for versions that do not exist yet. */
export const requestHeaderVersion = (message: Message, version: number): number =>
  version >= message.flexible.low && message.flexible.high >= 0 ? 2 : 1

/**
 * 1 for flexible versions, else 0. ApiVersions always has 0: a client must be able to read the answer to a version that the broker
 * does not know (KIP-511).
 */
export const responseHeaderVersion = (message: Message, version: number): number =>
  message.key !== API_VERSIONS && includes(message.flexible, version) ? 1 : 0

/**
 * Reads the header of a request from a frame (without its size). Does not look at whether the version is supported.
 * Throws `UNKNOWN_API` for a key that no message has: nothing more can be read then, not even which header it is.
 */
export function decodeRequestHeader(frame: Buffer): RequestHeader {
  const reader = new Reader(frame)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const message = messageByKey(apiKey)
  if (message === undefined) throw new ProtocolError('UNKNOWN_API', `no API has the key ${apiKey}`, 'requestApiKey')
  const length = reader.int16()
  const clientId = length < 0 ? null : reader.stringOf(length)
  const headerVersion = requestHeaderVersion(message, apiVersion)
  if (headerVersion === 2) skipTags(reader)
  return { apiKey, apiVersion, correlationId, clientId, headerVersion, bodyOffset: reader.pos }
}

/** Reads the header of a response; gives the correlation id and where the body begins. */
export function decodeResponseHeader(
  frame: Buffer,
  headerVersion: number,
): { correlationId: number; bodyOffset: number } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (headerVersion === 1) skipTags(reader)
  return { correlationId, bodyOffset: reader.pos }
}

export function writeRequestHeader(
  writer: Writer,
  message: Message,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
): void {
  writer.int16(message.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else writer.string(header.clientId)
  if (requestHeaderVersion(message, version) === 2) writer.uvarint(0)
}

export function writeResponseHeader(writer: Writer, headerVersion: number, correlationId: number): void {
  writer.int32(correlationId)
  if (headerVersion === 1) writer.uvarint(0)
}

/** Tagged fields of headers carry nothing that Kafka 4.4 reads. */
function skipTags(reader: Reader): void {
  const count = reader.count(reader.uvarint(), 2)
  for (let i = 0; i < count; i++) {
    reader.uvarint()
    const size = reader.uvarint()
    if (size > reader.remaining()) reader.short(size)
    reader.pos += size
  }
}
