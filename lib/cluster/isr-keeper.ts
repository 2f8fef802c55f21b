/**
 * Keeps the in-sync replicas of the partitions led here true: asks the controller to let a follower out that lags, and in when it has caught
 * up (Kafka's IsrManager and Partition.maybeShrinkIsr, KIP-497).
 */

import { ErrorCode } from '../../protocol/errors.js'
import { proposeIsr } from '../broker/partition/isr.js'
import type { Partition } from '../broker/partition/partition.js'
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import { type Image, isActiveReplica } from '../metadata/image.js'
import type { PartitionUpdate, UpdatedPartition } from './control/partitions.js'

export interface IsrKeeperPorts {
  readonly clock: Clock
  readonly logger: Logger
  image(): Image
  /** Partitions led here that have more than one replica. */
  led(): Iterable<Partition>
  /** Asks the controller, wherever it is. Rejects when no answer can be had. */
  alterPartitions(updates: readonly PartitionUpdate[]): Promise<readonly UpdatedPartition[]>
}

/** Before an answer that did not come is asked for again: the controller may be moving. */
const RETRY_MS = 200

export class IsrKeeper {
  readonly #brokerId: number
  readonly #lagMaxMs: () => number
  readonly #ports: IsrKeeperPorts
  readonly #queue = new Set<Partition>()
  /** Asked for without an answer that counts: the very same question is asked again. */
  readonly #open = new Map<Partition, PartitionUpdate>()
  #asking = false
  #timer: Timer | null = null
  #soon: Timer | null = null
  #closed = false

  constructor(options: { readonly brokerId: number; lagMaxMs(): number }, ports: IsrKeeperPorts) {
    this.#brokerId = options.brokerId
    this.#lagMaxMs = options.lagMaxMs
    this.#ports = ports
  }

  start(): void {
    this.#timer = this.#ports.clock.setTimer(this.#lagMaxMs() / 2, () => {
      for (const partition of this.#ports.led()) this.#queue.add(partition)
      this.#askSoon(0)
      this.start()
    })
  }

  /** A follower may have caught up: looked at in the next turn, together with others. */
  note(partition: Partition): void {
    this.#queue.add(partition)
    this.#askSoon(0)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#soon?.cancel()
    this.#queue.clear()
  }

  #askSoon(delayMs: number): void {
    if (this.#closed || this.#asking || this.#soon !== null) return
    this.#soon = this.#ports.clock.setTimer(delayMs, () => {
      this.#soon = null
      void this.#ask()
    })
  }

  /** Orchestrator: what was asked for is compared with the partition's present state by the partition itself. */
  async #ask(): Promise<void> {
    const asked = this.#proposals()
    if (asked.length === 0) return
    this.#asking = true
    for (const { partition, update } of asked) partition.proposeIsr(update.isr)
    try {
      const results = await this.#ports.alterPartitions(asked.map(({ update }) => update))
      for (const [index, { partition, update }] of asked.entries()) this.#settle(partition, update, results[index])
    } catch (error) {
      // Nobody knows whether it was done: the proposals stay in force (both ISRs count).
      if (!this.#closed)
        this.#ports.logger.info(`The controller could not be asked about in-sync replicas: ${String(error)}`)
      for (const { partition, update } of asked) this.#open.set(partition, update)
    } finally {
      this.#asking = false
    }
    if (this.#queue.size + this.#open.size > 0) this.#askSoon(RETRY_MS)
  }

  #proposals(): { partition: Partition; update: PartitionUpdate }[] {
    const image = this.#ports.image()
    const asked: { partition: Partition; update: PartitionUpdate }[] = []
    for (const [partition, update] of this.#open) if (isPending(partition, update)) asked.push({ partition, update })
    this.#open.clear()
    for (const partition of this.#queue) {
      const isr = this.#wanted(partition, image)
      if (isr === null) continue
      const { leaderEpoch, partitionEpoch } = partition.role.image
      const { topicId, partition: index } = partition
      // KIP-903: what is said of a follower is said of the life that has fetched, also when it is only heard in the next one.
      const isrEpochs = isr.map((id) => partition.follower(id)?.brokerEpoch ?? -1)
      asked.push({ partition, update: { topicId, partition: index, leaderEpoch, partitionEpoch, isr, isrEpochs } })
    }
    this.#queue.clear()
    return asked
  }

  /** The ISR as its leader would have it, when it is another one and none is being asked for. */
  #wanted(partition: Partition, image: Image): readonly number[] | null {
    const { role, log, highWatermark } = partition
    if (role.kind !== 'leader' || partition.isProposing) return null
    return proposeIsr({
      brokerId: this.#brokerId,
      isr: role.image.isr,
      replicas: role.image.replicas,
      followers: role.followers,
      highWatermark,
      leaderEndOffset: log.endOffset,
      leaderStartOffset: log.logStartOffset,
      epochStartOffset: role.epochStartOffset,
      nowMs: this.#ports.clock.monotonic(),
      lagMaxMs: this.#lagMaxMs(),
      isEligible: (id) => {
        // KIP-903: what an earlier life of the broker had says nothing of this one.
        const epoch = role.followers.get(id)?.brokerEpoch ?? -1
        return isActiveReplica(image, role.image, id) && (epoch < 0 || epoch === image.brokers.get(id)?.epoch)
      },
    })
  }

  /**
   * A. done: the metadata brings it. B. refused for sure: the old ISR alone counts again, and the next look proposes anew. C. overtaken by something
   * newer: the metadata brings that, and until then both count. D. nothing is said of the partition itself: asked again.
   */
  #settle(partition: Partition, update: PartitionUpdate, result: UpdatedPartition | undefined): void {
    if (!isPending(partition, update)) return
    switch (result?.errorCode) {
      case ErrorCode.NONE: // A
        break
      case ErrorCode.INELIGIBLE_REPLICA:
      case ErrorCode.OPERATION_NOT_ATTEMPTED: // B
        partition.proposeIsr(null)
        break
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.INVALID_REQUEST:
      case ErrorCode.INVALID_UPDATE_VERSION: // C
        break
      default: // D
        this.#open.set(partition, update)
        break
    }
  }
}

/** Whether the metadata has not yet said what became of it. */
function isPending(partition: Partition, { leaderEpoch, partitionEpoch }: PartitionUpdate): boolean {
  const { kind, image } = partition.role
  return kind === 'leader' && image.leaderEpoch === leaderEpoch && image.partitionEpoch === partitionEpoch
}
