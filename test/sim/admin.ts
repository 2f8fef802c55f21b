/** An administrator: makes, changes and deletes topics of its own and deletes records of others; what was acknowledged has to last. */
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  ErrorCode,
  errorName,
  IncrementalAlterConfigs,
  Metadata,
} from '../../protocol/index.js'
import type { Ground } from './ground.js'
import type { PartitionHistory } from './history.js'
import { PASSING } from './readers.js'
import { type Client, NoAnswer } from './rpc.js'
import { type Chance, Violation } from './world.js'

const UNDER_WAY: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_REPLICATION_FACTOR,
  ErrorCode.TOPIC_ALREADY_EXISTS,
  ErrorCode.INVALID_PARTITIONS,
])
const TOPIC = 2
const CONFIG = 'retention.ms'
const TIMEOUT_MS = 2000

/** What may be true of a topic: each change without an answer adds a possibility, each answer takes the others away. */
interface TopicState {
  readonly name: string
  /** Partition counts that are possible; 0 is a topic that is not there. */
  partitions: Set<number>
  /** Values of `retention.ms` that are possible. */
  values: Set<string>
  /** Of these, those that were asked for and have no answer. */
  readonly unanswered: Set<string>
}

export class Admin {
  readonly #chance: Chance
  readonly #rpc: Client
  readonly #topics: TopicState[] = []

  constructor(
    readonly name: string,
    readonly shrinkable: readonly PartitionHistory[],
    readonly ground: Ground,
  ) {
    this.#chance = ground.world.chance(name)
    this.#rpc = ground.rpc(name)
  }

  async run(): Promise<void> {
    const { ground } = this
    while (!ground.ending) {
      try {
        await this.#step()
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        ground.counts.unanswered++
        // What was asked may still be under way: nothing new before it is through.
        await ground.world.sleep(300)
      }
      await ground.world.sleep(this.#chance.between(10, 120))
    }
  }

  #step(): Promise<void> {
    const known = this.#topics.filter(({ partitions }) => partitions.size === 1 && !partitions.has(0))
    const roll = this.#chance.between(0, 99)
    if (known.length === 0 || (roll < 20 && this.#topics.length < 6)) return this.#create()
    const topic = this.#chance.pick(known)
    if (roll < 35) return this.#alter(topic)
    if (roll < 45) return this.#grow(topic)
    if (roll < 60) return this.#delete(topic)
    return this.#deleteRecords(this.#chance.pick(this.shrinkable))
  }

  async #create(): Promise<void> {
    const name = `scratch-${this.#topics.length + 1}`
    const count = this.#chance.between(1, 3)
    const value = String(this.#chance.between(1_000_000_000, 2_000_000_000))
    const topic: TopicState = { name, partitions: new Set([0, count]), values: new Set([value]), unanswered: new Set() }
    this.#topics.push(topic)
    const configs = [{ name: CONFIG, value }]
    const one = { name, numPartitions: count, replicationFactor: -1, assignments: [], configs }
    const answer = await this.#rpc.call(CreateTopics, 7, { topics: [one], timeoutMs: TIMEOUT_MS })
    if (this.#done('create', name, answer.topics[0]!.errorCode)) topic.partitions = new Set([count])
  }

  async #alter(topic: TopicState): Promise<void> {
    const value = String(this.#chance.between(1_000_000_000, 2_000_000_000))
    topic.values.add(value)
    topic.unanswered.add(value)
    const configs = [{ name: CONFIG, configOperation: 0, value }]
    const resources = [{ resourceType: TOPIC, resourceName: topic.name, configs }]
    const answer = await this.#rpc.call(IncrementalAlterConfigs, 1, { resources })
    if (!this.#done('alter', topic.name, answer.responses[0]!.errorCode)) return
    // What a broker forwards again, because the controller did not answer, may be done after this, as in Kafka.
    topic.values = new Set(this.ground.isCluster ? [...topic.unanswered, value] : [value])
    topic.unanswered.delete(value)
  }

  async #grow(topic: TopicState): Promise<void> {
    const count = Math.max(...topic.partitions) + 1
    topic.partitions.add(count)
    const topics = [{ name: topic.name, count, assignments: null }]
    const answer = await this.#rpc.call(CreatePartitions, 3, { topics, timeoutMs: TIMEOUT_MS })
    if (this.#done('grow', topic.name, answer.results[0]!.errorCode)) topic.partitions = new Set([count])
  }

  async #delete(topic: TopicState): Promise<void> {
    topic.partitions.add(0)
    const answer = await this.#rpc.call(DeleteTopics, 5, { topicNames: [topic.name], timeoutMs: TIMEOUT_MS })
    if (this.#done('delete', topic.name, answer.responses[0]!.errorCode)) topic.partitions = new Set([0])
  }

  async #deleteRecords(history: PartitionHistory): Promise<void> {
    const { highWatermark, start } = history
    if (highWatermark <= start) return
    const offset = this.#chance.between(start, Math.ceil((start + highWatermark) / 2))
    // A new leader does not know yet how far its records are committed, and says so, as Kafka's does.
    let patience = this.ground.isCluster ? 10 : 0
    while (!(await this.#deletes(history, offset, patience-- > 0))) await this.ground.world.sleep(500)
  }

  /** False: not yet, which `mayBeNew` allows. */
  async #deletes(history: PartitionHistory, offset: number, mayBeNew: boolean): Promise<boolean> {
    const { losses } = history
    history.startAsked = Math.max(history.startAsked, offset)
    const topics = [{ name: history.topic, partitions: [{ partitionIndex: history.partition, offset }] }]
    const answer = await this.#rpc.call(DeleteRecords, 2, { topics, timeoutMs: TIMEOUT_MS })
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    this.ground.world.say(
      this.name,
      `delete records of ${history.name} below ${offset}: ${errorName(errorCode)} ${lowWatermark}`,
    )
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && mayBeNew) return false
    if (errorCode === ErrorCode.NONE) history.start = Math.max(history.start, offset)
    else if (!PASSING.has(errorCode) && errorCode !== ErrorCode.REQUEST_TIMED_OUT && losses === history.losses) {
      throw new Violation(`Records of ${history.name} below ${offset} could not be deleted: ${errorName(errorCode)}.`)
    }
    return true
  }

  #done(what: string, topic: string, errorCode: number): boolean {
    this.ground.world.say(this.name, `${what} ${topic}: ${errorName(errorCode)}`)
    if (errorCode === ErrorCode.NONE) return true
    if (errorCode === ErrorCode.REQUEST_TIMED_OUT || PASSING.has(errorCode)) return false
    // Fewer brokers than copies, or a question that was carried out and forwarded again.
    if (this.ground.isCluster && UNDER_WAY.has(errorCode)) return false
    throw new Violation(`To ${what} ${topic} was refused with ${errorName(errorCode)}.`)
  }

  /** The topics are what the answers said. */
  async verify(rpc: Client, what: string): Promise<void> {
    const { topics } = await this.ground.insist(() =>
      rpc.call(Metadata, 12, { topics: null, allowAutoTopicCreation: false }),
    )
    const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
    for (const { name, partitions } of this.#topics) {
      const count = counts.get(name) ?? 0
      if (!partitions.has(count)) {
        throw new Violation(
          `${what}: topic ${name} has ${count} partitions, but what was acknowledged is ${[...partitions].join(' or ')}.`,
        )
      }
    }
    for (const { name, partitions } of this.ground.plans) {
      if (counts.get(name) !== partitions)
        throw new Violation(`${what}: topic ${name} has lost partitions or is not there.`)
    }
    const resources = this.#topics
      .filter(({ name }) => counts.has(name))
      .map(({ name }) => ({ resourceType: TOPIC, resourceName: name, configurationKeys: [CONFIG] }))
    if (resources.length === 0) return
    const { results } = await this.ground.insist(() => rpc.call(DescribeConfigs, 4, { resources }))
    for (const { resourceName, configs } of results) {
      const { values } = this.#topics.find(({ name }) => name === resourceName)!
      const value = configs[0]?.value ?? 'unset'
      if (!values.has(value)) {
        throw new Violation(
          `${what}: ${CONFIG} of ${resourceName} is ${value}, but what was acknowledged is ${[...values].join(' or ')}.`,
        )
      }
    }
  }
}
