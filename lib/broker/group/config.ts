/** What the group coordinator can be told. Names follow Kafka's broker configs, given beside each. */
export interface GroupConfig {
  /** group.initial.rebalance.delay.ms. Kafka's default is 3000; 0 suits tests: the first member gets its generation at once. */
  initialRebalanceDelayMs: number
  /** group.min.session.timeout.ms */
  sessionTimeoutMinMs: number
  /** group.max.session.timeout.ms */
  sessionTimeoutMaxMs: number
  /** group.max.size: members of one classic group. */
  maxSize: number
  /** offset.metadata.max.bytes; Kafka counts UTF-16 units, and so do we. */
  offsetMetadataMaxSize: number
  /** offsets.retention.minutes, in ms. */
  offsetsRetentionMs: number
  /** offsets.retention.check.interval.ms */
  offsetsRetentionCheckIntervalMs: number
  /** How long a JoinGroup of a member that has no id yet may wait (Kafka: 5 minutes, fixed): it has no session to time out. */
  newMemberJoinTimeoutMs: number
  /**
   * Ids handed out by MEMBER_ID_REQUIRED that nobody has joined with, per group. A client that asks for ids in a loop would
   * otherwise grow the group by one entry per request, for as long as its session timeout (up to 30 minutes) says.
   */
  pendingMembersMax: number
  /** Groups per partition of `__consumer_offsets`. A client that joins under random names must not eat the heap. */
  groupsPerShardMax: number
  /** Offsets per partition of `__consumer_offsets` that wait for the end of their transactions: some 200 MB at most. */
  pendingOffsetsMax: number
}

export const defaultGroupConfig: GroupConfig = {
  initialRebalanceDelayMs: 0,
  sessionTimeoutMinMs: 6_000,
  sessionTimeoutMaxMs: 1_800_000,
  maxSize: 2_147_483_647,
  offsetMetadataMaxSize: 4096,
  offsetsRetentionMs: 7 * 24 * 60 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  newMemberJoinTimeoutMs: 5 * 60_000,
  pendingMembersMax: 10_000,
  groupsPerShardMax: 100_000,
  pendingOffsetsMax: 1_000_000,
}
