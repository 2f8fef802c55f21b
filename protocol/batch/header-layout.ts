/** The headers of record batches as described structs: for tools, tests and the offsets that `header.ts` repeats as constants. */
import { fixedStruct } from '../wire/layout.js'

/** Magic 2 (KIP-98). `partitionLeaderEpoch` and what precedes it may be patched without touching the CRC. */
export const batchHeader = fixedStruct({
  baseOffset: 'int64',
  batchLength: 'int32',
  partitionLeaderEpoch: 'int32',
  magic: 'int8',
  crc: 'uint32',
  attributes: 'int16',
  lastOffsetDelta: 'int32',
  baseTimestamp: 'int64',
  maxTimestamp: 'int64',
  producerId: 'int64',
  producerEpoch: 'int16',
  baseSequence: 'int32',
  recordCount: 'int32',
})

export type BatchHeader = ReturnType<typeof batchHeader.decode>

/** Offset, size, CRC-32, magic and attributes: the common start of message sets of magic 0 and 1. */
export const legacyHeader = fixedStruct({
  offset: 'int64',
  messageSize: 'int32',
  crc: 'uint32',
  magic: 'int8',
  attributes: 'int8',
})

export type LegacyHeader = ReturnType<typeof legacyHeader.decode>
