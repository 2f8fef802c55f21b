/**
 * Why compressed bytes could not be made or read.
 * `UNKNOWN_CODEC`: codes 5 to 7, nothing stands behind them. `CORRUPT_DATA`: the bytes are not of this codec.
 * `TOO_LARGE`: the output would pass the limit. `NOT_READY`: `prepareCodec` was not awaited (a programmer's error).
 */
export type CompressionErrorCode = 'UNKNOWN_CODEC' | 'CORRUPT_DATA' | 'TOO_LARGE' | 'NOT_READY'

export class CompressionError extends Error {
  readonly code: CompressionErrorCode

  constructor(code: CompressionErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CompressionError'
    this.code = code
  }
}

export const tooLarge = (codec: string, maxBytes: number): CompressionError =>
  new CompressionError('TOO_LARGE', `the ${codec} data is larger than ${maxBytes} bytes when decompressed`)

export const corrupt = (codec: string, why: string, cause?: unknown): CompressionError =>
  new CompressionError('CORRUPT_DATA', `failed to decompress ${codec} data: ${why}`, cause)

/** The message of whatever a library threw. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
