/** What a batch that is in the log means for the partition's memory: producers, transactions, leader epochs. */
import { parseEndTxnMarker } from '../../protocol/batch/control.js'
import * as header from '../../protocol/batch/header.js'
import type { LeaderEpochs } from './leader-epochs.js'
import type { EndTransaction, ProducerStates } from './producer-state.js'
import type { Segment } from './segment.js'

/** The transaction that a control batch ends, null when it is a control batch of another kind. @throws ProtocolError when malformed */
export function endOfTransaction(batch: Buffer, at: number): EndTransaction | null {
  const marker = parseEndTxnMarker(batch, at)
  if (marker === null || header.producerId(batch, at) < 0) return null
  return {
    producerId: header.producerId(batch, at),
    producerEpoch: header.producerEpoch(batch, at),
    coordinatorEpoch: marker.coordinatorEpoch,
    abort: marker.type === 'abort',
  }
}

/** Where a batch comes to. */
export interface LogEnd {
  readonly epochs: LeaderEpochs
  /** Where the log ends without it: below its base offset where compaction has left a gap. */
  readonly endOffset: number
}

/**
 * Applies the batch at `at`, which lies in `segment` with its final offsets. The same for a new batch, one that replication brought and
 * one that recovery found. `marker`: what `endOfTransaction` said, when the caller has asked already; `log` null: its epochs are known;
 * `segment` null: its transaction index is.
 *
 * An epoch begins where the log ended, for nobody knows whose the batches in a gap were: a replica that still has some of an earlier epoch there
 * is cut to that, and takes what its leader has. Kafka takes the batch's offset, and would leave it with what its leader never had.
 */
export function applyBatch(
  batch: Buffer,
  at: number,
  segment: Segment | null,
  producers: ProducerStates,
  log: LogEnd | null,
  marker: EndTransaction | null = null,
): void {
  const baseOffset = header.baseOffset(batch, at)
  log?.epochs.assign(header.leaderEpoch(batch, at), Math.min(log.endOffset, baseOffset))
  const producerId = header.producerId(batch, at)
  if (producerId < 0) return
  const lastOffset = baseOffset + header.lastOffsetDelta(batch, at)
  const timestamp = header.maxTimestamp(batch, at)
  if (header.isControl(batch, at)) {
    const end = marker ?? endOfTransaction(batch, at)
    if (end === null) return
    const ended = producers.recordMarker(end, lastOffset, timestamp)
    if (ended !== null && end.abort) segment?.txnIndex.append(ended)
  } else {
    const transactional = header.isTransactional(batch, at)
    const epoch = header.producerEpoch(batch, at)
    producers.record(
      producerId,
      epoch,
      header.baseSequence(batch, at),
      baseOffset,
      lastOffset,
      timestamp,
      transactional,
    )
  }
}
