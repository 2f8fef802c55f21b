import type { ErrorCode } from '../../../protocol/errors.js'
import type { PartitionImage } from '../../metadata/image.js'
import { type FollowerState, unknownFollower } from './isr.js'

/**
 * What this broker is for a partition. Every role knows the cluster's last word on the partition (`image`).
 *
 * - leader -> follower, leader -> leader (a new epoch), follower -> leader: by metadata.
 * - any -> offline: the log's disk failed. It stays so until the broker is started again.
 * - any -> gone: the topic was deleted or the replica has moved away. Final.
 */
export type Role =
  | {
      readonly kind: 'leader'
      readonly image: PartitionImage
      /** By broker id; only replicas that are assigned and are not this broker. */
      readonly followers: Map<number, FollowerState>
      /** Where this broker's leadership began: until the high watermark is past it, the end of the log is not known. */
      readonly epochStartOffset: number
    }
  | { readonly kind: 'follower'; readonly image: PartitionImage }
  | { readonly kind: 'offline'; readonly image: PartitionImage }
  | { readonly kind: 'gone'; readonly image: PartitionImage; readonly errorCode: ErrorCode }

export function leaderRole(
  brokerId: number,
  image: PartitionImage,
  before: Role | null,
  endOffset: number,
  nowMs: number,
): Role {
  const sameEpoch = before?.kind === 'leader' && before.image.leaderEpoch === image.leaderEpoch
  const followers = new Map<number, FollowerState>()
  for (const replica of image.replicas) {
    if (replica === brokerId) continue
    // In a new epoch nothing is known of a follower's log until it fetches again.
    followers.set(replica, (sameEpoch ? before.followers.get(replica) : undefined) ?? unknownFollower(nowMs))
  }
  return { kind: 'leader', image, followers, epochStartOffset: sameEpoch ? before.epochStartOffset : endOffset }
}
