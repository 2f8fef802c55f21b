import { isFlexible, readerOf, writerOf } from './schema/compile.js'
import { type Explained, explainSchema, locateWriteError } from './schema/explain.js'
import type {
  Direction,
  Message,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
  Schema,
  SchemaInput,
  SchemaOf,
} from './schema/index.js'
import { type Rng, sampleSchema } from './schema/sample.js'
import { ProtocolError } from './wire/error.js'
import { Reader } from './wire/reader.js'
import { Writer } from './wire/writer.js'

export interface DecodeOptions {
  /** Bytes after the value: an error (default), or ignored, as a Kafka broker does with requests. */
  readonly trailing?: 'error' | 'ignore'
  /** First byte of the value, default 0. */
  readonly offset?: number
}

/** Encoding is synchronous and never nested, so one writer serves all. */
const shared = new Writer()

/** Writes a value into a writer. Failures carry the path; the writer is then reset. */
export function writeWith(writer: Writer, schema: Schema, version: number, value: object): void {
  const write = writerOf(schema, version)
  try {
    write(writer, value)
  } catch (error) {
    writer.reset()
    throw error instanceof ProtocolError ? locateWriteError(schema, version, value, error) : error
  }
}

/** Encodes a struct (a stored record, a header, what travels inside `bytes`) to one buffer. */
export function encodeData<S extends Schema>(schema: S, version: number, value: SchemaInput<S>): Buffer {
  shared.reset()
  writeWith(shared, schema, version, value)
  const pieces = shared.finish()
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** Encodes a struct behind a version number (int16), as values of internal topics and the consumer protocol are kept. */
export function encodeVersioned<S extends Schema>(schema: S, version: number, value: SchemaInput<S>): Buffer {
  return encodePrefixed(schema, version, version, value)
}

/** Encodes a struct behind any int16. */
export function encodePrefixed<S extends Schema>(
  schema: S,
  version: number,
  prefix: number,
  value: SchemaInput<S>,
): Buffer {
  shared.reset()
  shared.int16(prefix)
  writeWith(shared, schema, version, value)
  const pieces = shared.finish()
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** Decodes a struct. Throws `ProtocolError` with the path of the field that could not be read. */
export function decodeData<S extends Schema>(
  schema: S,
  version: number,
  bytes: Buffer,
  options?: DecodeOptions,
): SchemaOf<S> {
  const start = options?.offset ?? 0
  const read = readerOf(schema, version)
  const reader = new Reader(bytes, start)
  let value: object
  try {
    value = read(reader)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw explainSchema(schema, version, bytes, start).error ?? error
  }
  if (reader.pos !== bytes.length && options?.trailing !== 'ignore') {
    throw new ProtocolError(
      'TRAILING_BYTES',
      `${bytes.length - reader.pos} bytes left over after ${schema.name} v${version}`,
    )
  }
  return value as SchemaOf<S>
}

/** Decodes what `encodeVersioned` wrote. */
export function decodeVersioned<S extends Schema>(
  schema: S,
  bytes: Buffer,
  options?: DecodeOptions,
): { version: number; value: SchemaOf<S> } {
  const start = options?.offset ?? 0
  const version = new Reader(bytes, start).int16()
  return { version, value: decodeData(schema, version, bytes, { ...options, offset: start + 2 }) }
}

type InputOf<M extends Message, D extends Direction> = D extends 'request' ? RequestInput<M> : ResponseInput<M>
type ValueOf<M extends Message, D extends Direction> = D extends 'request' ? RequestOf<M> : ResponseOf<M>

/** Encodes the body of a request or response. Fields left out have their default. */
export function encode<M extends Message, D extends Direction>(
  message: M,
  direction: D,
  version: number,
  value: InputOf<M, D>,
): Buffer {
  return encodeData(message[direction] as Schema, version, value as object)
}

/** Decodes the body of a request or response. */
export function decode<M extends Message, D extends Direction>(
  message: M,
  direction: D,
  version: number,
  bytes: Buffer,
  options?: DecodeOptions,
): ValueOf<M, D> {
  return decodeData(message[direction] as Schema, version, bytes, options) as ValueOf<M, D>
}

/** Every field of a body with path, position and value, and where reading fails if it does. For people and tools, slow. */
export function explain(message: Message, direction: Direction, version: number, bytes: Buffer): Explained {
  return explainSchema(message[direction], version, bytes)
}

/** A random value that the version can carry: encoding and decoding it gives an equal one. */
export function sample<M extends Message, D extends Direction>(
  message: M,
  direction: D,
  version: number,
  rng: Rng,
): ValueOf<M, D> {
  return sampleSchema(message[direction], version, rng) as ValueOf<M, D>
}

/** Whether the version of a message is flexible. */
export const isFlexibleVersion = (message: Message, version: number): boolean => isFlexible(message.request, version)
export { shared as sharedWriter }
