/**
 * The 61-byte header of a record batch (magic 2), as constant offsets: on the hot path a batch is peeked at, never decoded.
 * All integers are big-endian. CRC-32C covers everything from ATTRIBUTES to the end of the batch.
 */
export const BASE_OFFSET = 0
export const BATCH_LENGTH = 8
export const LEADER_EPOCH = 12
export const MAGIC = 16
export const CRC = 17
export const ATTRIBUTES = 21
export const LAST_OFFSET_DELTA = 23
export const BASE_TIMESTAMP = 27
export const MAX_TIMESTAMP = 35
export const PRODUCER_ID = 43
export const PRODUCER_EPOCH = 51
export const BASE_SEQUENCE = 53
export const RECORD_COUNT = 57
export const HEADER_BYTES = 61
/** Base offset and length: what precedes the bytes counted by BATCH_LENGTH. */
export const LOG_OVERHEAD = 12

export const COMPRESSION_MASK = 0x07
export const TIMESTAMP_TYPE_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20
export const DELETE_HORIZON_BIT = 0x40

/** int32 at `at`. */
export function peekInt32(b: Buffer, at: number): number {
  return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
}

/** int64 at `at` as a number: exact within +-2^53, rounded beyond. */
export function peekInt64(b: Buffer, at: number): number {
  return peekInt32(b, at) * 4294967296 + (peekInt32(b, at + 4) >>> 0)
}

export function pokeInt32(b: Buffer, at: number, value: number): void {
  b[at] = value >>> 24
  b[at + 1] = value >>> 16
  b[at + 2] = value >>> 8
  b[at + 3] = value
}

export function pokeInt64(b: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 4294967296)
  pokeInt32(b, at, high)
  pokeInt32(b, at + 4, value - high * 4294967296)
}

export const baseOffset = (b: Buffer, at = 0): number => peekInt64(b, at + BASE_OFFSET)
/** Whole size of the batch in bytes, offset and length fields included. */
export const sizeInBytes = (b: Buffer, at = 0): number => LOG_OVERHEAD + peekInt32(b, at + BATCH_LENGTH)
export const leaderEpoch = (b: Buffer, at = 0): number => peekInt32(b, at + LEADER_EPOCH)
export const magic = (b: Buffer, at = 0): number => b[at + MAGIC]!
export const crc = (b: Buffer, at = 0): number => peekInt32(b, at + CRC) >>> 0
export const attributes = (b: Buffer, at = 0): number => ((b[at + ATTRIBUTES]! << 24) >> 16) | b[at + ATTRIBUTES + 1]!
export const lastOffsetDelta = (b: Buffer, at = 0): number => peekInt32(b, at + LAST_OFFSET_DELTA)
export const lastOffset = (b: Buffer, at = 0): number => baseOffset(b, at) + lastOffsetDelta(b, at)
export const baseTimestamp = (b: Buffer, at = 0): number => peekInt64(b, at + BASE_TIMESTAMP)
export const maxTimestamp = (b: Buffer, at = 0): number => peekInt64(b, at + MAX_TIMESTAMP)
export const producerId = (b: Buffer, at = 0): number => peekInt64(b, at + PRODUCER_ID)
export const producerEpoch = (b: Buffer, at = 0): number =>
  ((b[at + PRODUCER_EPOCH]! << 24) >> 16) | b[at + PRODUCER_EPOCH + 1]!
export const baseSequence = (b: Buffer, at = 0): number => peekInt32(b, at + BASE_SEQUENCE)
export const recordCount = (b: Buffer, at = 0): number => peekInt32(b, at + RECORD_COUNT)
export const compressionCode = (b: Buffer, at = 0): number => b[at + ATTRIBUTES + 1]! & COMPRESSION_MASK
export const isTransactional = (b: Buffer, at = 0): boolean => (b[at + ATTRIBUTES + 1]! & TRANSACTIONAL_BIT) !== 0
export const isControl = (b: Buffer, at = 0): boolean => (b[at + ATTRIBUTES + 1]! & CONTROL_BIT) !== 0
/** 0 CreateTime, 1 LogAppendTime. */
export const timestampType = (b: Buffer, at = 0): number => (b[at + ATTRIBUTES + 1]! & TIMESTAMP_TYPE_BIT) >> 3
