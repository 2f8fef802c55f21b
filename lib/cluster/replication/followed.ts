/** What a fetcher keeps of a partition that it follows. */
import type { Fetch, RequestInput } from '../../../protocol/index.js'
import type { Partition } from '../../broker/partition/partition.js'

export type FetchInput = RequestInput<typeof Fetch>
type PartitionInput = NonNullable<NonNullable<FetchInput['topics']>[number]['partitions']>[number]

export const NO_RECORDS = Buffer.alloc(0)

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
  /** It had everything that was committed when it was last asked for: no throttle holds it back. */
  isInSync: boolean
  /** It rests because more is taken than allowed. */
  heldBack: boolean
  /** Its log is being cut. */
  busy: boolean
}

export function newFollowed(partition: Partition, sent: Followed['sent']): Followed {
  const { leaderEpoch } = partition
  return { partition, leaderEpoch, sent, notBeforeMs: 0, refusals: 0, isInSync: false, heldBack: false, busy: false }
}

/** Whether it is still followed in this epoch: its role may have changed while something was waited for. */
export const isCurrent = ({ partition, leaderEpoch }: Followed): boolean =>
  partition.leaderEpoch === leaderEpoch && !partition.isLeader

/**
 * Whether an answer is to what this log asks for. Not when the replica was moved away and back meanwhile: its log begins anew then, and what comes
 * from further on would leave a gap.
 */
export const isAnswered = (followed: Followed): boolean =>
  isCurrent(followed) && followed.sent?.offset === followed.partition.log.endOffset

/** As a request asks for it. */
export function asked(
  { partition, leaderEpoch }: Followed,
  state: NonNullable<Followed['sent']>,
  partitionMaxBytes: number,
): PartitionInput {
  return {
    partition: partition.partition,
    currentLeaderEpoch: leaderEpoch,
    fetchOffset: state.offset,
    lastFetchedEpoch: state.epoch,
    logStartOffset: state.start,
    partitionMaxBytes,
    highWatermark: state.highWatermark,
  }
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
