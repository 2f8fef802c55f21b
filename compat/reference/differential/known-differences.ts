/**
 * Scenarios whose answers differ from Apache Kafka's on purpose, or not yet as they should, each with its reason. The
 * same entries stand in compat/FINDINGS.md at length. The runner fails when a scenario differs that is not listed here,
 * and also when a listed one does not differ any more.
 */
export interface KnownDifference {
  readonly scenario: string
  readonly reason: string
}

const WHOLE_BATCHES =
  'a fetch gives whole batches; Kafka cuts the last one off where the limit is, and clients skip the rest'
const UNKNOWN_OPERATION =
  'an operation that there is not is INVALID_REQUEST for its resource; Kafka fails on it with its catch-all error'
const GROUP_ONCE =
  'a group whose every offset is asked for twice in one request is answered once, so that answers stay bounded'
const PRODUCERS_ONCE =
  'a partition asked for twice in one DescribeProducers is answered once, so that answers stay bounded'
const TRANSACTION_ONCE = 'a transactional id named twice in one request is described once, so that answers stay bounded'

export const knownDifferences: readonly KnownDifference[] = [
  ...['v4', 'v12', 'v18'].map((v) => ({
    scenario: `Fetch ${v}: two topics under one small limit`,
    reason: WHOLE_BATCHES,
  })),
  ...['v0', 'v1'].map((v) => ({
    scenario: `IncrementalAlterConfigs ${v}: an unknown operation`,
    reason: UNKNOWN_OPERATION,
  })),
  ...['v8', 'v9', 'v10'].map((v) => ({ scenario: `OffsetFetch ${v}: several groups`, reason: GROUP_ONCE })),
  { scenario: 'DescribeProducers: a partition asked for twice', reason: PRODUCERS_ONCE },
  { scenario: 'DescribeTransactions: an id twice', reason: TRANSACTION_ONCE },
]
