/**
 * A snapshot of the metadata log, `<end offset>-<epoch>.checkpoint` in Kafka's format (KIP-630): a control batch with the header,
 * batches of the records that build the image, a control batch with the footer. Offsets count from 0 within the file.
 */
import { buildBatch } from '../../../protocol/batch/builder.js'
import { ControlType, controlKey, parseControlType } from '../../../protocol/batch/control.js'
import * as header from '../../../protocol/batch/header.js'
import { RecordWalker } from '../../../protocol/batch/records.js'
import { encodeData } from '../../../protocol/codec.js'
import { SnapshotFooterRecordSchema, SnapshotHeaderRecordSchema } from '../../../protocol/stored/index.js'
import type { MetadataRecord } from '../../metadata/records.js'
import { scanBatches } from './batch-file.js'
import { decodeBatch, encodeBatch } from './metadata-codec.js'

const RECORDS_PER_BATCH = 1000
const FILE = /^(\d{20})-(\d{10})\.checkpoint$/

export interface SnapshotName {
  readonly name: string
  /** One above the last record it stands for. */
  readonly endOffset: number
  readonly epoch: number
}

export function snapshotName(endOffset: number, epoch: number): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

/** Null when the file is no snapshot. */
export function parseSnapshotName(name: string): SnapshotName | null {
  const match = FILE.exec(name)
  return match === null ? null : { name, endOffset: Number(match[1]), epoch: Number(match[2]) }
}

/** The file's batches, in order. */
export function* snapshotBatches(
  records: readonly MetadataRecord[],
  epoch: number,
  timestamp: number,
): Generator<Buffer> {
  let baseOffset = 0
  const control = (type: number, value: Buffer): Buffer => {
    const key = Buffer.alloc(controlKey.sizeInBytes)
    controlKey.encode({ version: 0, type }, key)
    return buildBatch([{ key, value, timestamp }], {
      baseOffset: baseOffset++,
      partitionLeaderEpoch: epoch,
      control: true,
    })
  }
  yield control(
    ControlType.SNAPSHOT_HEADER,
    encodeData(SnapshotHeaderRecordSchema, 0, { version: 0, lastContainedLogTimestamp: timestamp }),
  )
  for (let first = 0; first < records.length; first += RECORDS_PER_BATCH) {
    const some = records.slice(first, first + RECORDS_PER_BATCH)
    yield encodeBatch(some, { baseOffset, controllerEpoch: epoch, timestamp })
    baseOffset += some.length
  }
  yield control(ControlType.SNAPSHOT_FOOTER, encodeData(SnapshotFooterRecordSchema, 0, { version: 0 }))
}

export type SnapshotContent =
  | { readonly records: readonly MetadataRecord[] }
  /** No whole snapshot: where it stops being one. */
  | { readonly damagedAt: number }

/** @throws ProtocolError UNSUPPORTED_VERSION when a newer version has written it */
export function readSnapshot(bytes: Buffer): SnapshotContent {
  const { batches, end } = scanBatches(bytes)
  const [first] = batches
  const last = batches[batches.length - 1]
  if (end < bytes.length || first === undefined || last === undefined) return { damagedAt: end }
  if (controlType(first) !== ControlType.SNAPSHOT_HEADER) return { damagedAt: 0 }
  if (controlType(last) !== ControlType.SNAPSHOT_FOOTER) return { damagedAt: end }
  const records: MetadataRecord[] = []
  for (const batch of batches) {
    if (header.isControl(batch)) continue
    for (const record of decodeBatch(batch)) records.push(record)
  }
  return { records }
}

/** Null for a batch of data. */
function controlType(batch: Buffer): number | null {
  if (!header.isControl(batch)) return null
  const walker = new RecordWalker(batch, header.HEADER_BYTES, batch.length, header.recordCount(batch))
  return walker.next() ? parseControlType(walker.key()) : null
}
