import type { Reader } from '../wire/reader.js'
import type { Writer } from '../wire/writer.js'
import type { Fields, StructInput, StructOf } from './fields.js'
import { parseVersions, type Versions } from './versions.js'

/** Reads one struct. */
export type ReadStruct = (reader: Reader) => object
/** Writes one struct. */
export type WriteStruct = (writer: Writer, value: object) => void

/** One struct with versions: a request, a response, a stored key or value. */
export interface Schema<F extends Fields = Fields> {
  /** Kafka's name, for example `HeartbeatRequest`. */
  readonly name: string
  readonly fields: F
  readonly versions: Versions
  readonly flexible: Versions
  /** Compiled code per version, filled at first use (see compile.ts). */
  readonly readers: (ReadStruct | undefined)[]
  readonly writers: (WriteStruct | undefined)[]
}

export type SchemaOf<S extends Schema> = StructOf<S['fields']>
export type SchemaInput<S extends Schema> = StructInput<S['fields']>

/** The versions of a message, and since which of them it is flexible (compact lengths, tagged fields). */
export interface VersionOptions {
  readonly versions: string
  readonly flexible?: string
}

/** A struct with versions that is not a request: stored records, headers, what travels inside `bytes` fields. */
export function data<F extends Fields>(name: string, options: VersionOptions, fields: F): Schema<F> {
  return {
    name,
    fields,
    versions: parseVersions(options.versions),
    flexible: parseVersions(options.flexible),
    readers: [],
    writers: [],
  }
}

export type Audience = 'client' | 'inter-broker' | 'controller-quorum'
export type Listener = 'broker' | 'controller'

export interface MessageOptions extends VersionOptions {
  readonly key: number
  /** Who sends it. */
  readonly audience: Audience
  /** Where Kafka serves it. */
  readonly listeners: readonly Listener[]
  /** The highest version is not served unless unstable versions are enabled. */
  readonly unstable?: true
}

/** A request and its response. */
export interface Message<Request extends Fields = Fields, Response extends Fields = Fields> {
  /** `Heartbeat` */
  readonly name: string
  readonly key: number
  readonly audience: Audience
  readonly listeners: readonly Listener[]
  /** All versions that can be encoded. */
  readonly versions: Versions
  /** Without the version that is not yet stable. */
  readonly stableVersions: Versions
  readonly flexible: Versions
  readonly request: Schema<Request>
  readonly response: Schema<Response>
}

/** Describes an API: `message('Heartbeat', { key: 12, versions: '0-4', flexible: '4+', ... }, requestFields, responseFields)`. */
export function message<Request extends Fields, Response extends Fields>(
  name: string,
  options: MessageOptions,
  request: Request,
  response: Response,
): Message<Request, Response> {
  const versions = parseVersions(options.versions)
  return {
    name,
    key: options.key,
    audience: options.audience,
    listeners: options.listeners,
    versions,
    stableVersions: options.unstable ? { low: versions.low, high: versions.high - 1 } : versions,
    flexible: parseVersions(options.flexible),
    request: data(`${name}Request`, options, request),
    response: data(`${name}Response`, options, response),
  }
}

export type Direction = 'request' | 'response'

/** A decoded request: all fields present. */
export type RequestOf<M extends Message> = StructOf<M['request']['fields']>
export type ResponseOf<M extends Message> = StructOf<M['response']['fields']>
/** A request to be encoded: what is left out has its default. */
export type RequestInput<M extends Message> = StructInput<M['request']['fields']>
export type ResponseInput<M extends Message> = StructInput<M['response']['fields']>
