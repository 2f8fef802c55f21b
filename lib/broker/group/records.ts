/**
 * What the group coordinator writes to `__consumer_offsets`, as values. `codec.ts` turns them into Kafka's bytes. A null value is a tombstone.
 */
export type GroupRecord = OffsetCommitRecord | GroupMetadataRecord

export interface OffsetCommitRecord {
  readonly type: 'offset-commit'
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly value: CommittedOffset | null
}

/** A committed offset, in memory and (as OffsetCommitValue) in the log. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: the client did not say. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall time in ms. */
  readonly commitTimestamp: number
  /** Wall time in ms, only from OffsetCommit v2-v4 with a retention of its own; -1 otherwise. */
  readonly expireTimestamp: number
  /** The topic's id when it was committed; the zero id in records of old brokers and with an expiry. */
  readonly topicId: string
}

export interface GroupMetadataRecord {
  readonly type: 'group-metadata'
  readonly group: string
  readonly value: GroupMetadata | null
}

/** GroupMetadataValue: a generation as it was when all was agreed. */
export interface GroupMetadata {
  /** '' when the group never had members. */
  readonly protocolType: string
  readonly generation: number
  readonly protocol: string | null
  readonly leader: string | null
  /** Wall time in ms, -1 in records of old brokers. */
  readonly currentStateTimestamp: number
  readonly members: readonly MemberMetadata[]
}

export interface MemberMetadata {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1 in records of old brokers: the session timeout then. */
  readonly rebalanceTimeout: number
  readonly sessionTimeout: number
  readonly subscription: Buffer
  readonly assignment: Buffer
}

export const ZERO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
