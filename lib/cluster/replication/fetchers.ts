/** All that this broker follows: one fetcher per leader, moved about as the metadata says. */
import { Partition } from '../../broker/partition/partition.js'
import type { ReplicationThrottle } from '../../broker/partition/replication-throttle.js'
import type { Clock } from '../../host/clock.js'
import type { Logger } from '../../host/logger.js'
import type { Delta } from '../../metadata/delta.js'
import type { PartitionImage, TopicImage } from '../../metadata/image.js'
import type { Peer } from '../peer.js'
import { ReplicaFetcher } from './fetcher.js'
import type { FetcherSettings } from './fetcher-ports.js'

export interface FetchersPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** A connection of its own: a fetch that waits holds up everything behind it. */
  peer(brokerId: number): Peer
  /** See FetcherPorts. */
  nudge(brokerId: number): void
  find(topicId: string, partition: number): Partition | number
  brokerEpoch(): number
  /** See FetcherPorts. */
  readonly throttle: ReplicationThrottle
  flushPending(): void
  noteLogStart(topic: string, partition: number): Promise<void>
}

export class Fetchers {
  readonly #options: { readonly brokerId: number; readonly settings: FetcherSettings }
  readonly #ports: FetchersPorts
  readonly #byLeader = new Map<number, ReplicaFetcher>()
  /** Leader by `topicId:partition`. */
  readonly #leaders = new Map<string, number>()
  #closed = false

  constructor(options: { readonly brokerId: number; readonly settings: FetcherSettings }, ports: FetchersPorts) {
    this.#options = options
    this.#ports = ports
  }

  /** After the partitions have taken their roles. */
  apply(delta: Delta): void {
    // The cluster goes on while this broker stops: its logs are being closed.
    if (this.#closed) return
    for (const { topic, partition } of delta.removed) this.#stop(topic, partition)
    for (const { topic, partition } of delta.led) this.#stop(topic, partition)
    for (const { topic, partition } of delta.followed) this.#follow(topic, partition)
    for (const [leaderId, fetcher] of this.#byLeader) {
      if (!fetcher.isEmpty) continue
      fetcher.close()
      this.#byLeader.delete(leaderId)
    }
  }

  throttleChanged(): void {
    for (const fetcher of this.#byLeader.values()) fetcher.throttleChanged()
  }

  close(): void {
    this.#closed = true
    for (const fetcher of this.#byLeader.values()) fetcher.close()
    this.#byLeader.clear()
    this.#leaders.clear()
  }

  #follow(topic: TopicImage, image: PartitionImage): void {
    const key = `${topic.topicId}:${image.partition}`
    if (this.#leaders.get(key) !== image.leader) this.#stop(topic, image)
    const partition = this.#ports.find(topic.topicId, image.partition)
    // Its log has failed, or nobody leads: there is nothing to fetch for.
    if (!(partition instanceof Partition) || image.leader < 0 || partition.role.kind !== 'follower') return
    this.#leaders.set(key, image.leader)
    this.#fetcher(image.leader).add(partition)
  }

  #stop(topic: TopicImage, { partition }: PartitionImage): void {
    const key = `${topic.topicId}:${partition}`
    const leaderId = this.#leaders.get(key)
    if (leaderId === undefined) return
    this.#leaders.delete(key)
    this.#byLeader.get(leaderId)?.remove({ topicId: topic.topicId, partition })
  }

  #fetcher(leaderId: number): ReplicaFetcher {
    let fetcher = this.#byLeader.get(leaderId)
    if (fetcher === undefined) {
      const { clock, logger, brokerEpoch, throttle, flushPending, noteLogStart } = this.#ports
      const nudge = () => this.#ports.nudge(leaderId)
      const { brokerId, settings } = this.#options
      fetcher = new ReplicaFetcher(
        { leaderId, brokerId, settings },
        { clock, logger, peer: this.#ports.peer(leaderId), nudge, brokerEpoch, throttle, flushPending, noteLogStart },
      )
      this.#byLeader.set(leaderId, fetcher)
    }
    return fetcher
  }
}
