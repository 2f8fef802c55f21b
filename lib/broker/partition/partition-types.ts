/** What a partition is made of and told. */
import type { PartitionLog } from '../../log/partition-log.js'
import type { Partition } from './partition.js'

export interface PartitionOptions {
  readonly brokerId: number
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly minInsyncReplicas: number
}

export interface PartitionPorts {
  readonly log: PartitionLog
  /** How far it was committed as far as this broker's last life knew; null or absent: nothing is known. */
  readonly highWatermark?: number | null
  /** The high watermark has moved, or the role has changed: whoever waits for this partition should look. May be called inside `append`. */
  onChange(partition: Partition): void
  /** The log's disk has failed. May be called inside `append`. */
  onOffline?(): void
  /** A follower that is not in the ISR may have caught up. May be called inside a fetch. */
  onFollowerCaughtUp?(partition: Partition): void
  /** Of a broker that is in the cluster and not fenced, else -1; needed where there are followers. */
  brokerEpoch?(brokerId: number): number
  /** Monotonic ms; needed where there are followers. */
  monotonicMs?(): number
  /** False while the cluster may take this broker for dead: it leads nothing then. */
  inCluster?(): boolean
}

/** What a follower got from its leader with a fetch. */
export interface FromLeader {
  /** Under which it was asked: an answer that comes after a change of leader counts for nothing. */
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly now: number
}
