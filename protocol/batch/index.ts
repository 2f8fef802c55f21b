/** Record batches, for users of the protocol layer alone. Inside the broker, import the file that is meant. */
export {
  type BatchOptions,
  buildBatch,
  buildFromSection,
  computeCrc,
  isValidBatch,
  type RecordInput,
} from './builder.js'
export { buildEndTxnMarker, ControlType, type EndTxnMarker, parseControlType, parseEndTxnMarker } from './control.js'
export * as batchHeader from './header.js'
export { decodeLegacyEntry, decodeRecordSet, type LegacyEntry } from './legacy.js'
export {
  type Compress,
  type DecodedRecord,
  type Decompress,
  decodeBatch,
  forEachBatch,
  forEachRecord,
  type RecordHeader,
  RecordWalker,
} from './records.js'
