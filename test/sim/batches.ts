/** Batches as bytes: how clients write an attempt, and how records are read back from an answer or a file. */

import { decompress } from '../../lib/log/compression/index.js'
import {
  type BatchOptions,
  buildBatch,
  decodeBatch,
  batchHeader as header,
  isValidBatch,
  parseEndTxnMarker,
} from '../../protocol/index.js'
import { type Attempt, type Seen, textOf } from './history.js'

export function bytesOf(attempt: Attempt, timestamp: number, options: BatchOptions = {}): Buffer {
  const records = attempt.keys.map((key, index) => ({
    key,
    value: attempt.tombstone ? null : textOf(attempt.id, index),
    timestamp,
    headers: [{ key: 'sim', value: `${attempt.id}/${index}` }],
  }))
  return buildBatch(records, { baseTimestamp: timestamp, ...options })
}

/** What one batch holds, offsets as they are. */
export function recordsOf(bytes: Buffer, at = 0): Seen[] {
  const producerId = header.producerId(bytes, at)
  if (header.isControl(bytes, at)) {
    const marker = parseEndTxnMarker(bytes, at)
    if (marker === null) return []
    return [
      {
        offset: header.baseOffset(bytes, at),
        key: null,
        mark: null,
        text: null,
        commit: marker.type === 'commit',
        producerId,
      },
    ]
  }
  return decodeBatch(bytes, decompress, at).map(({ offset, key, value, headers }) => ({
    offset,
    mark: headers[0]?.value?.toString('latin1') ?? null,
    key: key === null ? null : key.toString('latin1'),
    text: value === null ? null : value.toString('latin1'),
    commit: null,
    producerId,
  }))
}

/** Whole batches of an answer. A last one that was cut by the size limit is left out, as clients do. */
export function* batchesIn(bytes: Buffer): Generator<number> {
  let at = 0
  while (bytes.length - at >= header.HEADER_BYTES) {
    const size = header.sizeInBytes(bytes, at)
    if (size > bytes.length - at) return
    yield at
    at += size
  }
}

/** Whole batches with valid CRCs and rising offsets from the start of a file; ends at the first that is none. */
export function* validBatchesIn(bytes: Buffer): Generator<number> {
  let at = 0
  let next = 0
  while (isValidBatch(bytes, at) && header.magic(bytes, at) === 2 && header.baseOffset(bytes, at) >= next) {
    yield at
    next = header.lastOffset(bytes, at) + 1
    at += header.sizeInBytes(bytes, at)
  }
}
