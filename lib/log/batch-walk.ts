/**
 * Walking the headers of batches that lie somewhere: in memory at once, or behind a read. A walk is a generator that yields the
 * window it wants and is given its bytes, so that the same code runs without a pause over memory and in steps over a disk.
 */
import { HEADER_BYTES, sizeInBytes } from '../../protocol/batch/header.js'
import type { Segment } from './segment.js'

/** Bytes of a segment that a walk wants to see. */
export interface Window {
  segment: Segment
  position: number
  length: number
}

/** Yields windows, is given their bytes: shorter than asked at the end of the segment. Views: valid until the next yield. */
export type Walk<T> = Generator<Window, T, Buffer>

export interface WindowSource {
  /** The bytes if they can be had without I/O. May be shorter than asked (a piece of memory ends), but never mid-batch unless the segment ends. */
  viewNow(window: Window): Buffer | null
  /** The bytes by reading, into memory of their own. */
  readWindow(window: Window): Promise<Buffer>
}

/** Runs a walk: at once when everything can be seen, else as a promise. */
export function runWalk<T>(walk: Walk<T>, source: WindowSource): T | Promise<T> {
  let step = walk.next()
  while (step.done !== true) {
    const bytes = source.viewNow(step.value)
    if (bytes === null) return continueWalk(walk, step.value, source)
    step = walk.next(bytes)
  }
  return step.value
}

async function continueWalk<T>(walk: Walk<T>, first: Window, source: WindowSource): Promise<T> {
  let window = first
  for (;;) {
    const step = walk.next(source.viewNow(window) ?? (await source.readWindow(window)))
    if (step.done === true) return step.value
    window = step.value
  }
}

export const WINDOW_BYTES = 256 * 1024

/**
 * Visits batch after batch from `position` (a batch's start) to `limit`. `visit` gets the buffer, where the batch begins in it and its
 * position in the segment; false stops. With `whole` the batch is there to its end, else only its header is sure to be. Returns the
 * position after the last batch visited: below `limit` when stopped, or when what follows is no whole batch.
 */
export function* walkBatches(
  segment: Segment,
  position: number,
  limit: number,
  whole: boolean,
  visit: (buffer: Buffer, at: number, position: number) => boolean,
): Walk<number> {
  let wanted = WINDOW_BYTES
  while (position + HEADER_BYTES <= limit) {
    const bytes = yield { segment, position, length: Math.min(wanted, limit - position) }
    let at = 0
    while (at + HEADER_BYTES <= bytes.length) {
      const size = sizeInBytes(bytes, at)
      if (size < HEADER_BYTES || position + at + size > limit) return position + at
      if (whole && at + size > bytes.length) break
      if (!visit(bytes, at, position + at)) return position + at
      at += size
    }
    if (at === 0) {
      // Not even one batch: ask for all of it, or give up where the bytes end.
      if (bytes.length < HEADER_BYTES) return position
      const size = sizeInBytes(bytes, 0)
      if (wanted >= size && bytes.length < Math.min(wanted, limit - position)) return position
      wanted = Math.max(WINDOW_BYTES, size)
    } else {
      position += at
      wanted = WINDOW_BYTES
    }
  }
  return position
}
