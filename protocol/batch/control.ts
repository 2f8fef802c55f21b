/**
 * Control records: the one-record batches by which a broker marks the end of a transaction (KIP-98) or raft says who leads.
 * Clients never write them and never see them.
 */
import { ProtocolError } from '../wire/error.js'
import { fixedStruct } from '../wire/layout.js'
import { type BatchOptions, buildBatch } from './builder.js'
import * as header from './header.js'
import { RecordWalker } from './records.js'

export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

/** Key of a control record (ControlRecordTypeSchema). Later versions may be longer; what follows is ignored. */
export const controlKey = fixedStruct({ version: 'int16', type: 'int16' })
/** Value of an abort or commit marker (EndTxnMarker, versions 0 and 1). */
export const endTxnMarkerValue = fixedStruct({ version: 'int16', coordinatorEpoch: 'int32' })

export interface EndTxnMarker {
  type: 'abort' | 'commit'
  /** Epoch of the transaction coordinator that sent the marker: older ones are refused. */
  coordinatorEpoch: number
}

export interface EndTxnMarkerInput extends EndTxnMarker {
  producerId: number
  producerEpoch: number
  /** Ms; becomes the record's and the batch's time. */
  timestamp: number
  baseOffset?: number
  partitionLeaderEpoch?: number
}

/** The type of a control record from its key. @throws ProtocolError CORRUPT_MESSAGE when the key is no control key */
export function parseControlType(key: Buffer | null): number {
  if (key === null || key.length < controlKey.sizeInBytes) {
    throw new ProtocolError('CORRUPT_MESSAGE', 'a control record needs a key of at least 4 bytes')
  }
  const { version, type } = controlKey.decode(key)
  if (version < 0) throw new ProtocolError('CORRUPT_MESSAGE', `control record key of version ${version}`)
  return type
}

/** The marker in a control batch, null when it is a control batch of another kind. @throws ProtocolError when it is malformed */
export function parseEndTxnMarker(batch: Buffer, at = 0): EndTxnMarker | null {
  if (!header.isControl(batch, at)) return null
  const end = at + header.sizeInBytes(batch, at)
  const record = new RecordWalker(batch, at + header.HEADER_BYTES, end, header.recordCount(batch, at))
  if (!record.next()) return null
  const type = parseControlType(record.key())
  if (type !== ControlType.ABORT && type !== ControlType.COMMIT) return null
  const value = record.value()
  if (value === null || value.length < endTxnMarkerValue.sizeInBytes) {
    throw new ProtocolError('CORRUPT_MESSAGE', 'an end-of-transaction marker needs a value of at least 6 bytes')
  }
  const { version, coordinatorEpoch } = endTxnMarkerValue.decode(value)
  if (version < 0) throw new ProtocolError('CORRUPT_MESSAGE', `end-of-transaction marker of version ${version}`)
  return { type: type === ControlType.COMMIT ? 'commit' : 'abort', coordinatorEpoch }
}

/** A control batch that ends a producer's transaction. */
export function buildEndTxnMarker(input: EndTxnMarkerInput): Buffer {
  const key = Buffer.alloc(controlKey.sizeInBytes)
  controlKey.encode({ version: 0, type: input.type === 'commit' ? ControlType.COMMIT : ControlType.ABORT }, key)
  const value = Buffer.alloc(endTxnMarkerValue.sizeInBytes)
  endTxnMarkerValue.encode({ version: 0, coordinatorEpoch: input.coordinatorEpoch }, value)
  const options: BatchOptions = {
    baseOffset: input.baseOffset ?? 0,
    partitionLeaderEpoch: input.partitionLeaderEpoch ?? -1,
    producerId: input.producerId,
    producerEpoch: input.producerEpoch,
    // Markers have no sequence: they are not deduplicated.
    baseSequence: -1,
    transactional: true,
    control: true,
  }
  return buildBatch([{ key, value, timestamp: input.timestamp }], options)
}
