/** Makes a new batch of a client's when the topic wants another compression (`compression.type`). */
import { type BatchOptions, buildBatch, buildFromSection, type RecordInput } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { exactInt64, RecordWalker } from '../../protocol/batch/records.js'
import { type AppendRules, compressionLevel } from './append-rules.js'
import { compress } from './compression/index.js'

/**
 * The batch anew with codec `target` (0 = none). `section` is its uncompressed records, found sound by the walk.
 * The section is taken over byte for byte when it can be; records are renumbered when their deltas have gaps, and dated anew
 * when the client had set the LogAppendTime bit.
 */
export function rewriteBatch(
  batch: Buffer,
  section: Buffer,
  walk: { readonly maxTimestamp: number; readonly consecutive: boolean },
  rules: AppendRules,
  target: number,
  now: number,
): Buffer {
  const appendTime = rules.timestampType === 'LogAppendTime'
  const options: BatchOptions = {
    compression: target,
    compress: (code, bytes) => compress(code, bytes, compressionLevel(rules, code)),
    baseTimestamp: exactInt64(batch, header.BASE_TIMESTAMP),
    maxTimestamp: appendTime ? now : walk.maxTimestamp,
    logAppendTime: appendTime,
    transactional: header.isTransactional(batch),
    producerId: exactInt64(batch, header.PRODUCER_ID),
    producerEpoch: header.producerEpoch(batch),
    baseSequence: header.baseSequence(batch),
  }
  const count = header.recordCount(batch)
  if (walk.consecutive && header.timestampType(batch) === 0) return buildFromSection(section, count, options)
  return buildBatch(recordsOf(batch, section, count), options)
}

function recordsOf(batch: Buffer, section: Buffer, count: number): RecordInput[] {
  const carriesAppendTime = header.timestampType(batch) === 1
  const records: RecordInput[] = []
  const walker = new RecordWalker(section, 0, section.length, count)
  while (walker.next()) {
    const timestamp = carriesAppendTime
      ? header.maxTimestamp(batch)
      : header.baseTimestamp(batch) + Number(walker.timestampDelta)
    records.push({ key: walker.key(), value: walker.value(), headers: walker.headers(), timestamp })
  }
  return records
}
