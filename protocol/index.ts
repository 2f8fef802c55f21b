/// <reference types="node" preserve="true" />
/**
 * The Kafka protocol: what bytes mean. No clock, no IO; usable by itself. See README.md.
 */
export * from './api-keys.js'
export * from './batch/index.js'
export {
  type DecodeOptions,
  decode,
  decodeData,
  decodeVersioned,
  encode,
  encodeData,
  encodeVersioned,
  explain,
  isFlexibleVersion,
  sample,
} from './codec.js'
export * from './errors.js'
export { type ExplainedFrame, explainRequestFrame, explainResponseFrame } from './explain-frame.js'
export {
  decodeRequestFrame,
  decodeResponseFrame,
  encodeRequestFrame,
  encodeResponseFrame,
  Framer,
  type FramerOptions,
} from './frame.js'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  type RequestHeader,
  RequestHeaderSchema,
  ResponseHeaderSchema,
  requestHeaderVersion,
  responseHeaderVersion,
} from './header.js'
export * from './messages/index.js'
export { type Explained, type ExplainedField, explainSchema } from './schema/explain.js'
export * from './schema/message.js'
export { type Rng, sampleSchema } from './schema/sample.js'
export * from './stored/index.js'
export { ProtocolError, type ProtocolErrorCode } from './wire/error.js'
export { ZERO_UUID } from './wire/reader.js'
