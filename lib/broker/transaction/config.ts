/** What the transaction coordinator can be told. Names follow Kafka's broker configs, given beside each. */
export interface TransactionConfig {
  /** transaction.max.timeout.ms: the longest timeout a producer may ask for. */
  readonly timeoutMaxMs: number
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms: how often the coordinator looks for transactions that are overdue. */
  readonly abortIntervalMs: number
  /** transactional.id.expiration.ms */
  readonly expirationMs: number
  /** transaction.remove.expired.transaction.cleanup.interval.ms */
  readonly expirationIntervalMs: number
  /** After markers that could not be written the first pause; each further one is twice as long, up to the longest. */
  readonly markerRetryMs: number
  readonly markerRetryMaxMs: number
  /**
   * Transactional ids per partition of `__transaction_state`: a client that takes a new id for every record must not eat the heap. New ones
   * hear COORDINATOR_NOT_AVAILABLE until old ones expire.
   */
  readonly idsPerShardMax: number
}

export const defaultTransactionConfig: TransactionConfig = {
  timeoutMaxMs: 900_000,
  abortIntervalMs: 10_000,
  expirationMs: 7 * 24 * 60 * 60_000,
  expirationIntervalMs: 3_600_000,
  markerRetryMs: 100,
  markerRetryMaxMs: 10_000,
  idsPerShardMax: 100_000,
}
