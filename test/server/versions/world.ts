/** What the cases of every version share: one broker, one raw connection, and short ways to a topic with something in it. */
import { expect } from 'chai'
import type { Broker } from '../../../lib/embed/broker.js'
import { buildBatch } from '../../../protocol/batch/index.js'
import {
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  type Message,
  Metadata,
  OffsetCommit,
  Produce,
  type RequestInput,
  type ResponseOf,
  SyncGroup,
} from '../../../protocol/index.js'
import { RawClient } from '../../support/raw-client.js'

export interface Topic {
  readonly name: string
  readonly topicId: string
}

export interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** A request that succeeds in this version, and what its answer has to say. */
export type VersionCase = (world: World, version: number) => Promise<void>

export const batch = (...values: string[]): Buffer =>
  buildBatch(
    values.map((value, i) => ({ key: `k${i}`, value, timestamp: 1000 + i })),
    { baseTimestamp: 1000 },
  )

export const protocolMetadata = Buffer.from('0000000000010001620000', 'hex')

export class World {
  readonly broker: Broker
  readonly client: RawClient
  #names = 0

  private constructor(broker: Broker, client: RawClient) {
    this.broker = broker
    this.client = client
  }

  static async on(broker: Broker): Promise<World> {
    const world = new World(broker, await RawClient.connect(broker.bootstrapServers))
    // As every client does before it talks to a group: the first one to ask makes the coordinator's topic.
    await world.send(FindCoordinator, 3, { key: 'group' })
    return world
  }

  /** A name that no other case uses. */
  name(kind: string): string {
    return `${kind}-${++this.#names}`
  }

  send<M extends Message>(message: M, version: number, value: RequestInput<M>): Promise<ResponseOf<M>> {
    return this.client.send(message, version, value)
  }

  async topic(partitions = 1): Promise<Topic> {
    const name = this.name('topic')
    await this.broker.createTopic({ name, partitions })
    return { name, topicId: await this.topicId(name) }
  }

  async topicId(name: string): Promise<string> {
    const { topics } = await this.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
    return topics[0]!.topicId
  }

  /** A topic with these records in one batch, each its value. */
  async filled(...values: string[]): Promise<Topic> {
    const topic = await this.topic()
    const { responses } = await this.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic.name, partitionData: [{ index: 0, records: batch(...values) }] }],
    })
    expect(responses[0]!.partitionResponses[0]).to.include({ errorCode: 0, baseOffset: 0 })
    return topic
  }

  /** The only member of a stable group, its leader. */
  async member(groupId = this.name('group')): Promise<Member> {
    const joined = await this.send(JoinGroup, 3, {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: protocolMetadata }],
    })
    const { memberId, generationId } = joined
    const assignments = [{ memberId, assignment: Buffer.from('mine') }]
    const synced = await this.send(SyncGroup, 3, { groupId, generationId, memberId, assignments })
    const beat = await this.send(Heartbeat, 3, { groupId, generationId, memberId })
    expect([joined.errorCode, synced.errorCode, beat.errorCode]).to.deep.equal([0, 0, 0])
    return { groupId, memberId, generationId }
  }

  /** A group without members, with one committed offset. */
  async committed(topic: string, committedOffset: number): Promise<string> {
    const groupId = this.name('group')
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: 'note' }]
    const { topics } = await this.send(OffsetCommit, 7, { groupId, topics: [{ name: topic, partitions }] })
    expect(topics[0]!.partitions[0]!.errorCode).to.equal(0)
    return groupId
  }
}
