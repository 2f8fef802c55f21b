/**
 * Tells the controller which replicas this broker cannot serve because their disk failed or their files are damaged, so that others lead and no
 * ISR counts on them (Kafka's AssignmentsManager, and OfflineLogDirs in its heartbeats). Told again until the metadata has it: also to the next
 * controller, and in the next life of a broker whose files are as bad as before.
 */
import type { Clock, Timer } from '../host/clock.js'
import type { Logger } from '../host/logger.js'
import { type Image, isLost } from '../metadata/image.js'

export interface OfflineReplica {
  readonly topicId: string
  readonly partition: number
}

export interface OfflineReplicasPorts {
  readonly clock: Clock
  readonly logger: Logger
  image(): Image
  /** Those of this broker. */
  offline(): Iterable<OfflineReplica>
  /** Tells the controller, wherever it is. Rejects when no answer can be had. */
  tell(replicas: readonly OfflineReplica[]): Promise<void>
}

const RETRY_MS = 200
/** In one request (Kafka's AssignmentsManager). */
const TOLD_AT_ONCE = 2250

export class OfflineReplicas {
  readonly #brokerId: number
  readonly #ports: OfflineReplicasPorts
  /** Something has failed in this life. */
  #any = false
  #telling = false
  #soon: Timer | null = null
  #closed = false

  constructor(options: { readonly brokerId: number }, ports: OfflineReplicasPorts) {
    this.#brokerId = options.brokerId
    this.#ports = ports
  }

  /** A replica has failed, or the metadata has changed. */
  note(hasFailed: boolean): void {
    if (hasFailed) this.#any = true
    if (this.#any) this.#tellIn(0)
  }

  close(): void {
    this.#closed = true
    this.#soon?.cancel()
  }

  #tellIn(delayMs: number): void {
    if (this.#closed || this.#telling || this.#soon !== null) return
    this.#soon = this.#ports.clock.setTimer(delayMs, () => {
      this.#soon = null
      void this.#tell()
    })
  }

  /** Orchestrator: looks at the newest image after every answer. */
  async #tell(): Promise<void> {
    const untold = this.#untold()
    if (untold.length === 0) return
    this.#telling = true
    try {
      await this.#ports.tell(untold.slice(0, TOLD_AT_ONCE))
    } catch (error) {
      if (!this.#closed)
        this.#ports.logger.info(`The controller could not be told of failed replicas: ${String(error)}`)
    } finally {
      this.#telling = false
    }
    if (this.#untold().length > 0) this.#tellIn(RETRY_MS)
  }

  #untold(): OfflineReplica[] {
    const { topicsById, brokers } = this.#ports.image()
    if (!brokers.has(this.#brokerId)) return []
    const untold: OfflineReplica[] = []
    for (const { topicId, partition } of this.#ports.offline()) {
      const known = topicsById.get(topicId)?.partitions[partition]
      if (known?.replicas.includes(this.#brokerId) && !isLost(known, this.#brokerId))
        untold.push({ topicId, partition })
    }
    return untold
  }
}
