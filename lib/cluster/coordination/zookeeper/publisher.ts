/**
 * Shows topics and partitions as Kafka's controller showed them in ZooKeeper, for people and tools; no broker reads them. In the background, by the
 * controller alone: every write carries its fence. What is shown lags; when a write fails it is all compared again later.
 */
import type { Clock, Timer } from '../../../host/clock.js'
import type { Logger } from '../../../host/logger.js'
import type { Image, TopicImage } from '../../../metadata/image.js'
import type { ZooKeeperClient } from './client.js'
import { type Acl, type Operation, ZooKeeperError } from './operations.js'
import type { Fence } from './shared-log.js'
import { BROKER_TOPICS, CONTROLLER_EPOCH, partitionPath, partitionStateBytes, topicBytes, topicPath } from './znodes.js'

/** Sent as one multi. */
const OPERATIONS_AT_ONCE = 200
const RETRY_MS = 1000

export interface PublisherPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Null while this broker has none. */
  image(): Image | null
}

/** Under whose lease, and through which session. */
interface Term {
  readonly client: ZooKeeperClient
  readonly fence: Fence
}

export class Publisher {
  readonly #ports: PublisherPorts
  readonly #acl: readonly Acl[]
  #term: Term | null = null
  /** What the nodes show: the topic as it was written, null where another controller wrote it. Null: not read yet. */
  #shown: Map<string, TopicImage | null> | null = null
  #running = false
  #retry: Timer | null = null

  constructor(acl: readonly Acl[], ports: PublisherPorts) {
    this.#acl = acl
    this.#ports = ports
  }

  /** The lease is ours: shows the present state, and every later one that `changed` tells of. */
  begin(client: ZooKeeperClient, fence: Fence): void {
    this.end()
    this.#term = { client, fence }
    this.changed()
  }

  /** The lease is lost, or the broker stops. */
  end(): void {
    this.#term = null
    this.#shown = null
    this.#retry?.cancel()
    this.#retry = null
  }

  changed(): void {
    if (!this.#running && this.#term !== null && this.#retry === null) void this.#run()
  }

  /** Orchestrator: after each await it looks whether the term is still the same, and for the newest image. */
  async #run(): Promise<void> {
    this.#running = true
    let term = this.#term
    try {
      while (term !== null && (await this.#step(term))) term = this.#term
    } catch (error) {
      this.#failed(term, error)
    }
    this.#running = false
    // Another term may have begun meanwhile.
    if (term !== this.#term) this.changed()
  }

  /** Brings one topic up to date; false when all are. */
  async #step(term: Term): Promise<boolean> {
    const image = this.#ports.image()
    if (image === null) return false
    if (this.#shown === null) {
      const names = (await term.client.children(BROKER_TOPICS)) ?? []
      if (term === this.#term) this.#shown = new Map(names.map((name) => [name, null]))
      return true
    }
    const shown = this.#shown
    for (const name of shown.keys()) {
      if (image.topicsByName.has(name)) continue
      await this.#remove(term, topicPath(name))
      shown.delete(name)
      return true
    }
    for (const topic of image.topicsByName.values()) {
      const before = shown.get(topic.name)
      if (before === topic) continue
      await this.#show(term, topic, before)
      shown.set(topic.name, topic)
      return true
    }
    return false
  }

  async #show(term: Term, topic: TopicImage, before: TopicImage | null | undefined): Promise<void> {
    const fits =
      before === null ? await this.#hasShape(term, topic) : before !== undefined && before.topicId === topic.topicId
    if (fits) {
      try {
        return await this.#write(term, this.#differences(term, topic, before ?? null))
      } catch (error) {
        // Another controller has left another shape.
        if (!(error instanceof ZooKeeperError) || (error.code !== 'NO_NODE' && error.code !== 'NODE_EXISTS'))
          throw error
      }
    }
    if (before !== undefined) await this.#remove(term, topicPath(topic.name))
    await this.#write(term, [
      this.#create(topicPath(topic.name), topicBytes(topic)),
      this.#create(`${topicPath(topic.name)}/partitions`),
      ...topic.partitions.flatMap((one) => this.#newPartition(term, topic.name, one)),
    ])
  }

  /** Whether the nodes of another controller may be those of this topic: an earlier one of the same name may have had more partitions. */
  async #hasShape({ client }: Term, { name, partitions }: TopicImage): Promise<boolean> {
    return (await client.children(`${topicPath(name)}/partitions`))?.length === partitions.length
  }

  #differences({ fence }: Term, topic: TopicImage, before: TopicImage | null): Operation[] {
    const operations: Operation[] = [{ op: 'set', path: topicPath(topic.name), data: topicBytes(topic), version: -1 }]
    for (const one of topic.partitions) {
      if (before !== null && before.partitions[one.partition] === undefined) {
        operations.push(...this.#newPartition({ fence }, topic.name, one))
      } else if (before?.partitions[one.partition] !== one) {
        const path = `${partitionPath(topic.name, one.partition)}/state`
        operations.push({ op: 'set', path, data: partitionStateBytes(one, fence.epoch), version: -1 })
      }
    }
    return operations
  }

  #newPartition(
    { fence }: Pick<Term, 'fence'>,
    name: string,
    partition: TopicImage['partitions'][number],
  ): Operation[] {
    const path = partitionPath(name, partition.partition)
    return [this.#create(path), this.#create(`${path}/state`, partitionStateBytes(partition, fence.epoch))]
  }

  #create(path: string, data: Buffer = Buffer.alloc(0)): Operation {
    return { op: 'create', path, data, mode: 'persistent', acl: this.#acl }
  }

  async #write({ client, fence }: Term, operations: readonly Operation[]): Promise<void> {
    const check: Operation = { op: 'check', path: CONTROLLER_EPOCH, version: fence.version }
    for (let at = 0; at < operations.length; at += OPERATIONS_AT_ONCE) {
      await client.multi([check, ...operations.slice(at, at + OPERATIONS_AT_ONCE)])
    }
  }

  /** A node with everything below it. */
  async #remove(term: Term, path: string): Promise<void> {
    const paths = [path]
    for (let at = 0; at < paths.length; at++) {
      const children = (await term.client.children(paths[at]!)) ?? []
      paths.push(...children.map((name) => `${paths[at]}/${name}`))
    }
    await this.#write(
      term,
      paths.reverse().map((one): Operation => ({ op: 'delete', path: one, version: -1 })),
    )
  }

  #failed(term: Term | null, error: unknown): void {
    if (term !== this.#term) return
    // Nobody needs what is shown: it waits for a better moment, and begins by looking at what is there.
    this.#shown = null
    const code = error instanceof ZooKeeperError ? error.code : null
    if (code === 'CLOSED' || code === 'BAD_VERSION' || code === 'SESSION_EXPIRED') return
    if (code !== 'CONNECTION_LOSS') this.#ports.logger.warn(`Topics could not be shown in ZooKeeper: ${String(error)}`)
    this.#retry = this.#ports.clock.setTimer(RETRY_MS, () => {
      this.#retry = null
      this.changed()
    })
  }
}
