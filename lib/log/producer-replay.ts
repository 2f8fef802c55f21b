/** What a partition knows of its producers, learnt again from the newest snapshot and the batches around it. */
import * as header from '../../protocol/batch/header.js'
import { applyBatch } from './batch-effects.js'
import { type Walk, WINDOW_BYTES, walkBatches } from './batch-walk.js'
import { damagedAt } from './damage.js'
import { isGoodBatch } from './good-batch.js'
import { startOf } from './index-trust.js'
import type { ProducerSnapshots } from './producer-snapshot.js'
import { ProducerStates } from './producer-state.js'
import type { Segment } from './segment.js'

/**
 * Fills empty `producers` with what the segments say up to offset `to`: from the newest good snapshot on, and all when there is none.
 * Their transaction indexes are not touched.
 */
export function* replay(
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  to: number,
  producers: ProducerStates,
): Walk<void> {
  const first = segments[0]
  if (first === undefined) return
  const from = snapshots.restore(first.baseOffset, to, producers)
  if (producers.size > 0) yield* lookBack(segments, from, producers)
  for (const segment of segments) {
    if (segment.baseOffset >= to) return
    if (segment.nextOffset <= from) continue
    const start = from > segment.baseOffset ? yield* startOf(segment, from) : 0
    yield* walkBatches(segment, start, segment.sizeInBytes, true, (buffer, at, position) => {
      if (header.baseOffset(buffer, at) >= to) return false
      if (!isGoodBatch(buffer, at, segment.baseOffset, segment.nextOffset)) throw damagedAt(segment, position)
      if (header.baseOffset(buffer, at) >= from) applyBatch(buffer, at, null, producers, null)
      return true
    })
  }
}

/** `replay` into producers that know more than there is, as the log was cut at `to`: what they know of what is left they go on to know. */
export function* relearn(
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  to: number,
  producers: ProducerStates,
): Walk<void> {
  const before = [...producers.entries()]
  producers.clear()
  yield* replay(segments, snapshots, to, producers)
  producers.recall(before)
}

/**
 * A snapshot knows one batch of each producer, clients have five on their way. The earlier ones are in what was written just before `from`: one
 * window of it is read, for who waits for an answer has not waited long. Kafka does without, and takes them for a gap.
 */
function* lookBack(segments: readonly Segment[], from: number, producers: ProducerStates): Walk<void> {
  const segment = segments.findLast(({ baseOffset }) => baseOffset < from)
  if (segment === undefined) return
  const end = from >= segment.nextOffset ? segment.sizeInBytes : yield* startOf(segment, from)
  const start = segment.offsetIndex.floorBatchStart(Math.max(0, end - WINDOW_BYTES))
  // An index that leads nowhere near, as it is missing: this is not worth the reading.
  if (end - start > 2 * WINDOW_BYTES) return
  const earlier = new ProducerStates({ expirationMs: Number.POSITIVE_INFINITY, maxProducers: Number.POSITIVE_INFINITY })
  yield* walkBatches(segment, start, segment.sizeInBytes, true, (buffer, at) => {
    if (!isGoodBatch(buffer, at, segment.baseOffset, from)) return false
    applyBatch(buffer, at, null, earlier, null)
    return true
  })
  producers.recall(earlier.entries())
}
