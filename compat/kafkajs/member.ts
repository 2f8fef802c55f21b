import type { Consumer, ConsumerConfig, ConsumerRunConfig, ConsumerSubscribeTopics } from 'kafkajs'
import { closing, eventually, kafka, type Received, received } from './support.js'

export interface MemberOptions {
  readonly groupId: string
  readonly subscribe: ConsumerSubscribeTopics
  readonly config?: Partial<ConsumerConfig>
  readonly run?: ConsumerRunConfig
  readonly clientId?: string
}

/** A consumer in a group that remembers what it was given: partitions by topic, and records. */
export class Member {
  readonly records: Received[] = []
  /** The newest assignment, topic by topic; undefined before the first join. */
  assignment: Record<string, number[]> | undefined
  joins = 0
  memberId = ''
  isLeader = false
  stopped = false

  constructor(readonly consumer: Consumer) {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.assignment = payload.memberAssignment
      this.joins += 1
      this.memberId = payload.memberId
      this.isLeader = payload.isLeader
    })
    consumer.on(consumer.events.DISCONNECT, () => {
      this.stopped = true
    })
  }

  partitionsOf(topic: string): number[] {
    return [...(this.assignment?.[topic] ?? [])].sort((a, b) => a - b)
  }

  /** Resolves when at least `count` records have arrived. */
  async receives(count: number): Promise<Received[]> {
    await eventually(`${count} records`, () => this.records.length >= count)
    return this.records
  }

  async leave(): Promise<void> {
    await this.consumer.disconnect()
  }
}

/**
 * Joins a group and runs. Resolves when the member has joined (kafkajs's `run` itself resolves earlier). Heartbeats and
 * fetches are quick, so that a rebalance takes a fraction of a second.
 */
export async function join(options: MemberOptions): Promise<Member> {
  const client = kafka(options.clientId === undefined ? {} : { clientId: options.clientId })
  const consumer = client.consumer({
    groupId: options.groupId,
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 50,
    allowAutoTopicCreation: false,
    ...options.config,
  })
  const member = new Member(closing(consumer))
  await consumer.connect()
  await consumer.subscribe(options.subscribe)
  const remember: ConsumerRunConfig = {
    eachMessage: async ({ topic, partition, message }) => {
      member.records.push(received(topic, partition, message))
    },
  }
  await consumer.run({ ...(options.run?.eachBatch ? {} : remember), ...options.run })
  await eventually('the join', () => member.joins > 0)
  return member
}

/** Waits until the members together own exactly these partitions of a topic, each of them once. */
export async function sharing(members: readonly Member[], topic: string, partitions: number): Promise<void> {
  const wanted = Array.from({ length: partitions }, (_, i) => i).join()
  const owned = () =>
    members
      .flatMap((member) => member.partitionsOf(topic))
      .sort((a, b) => a - b)
      .join()
  await eventually(`${members.length} members share ${partitions} partitions`, () => {
    const spread = members.map((member) => member.partitionsOf(topic).length)
    const fair = Math.max(...spread) - Math.min(...spread) <= 1
    return fair && owned() === wanted
  })
}
