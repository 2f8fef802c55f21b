import type { Clock, Timer } from '../host/clock.js'
import type { Segment } from './segment.js'

export interface DoomedSegmentsPorts {
  clock: Clock
  /** Files could not be removed. */
  onFailed(error: unknown): void
}

/** While somebody reads a segment whose time is over, it is looked at again after this. */
const IN_USE_RETRY_MS = 1000

/**
 * Segments that are no longer part of their log: renamed to `.deleted` at once, removed after `file.delete.delay.ms`, so that who is
 * in the middle of reading them can finish. What a memory disk has goes at once, unless it is being read from where it was spilled to:
 * memory is to be free again, and its readers keep what they look at.
 */
export class DoomedSegments {
  private readonly waiting = new Map<readonly Segment[], Timer>()

  constructor(private readonly ports: DoomedSegmentsPorts) {}

  /** @throws DiskError when the files cannot be renamed (or removed) */
  add(segments: readonly Segment[], delayMs: number): void {
    const later: Segment[] = []
    for (const segment of segments) {
      if (segment.viewable && !segment.inUse) {
        segment.remove()
      } else {
        segment.moveTo('.deleted')
        later.push(segment)
      }
    }
    if (later.length > 0) this.wait(later, delayMs)
  }

  /** The log is closed: nobody reads any more. */
  removeNow(): void {
    for (const segments of this.waiting.keys()) this.remove(segments)
    this.abandon()
  }

  /** The folder goes as a whole. */
  abandon(): void {
    for (const [segments, timer] of this.waiting) {
      timer.cancel()
      for (const segment of segments) segment.close()
    }
    this.waiting.clear()
  }

  private wait(segments: readonly Segment[], delayMs: number): void {
    const timer = this.ports.clock.setTimer(delayMs, () => {
      if (segments.some((segment) => segment.inUse)) this.wait(segments, IN_USE_RETRY_MS)
      else this.remove(segments)
    })
    this.waiting.set(segments, timer)
  }

  private remove(segments: readonly Segment[]): void {
    this.waiting.delete(segments)
    try {
      for (const segment of segments) segment.remove()
    } catch (error) {
      this.ports.onFailed(error)
    }
  }
}
