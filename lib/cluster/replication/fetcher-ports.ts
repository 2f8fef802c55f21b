/** What a fetcher is told, and needs. */
import type { ReplicationThrottle } from '../../broker/partition/replication-throttle.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { Peer } from '../peer.js'

export interface FetcherOptions {
  readonly leaderId: number
  readonly brokerId: number
  readonly settings: FetcherSettings
}

/** Read before every request: they may change while the broker runs. */
export interface FetcherSettings {
  /** `replica.fetch.wait.max.ms`, `replica.fetch.min.bytes`, `replica.fetch.response.max.bytes`, `replica.fetch.max.bytes`. */
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly responseMaxBytes: number
  readonly partitionMaxBytes: number
  /** `replica.fetch.backoff.ms`. */
  readonly backoffMs: number
}

export interface FetcherPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly peer: Peer
  /** Asks the leader, over another connection, to answer what waits there for this broker: there is more to ask for. */
  nudge(): void
  /** This broker's epoch, -1 before it is registered (KIP-903). */
  brokerEpoch(): number
  /** How fast records may be taken. */
  readonly throttle: ReplicationThrottle
  /** Writes what all logs have accepted. */
  flushPending(): void
  /** Notes durably where the log of a partition starts. Rejects with DiskError. */
  noteLogStart(topic: string, partition: number): Promise<void>
}
