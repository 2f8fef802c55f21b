/**
 * Why bytes could not be read, or a value not be written. Stable: tests, logs and callers may compare with it.
 *
 * - `TRUNCATED`: the bytes end inside a value.
 * - `INVALID_LENGTH`: a length or count that cannot be true (negative, or more elements than the remaining bytes can hold).
 * - `NULL_NOT_ALLOWED`: null where this version of the field has no null.
 * - `INVALID_VARINT`: a varint of more than 32 bits (64 for the long form).
 * - `INVALID_TAG`: a tagged field whose size does not match, or a known tag in a version that does not define it.
 * - `TRAILING_BYTES`: bytes left over after the value (only where the caller asks to be strict).
 * - `UNSUPPORTED_VERSION`: the message has no such version.
 * - `UNKNOWN_API`: no message has this API key.
 * - `INVALID_FRAME`: a frame length of zero or less. `FRAME_TOO_LARGE`: above the limit of the framer.
 * - `INVALID_VALUE`: (encoding) wrong type or out of the range of the field.
 * - `FIELD_NOT_IN_VERSION`: (encoding) a value other than the default for a field that this version cannot carry.
 * - `CORRUPT_MESSAGE`, `INVALID_RECORD`, `UNSUPPORTED_COMPRESSION_TYPE`: record batches, named like the error code that a broker answers.
 */
export type ProtocolErrorCode =
  | 'TRUNCATED'
  | 'INVALID_LENGTH'
  | 'NULL_NOT_ALLOWED'
  | 'INVALID_VARINT'
  | 'INVALID_TAG'
  | 'TRAILING_BYTES'
  | 'UNSUPPORTED_VERSION'
  | 'UNKNOWN_API'
  | 'INVALID_FRAME'
  | 'FRAME_TOO_LARGE'
  | 'INVALID_VALUE'
  | 'FIELD_NOT_IN_VERSION'
  | 'CORRUPT_MESSAGE'
  | 'INVALID_RECORD'
  | 'UNSUPPORTED_COMPRESSION_TYPE'

/**
 * What every function of `protocol/` throws for bytes or values that do not fit the protocol.
 * `path` names the field (`topicData[3].partitionData[0].records`), empty when the failure lies outside any field.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly path: string
  /** The sentence without the path. */
  readonly detail: string

  constructor(code: ProtocolErrorCode, detail: string, path = '') {
    super(path === '' ? detail : `${path}: ${detail}`)
    this.code = code
    this.path = path
    this.detail = detail
  }

  /** The same failure, told with the path of its field. */
  at(path: string): ProtocolError {
    return new ProtocolError(this.code, this.detail, path)
  }
}
