/**
 * How fast replicas may be copied (KIP-73; Kafka's ReplicationQuotaManager): bytes per second that this broker sends to followers, or takes from
 * leaders, of the partitions that are named. Others, and replicas that are in sync, are never held back; what they move counts all the same.
 */

import type { Clock } from '../../host/clock.js'
import type { BrokerConfig } from '../../metadata/broker-config.js'
import type { Delta } from '../../metadata/delta.js'
import { ConfigResource, type Image, resourceConfigs } from '../../metadata/image.js'
import { RateLimit, type RateLimitOptions } from '../../metrics/rate-limit.js'

type Which = ReadonlySet<number> | 'all'

const RATES = {
  leader: 'leader.replication.throttled.rate',
  follower: 'follower.replication.throttled.rate',
  directories: 'replica.alter.log.dirs.io.max.bytes.per.second',
} as const
const REPLICAS = {
  leader: 'leader.replication.throttled.replicas',
  follower: 'follower.replication.throttled.replicas',
} as const

/** One side: what is sent, or what is taken. */
export class ReplicationThrottle {
  readonly rate: RateLimit
  readonly #topics = new Map<string, Which>()

  constructor(rate: RateLimit) {
    this.rate = rate
  }

  /** No partition is throttled: nothing has to be counted. */
  get isIdle(): boolean {
    return this.#topics.size === 0
  }

  isThrottled(topic: string, partition: number): boolean {
    const which = this.#topics.get(topic)
    return which !== undefined && (which === 'all' || which.has(partition))
  }

  /** The partition may move nothing more at present, unless its replica is in sync. */
  holdsBack(topic: string, partition: number): boolean {
    return !this.isIdle && this.isThrottled(topic, partition) && this.rate.isExceeded
  }

  /** Bytes of records have moved. */
  record(topic: string, partition: number, bytes: number): void {
    if (bytes > 0 && this.isThrottled(topic, partition)) this.rate.record(bytes)
  }

  setTopic(topic: string, which: Which | null): void {
    if (which === null) this.#topics.delete(topic)
    else this.#topics.set(topic, which)
  }
}

/** `*`, or pairs `partition:broker` of which those with this broker count. Null: none of its partitions. */
export function throttledPartitions(text: string | undefined, brokerId: number): Which | null {
  const trimmed = text?.trim() ?? ''
  if (trimmed === '*') return 'all'
  const pairs = trimmed.split(',').map((pair) => pair.split(':').map((part) => Number(part.trim())))
  const here = pairs.flatMap(([partition, broker]) => (broker === brokerId ? [partition!] : []))
  return here.length === 0 ? null : new Set(here)
}

/** What this broker is told about throttles, by its own configs, those of all brokers and those of topics. */
export class ReplicationThrottles {
  readonly leader: ReplicationThrottle
  readonly follower: ReplicationThrottle
  /** Between the log directories of this broker: all that moves. */
  readonly directories: RateLimit
  /** After limits or lists have changed: who is held back may go on. */
  onChange: (() => void) | null = null
  readonly #config: BrokerConfig

  constructor(config: BrokerConfig, clock: Pick<Clock, 'monotonic'>) {
    this.#config = config
    const options: RateLimitOptions = {
      windows: config.number('replication.quota.window.num'),
      windowMs: config.number('replication.quota.window.size.seconds') * 1000,
    }
    this.leader = new ReplicationThrottle(new RateLimit(options, clock))
    this.follower = new ReplicationThrottle(new RateLimit(options, clock))
    this.directories = new RateLimit(
      {
        windows: config.number('alter.log.dirs.replication.quota.window.num'),
        windowMs: config.number('alter.log.dirs.replication.quota.window.size.seconds') * 1000,
      },
      clock,
    )
  }

  apply({ configs, deletedTopics, after }: Delta): void {
    if (configs.length + deletedTopics.length === 0) return
    const wasIdle = this.#isIdle
    for (const { name } of deletedTopics) this.#takeTopic(after, name)
    for (const { type, name } of configs) if (type === ConfigResource.TOPIC) this.#takeTopic(after, name)
    if (configs.some(({ type }) => type === ConfigResource.BROKER)) this.#takeRates()
    if (!wasIdle || !this.#isIdle) this.onChange?.()
  }

  get #isIdle(): boolean {
    return this.leader.isIdle && this.follower.isIdle
  }

  #takeTopic(image: Image, topic: string): void {
    const configs = resourceConfigs(image, ConfigResource.TOPIC, topic)
    const { brokerId } = this.#config
    for (const side of ['leader', 'follower'] as const)
      this[side].setTopic(topic, throttledPartitions(configs.get(REPLICAS[side]), brokerId))
  }

  #takeRates(): void {
    this.leader.rate.limit = this.#limit(RATES.leader)
    this.follower.rate.limit = this.#limit(RATES.follower)
    this.directories.limit = this.#limit(RATES.directories)
  }

  /** Kafka's default is the largest LONG: no limit. */
  #limit(name: string): number {
    const text = this.#config.sources([name])[0]?.value
    const rate = text === undefined ? Number.POSITIVE_INFINITY : Number(text)
    return rate >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : rate
  }
}
