/** What a fetcher keeps of a partition that it follows. */
import type { Partition } from '../../broker/partition/partition.js'

/** One partition that is followed. */
export interface Followed {
  readonly partition: Partition
  /** Under which it is followed: another epoch is another `Followed`. */
  readonly leaderEpoch: number
  /** As the session has it; null when it is not in the session. */
  sent: {
    readonly offset: number
    readonly epoch: number
    readonly highWatermark: number
    readonly start: number
  } | null
  /** Monotonic ms: not asked for before. */
  notBeforeMs: number
  /** How often in a row the leader has refused it. */
  refusals: number
  /** Its log is being cut. */
  busy: boolean
}

export const keyOf = (at: { readonly topicId: string; readonly partition: number }): string =>
  `${at.topicId}:${at.partition}`

/** Session epochs count from 1 and wrap to 1. */
export const nextEpoch = (epoch: number): number => (epoch === 0x7fffffff ? 1 : epoch + 1)

export function sameState(a: Followed['sent'], b: NonNullable<Followed['sent']>): boolean {
  return (
    a !== null &&
    a.offset === b.offset &&
    a.epoch === b.epoch &&
    a.start === b.start &&
    a.highWatermark === b.highWatermark
  )
}
