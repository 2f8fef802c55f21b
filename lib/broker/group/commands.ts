/**
 * What can be asked of one shard of the group coordinator, and what it answers. Field names are the wire's; shapes that differ
 * between API versions are settled by the handlers.
 */
import type { ErrorCode } from '../../../protocol/errors.js'
import type { Slot } from '../coordinator/contract.js'

export interface JoinGroupCommand {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As Kafka stores it: `/` and the address. */
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly JoinGroupProtocol[]
  /** KIP-394 (v4+): a dynamic member gets its id first and joins with it. */
  readonly requireKnownMemberId: boolean
  /** KIP-814 (v9+): a static leader that comes back is told not to assign again. */
  readonly supportsSkippingAssignment: boolean
  /** KIP-800: why the client joins, for the log. */
  readonly reason: string | null
}

export interface JoinGroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinGroupReply {
  readonly errorCode: ErrorCode
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly JoinGroupReplyMember[]
}

export interface JoinGroupReplyMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

export interface SyncGroupCommand {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Null: not given (before v5), not checked. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncGroupReply {
  readonly errorCode: ErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export interface HeartbeatCommand {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface HeartbeatReply {
  readonly errorCode: ErrorCode
}

export interface LeaveGroupCommand {
  readonly groupId: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly reason: string | null
  }[]
}

export interface LeaveGroupReply {
  readonly errorCode: ErrorCode
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly errorCode: ErrorCode
  }[]
}

export interface OffsetCommitCommand {
  readonly groupId: string
  readonly generationIdOrMemberEpoch: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** -1: the broker's retention. */
  readonly retentionTimeMs: number
  /** v9+ tells an unknown group by its own error. */
  readonly knowsGroupIdNotFound: boolean
  readonly topics: readonly OffsetCommitTopic[]
}

export interface TxnOffsetCommitCommand {
  readonly groupId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** -1 before v3, as an absent member id is ''. */
  readonly generationIdOrMemberEpoch: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** v6+ tells an unknown group by its own error. */
  readonly knowsGroupIdNotFound: boolean
  readonly topics: readonly OffsetCommitTopic[]
}

export interface OffsetCommitTopic {
  readonly name: string
  /** The zero id when the client named the topic by name. */
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: number
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string | null
  }[]
}

export interface OffsetCommitReply {
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: ErrorCode }[]
  }[]
}

export interface OffsetFetchCommand {
  readonly groupId: string
  /** Null: every offset the group has. */
  readonly topics:
    | readonly { readonly name: string; readonly topicId: string; readonly partitionIndexes: readonly number[] }[]
    | null
  readonly requireStable: boolean
}

export interface OffsetFetchReply {
  readonly groupId: string
  readonly errorCode: ErrorCode
  readonly topics: readonly OffsetFetchReplyTopic[]
}

export interface OffsetFetchReplyTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly OffsetFetchReplyPartition[]
}

export interface OffsetFetchReplyPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: ErrorCode
}

export interface OffsetDeleteCommand {
  readonly groupId: string
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
}

export interface OffsetDeleteReply {
  readonly errorCode: ErrorCode
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: ErrorCode }[]
  }[]
}

export interface DescribedGroup {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly protocolType: string
  readonly protocolData: string
  readonly members: readonly DescribedMember[]
}

export interface DescribedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly memberMetadata: Buffer
  readonly memberAssignment: Buffer
}

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly groupState: string
  readonly groupType: string
}

export interface DeletedGroup {
  readonly groupId: string
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

export type GroupCommand =
  | { readonly type: 'join'; readonly request: JoinGroupCommand; readonly slot: Slot<JoinGroupReply> }
  | { readonly type: 'sync'; readonly request: SyncGroupCommand; readonly slot: Slot<SyncGroupReply> }
  | { readonly type: 'heartbeat'; readonly request: HeartbeatCommand; readonly slot: Slot<HeartbeatReply> }
  | { readonly type: 'leave'; readonly request: LeaveGroupCommand; readonly slot: Slot<LeaveGroupReply> }
  | { readonly type: 'commit'; readonly request: OffsetCommitCommand; readonly slot: Slot<OffsetCommitReply> }
  | {
      readonly type: 'commit-transactional'
      readonly request: TxnOffsetCommitCommand
      readonly slot: Slot<OffsetCommitReply>
    }
  | { readonly type: 'fetch'; readonly request: OffsetFetchCommand; readonly slot: Slot<OffsetFetchReply> }
  | { readonly type: 'delete-offsets'; readonly request: OffsetDeleteCommand; readonly slot: Slot<OffsetDeleteReply> }
  | { readonly type: 'describe'; readonly groupIds: readonly string[]; readonly slot: Slot<readonly DescribedGroup[]> }
  | { readonly type: 'list'; readonly filter: GroupFilter; readonly slot: Slot<readonly ListedGroup[]> }
  | { readonly type: 'delete'; readonly groupIds: readonly string[]; readonly slot: Slot<readonly DeletedGroup[]> }
  /** `topics`: ids by name. */
  | { readonly type: 'topics-deleted'; readonly topics: ReadonlyMap<string, string> }
  // What follows a record of the group itself, in the same turn.
  | { readonly type: 'assignment-stored'; readonly groupId: string }
  | {
      readonly type: 'static-member-stored'
      readonly groupId: string
      readonly memberId: string
      readonly leaderBefore: string
      readonly supportsSkippingAssignment: boolean
    }
  // Timers.
  | { readonly type: 'session-expired'; readonly groupId: string; readonly memberId: string }
  | { readonly type: 'join-expired'; readonly groupId: string }
  | {
      readonly type: 'initial-delay-over'
      readonly groupId: string
      readonly delayMs: number
      readonly remainingMs: number
    }
  | { readonly type: 'sync-expired'; readonly groupId: string; readonly generationId: number }
  | { readonly type: 'expire-offsets' }

/** Both sets hold lower-case words; empty means no filter. */
export interface GroupFilter {
  readonly states: ReadonlySet<string>
  readonly types: ReadonlySet<string>
}
