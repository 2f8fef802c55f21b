/** Several brokers in one process: what the notes promise of a cluster, with kafkajs and without a sleep. */
import { expect } from 'chai'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { Cluster, type ClusterOptions } from '../../lib/index.js'
import { decodeBatch, forEachBatch } from '../../protocol/batch/index.js'
import {
  AlterPartitionReassignments,
  CreateTopics,
  DeleteRecords,
  DescribeCluster,
  ElectLeaders,
  ErrorCode,
  Fetch,
  FindCoordinator,
  ListPartitionReassignments,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

const IDS = [101, 102, 103]
let cluster: Cluster
const clients: { disconnect(): Promise<void> }[] = []

async function start(options: ClusterOptions = {}): Promise<Kafka> {
  cluster = await Cluster.create({ brokerIds: IDS, ...options })
  return new Kafka({
    brokers: cluster.brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 10, retries: 30 },
  })
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const whole = (topic: string, partitions: number, copies: number) =>
  until(
    () => Array.from({ length: partitions }, (_, p) => cluster.isrOf(topic, p).length).every((n) => n === copies),
    `${copies} in-sync replicas of ${topic}`,
  )

async function producerOf(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  clients.push(producer)
  await producer.connect()
  return producer
}

const clientOf = (brokerId: number) => RawClient.connect(cluster.brokers[IDS.indexOf(brokerId)]!)

/**
 * The values of a topic, partition by partition, from the leaders. Without a kafkajs consumer: one that loses its connections at the wrong moment
 * spins in microtasks for ever (its fetchers go on after its runner has stopped), and nothing else in the process runs any more.
 */
async function valuesOf(topic: string, partitions: number): Promise<string[]> {
  const values: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const client = await clientOf(cluster.leaderOf(topic, partition)!)
    const [of] = (await client.send(Metadata, 12, { topics: [{ name: topic }] })).topics
    for (let offset = 0; ; ) {
      const answer = await client.send(Fetch, 13, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1 << 20,
        sessionEpoch: -1,
        topics: [
          { topicId: of!.topicId, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] },
        ],
      })
      const { records, errorCode, highWatermark } = answer.responses[0]!.partitions[0]!
      expect(errorCode).to.equal(ErrorCode.NONE)
      if (offset >= highWatermark) break
      forEachBatch(records!, (at) => {
        for (const record of decodeBatch(records!, undefined, at)) {
          values.push(String(record.value))
          offset = Number(record.offset) + 1
        }
      })
    }
    client.close()
  }
  return values
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`)

/**
 * One record per request: kafkajs 2.2.4 loses the records of a partition whose leader moves, in the middle of a request for several partitions,
 * to a broker that has answered its own part already.
 */
async function send(producer: Producer, topic: string, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await producer.send({ topic, acks: -1, messages: [{ key: `k${n}`, value: `v${n}` }] })
  }
}

describe('embed/cluster', function () {
  this.timeout(30_000)
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.disconnect()))
    await cluster.close()
  })

  for (const how of ['kill', 'controlled'] as const) {
    it(`the notes' scenario: brokers 101, 102, 103, and 102 stops (${how})`, async () => {
      const kafka = await start()
      await cluster.createTopic({ name: 'topic-A', partitions: 3, replicationFactor: 2 })
      const producer = await producerOf(kafka)
      await send(producer, 'topic-A', 0, 50)
      await cluster.stopBroker(102, { how })
      for (const partition of [0, 1, 2]) expect(cluster.leaderOf('topic-A', partition)).to.be.oneOf([101, 103])
      await send(producer, 'topic-A', 50, 50)
      await cluster.startBroker(102)
      await whole('topic-A', 3, 2)
      await send(producer, 'topic-A', 100, 20)
      expect(await valuesOf('topic-A', 3)).to.have.members(numbered(120))
    })
  }

  it('goes on with one of three brokers when every partition has three replicas', async () => {
    const kafka = await start({ topics: [{ name: 'rf3', partitions: 2, replicationFactor: 3 }] })
    const producer = await producerOf(kafka)
    await send(producer, 'rf3', 0, 20)
    await cluster.stopBroker(101, { how: 'kill' })
    await cluster.stopBroker(102, { how: 'kill' })
    expect([0, 1].map((p) => cluster.leaderOf('rf3', p))).to.deep.equal([103, 103])
    await send(producer, 'rf3', 20, 20)
    expect(await valuesOf('rf3', 2)).to.have.members(numbered(40))
    await cluster.startBroker(102)
    await cluster.startBroker(101)
    await whole('rf3', 2, 3)
  })

  it('refuses acks=-1 below min.insync.replicas, and takes it again when a replica is back', async () => {
    const kafka = await start({
      topics: [{ name: 'safe', replicationFactor: 2, config: { 'min.insync.replicas': 2 } }],
    })
    const producer = await producerOf(kafka)
    await send(producer, 'safe', 0, 1)
    const leader = cluster.leaderOf('safe', 0)!
    const follower = cluster.isrOf('safe', 0).find((id) => id !== leader)!
    await cluster.stopBroker(follower, { how: 'kill' })
    const once = new Kafka({
      brokers: [cluster.brokers[IDS.indexOf(leader)]!],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    })
    const impatient = await producerOf(once)
    const refused = await send(impatient, 'safe', 1, 1).then(
      () => null,
      (error: { type?: string; cause?: { type?: string } }) => error.cause?.type ?? error.type,
    )
    expect(refused).to.equal('NOT_ENOUGH_REPLICAS')
    await cluster.startBroker(follower)
    await whole('safe', 1, 2)
    await send(producer, 'safe', 2, 1)
  })

  it('any broker bootstraps the whole cluster, and creates topics that all know at once', async () => {
    await start()
    const connections = await Promise.all(cluster.brokers.map((address) => RawClient.connect(address)))
    for (const [index, connection] of connections.entries()) {
      const name = `made-by-${index}`
      const created = await connection.send(CreateTopics, 7, {
        topics: [{ name, numPartitions: 3, replicationFactor: 2 }],
        timeoutMs: 5000,
      })
      expect(created.topics[0]!.errorCode).to.equal(ErrorCode.NONE)
      for (const other of connections) {
        const answer = await other.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
        expect(answer.brokers.map(({ nodeId }) => nodeId)).to.have.members(IDS)
        expect(answer.controllerId).to.equal(cluster.controllerId)
        expect(answer.topics[0]!.partitions.map(({ leaderId }) => leaderId)).to.have.members(IDS)
      }
    }
    const described = await connections[1]!.send(DescribeCluster, 2, { includeFencedBrokers: true })
    expect(described.brokers.map(({ brokerId }) => brokerId)).to.have.members(IDS)
    for (const connection of connections) connection.close()
  })

  it('spreads replicas over racks', async () => {
    await start({ racks: ['a', 'a', 'b'] })
    await cluster.createTopic({ name: 'racked', partitions: 6, replicationFactor: 2 })
    for (let p = 0; p < 6; p++) expect(cluster.isrOf('racked', p)).to.include(103)
  })

  it('moves leaders and coordinators on request, and says when it cannot', async () => {
    const kafka = await start({ topics: [{ name: 'moved', replicationFactor: 2 }] })
    const producer = await producerOf(kafka)
    await send(producer, 'moved', 0, 5)
    const [one, other] = cluster.isrOf('moved', 0)
    const next = cluster.leaderOf('moved', 0) === one ? other! : one!
    await cluster.moveLeader('moved', 0, next)
    expect(cluster.leaderOf('moved', 0)).to.equal(next)
    await send(producer, 'moved', 5, 5)
    expect(await valuesOf('moved', 1)).to.have.members(numbered(10))
    const stranger = IDS.find((id) => !cluster.isrOf('moved', 0).includes(id))!
    const error = await cluster.moveLeader('moved', 0, stranger).then(
      () => null,
      (reason: { code?: string }) => reason.code,
    )
    expect(error).to.equal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
  })

  it('a group’s offsets move with its coordinator', async () => {
    await start({ topics: [{ name: 'read', replicationFactor: 3 }] })
    const any = await clientOf(101)
    const found = await any.send(FindCoordinator, 3, { key: 'g', keyType: 0 })
    expect(cluster.coordinatorOf('g')).to.equal(found.nodeId)
    const before = await clientOf(found.nodeId)
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }]
    const committed = await before.send(OffsetCommit, 7, { groupId: 'g', topics: [{ name: 'read', partitions }] })
    expect(committed.topics[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.NONE)
    const another = IDS.find((id) => id !== found.nodeId)!
    await cluster.moveCoordinator('g', another)
    expect(cluster.coordinatorOf('g')).to.equal(another)
    const after = await clientOf(another)
    const asked = { groupId: 'g', topics: [{ name: 'read', partitionIndexes: [0] }] }
    await until(() => cluster.coordinatorOf('g') === another, 'the move')
    const offsets = await after.send(OffsetFetch, 7, asked)
    expect(offsets.topics[0]!.partitions[0]).to.include({ errorCode: ErrorCode.NONE, committedOffset: 7 })
    expect((await before.send(OffsetFetch, 7, asked)).errorCode).to.equal(ErrorCode.NOT_COORDINATOR)
    for (const client of [any, before, after]) client.close()
  })

  it('an isolated broker leads nothing, and takes its place again when it is healed', async () => {
    const kafka = await start({ topics: [{ name: 'split', partitions: 3, replicationFactor: 3 }] })
    const producer = await producerOf(kafka)
    await send(producer, 'split', 0, 30)
    const isolated = cluster.controllerId
    const connection = await RawClient.connect(cluster.brokers[IDS.indexOf(isolated)]!)
    await cluster.isolate(isolated)
    expect([0, 1, 2].map((p) => cluster.leaderOf('split', p))).to.not.include(isolated)
    expect(cluster.controllerId).to.not.equal(isolated)
    await send(producer, 'split', 30, 30)
    await cluster.heal(isolated)
    await whole('split', 3, 3)
    connection.close()
    expect(await valuesOf('split', 3)).to.have.members(numbered(60))
  })

  it('isolates one broker after the other, to the last', async () => {
    await start()
    for (const id of IDS) await cluster.isolate(id)
    expect(cluster.controllerId).to.equal(-1)
    for (const id of IDS) await cluster.heal(id)
    await cluster.createTopic('after')
  })

  it('starts and stops a broker in the order in which it is told to', async () => {
    await start()
    const told = [cluster.stopBroker(102), cluster.startBroker(102), cluster.startBroker(102)]
    await Promise.all(told)
    expect(cluster.runningBrokerIds).to.deep.equal(IDS)
  })

  it('leaves nothing of a broker that was starting when it was closed', async () => {
    await start()
    await cluster.stopBroker(102)
    const starting = cluster.startBroker(102)
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([cluster.close(), starting])
    expect(cluster.runningBrokerIds).to.deep.equal([])
  })

  it('moves a partition to other brokers while it is written to (KIP-455), and elects preferred leaders', async () => {
    const kafka = await start({ topics: [{ name: 'moving', replicationFactor: 1 }] })
    const producer = await producerOf(kafka)
    await send(producer, 'moving', 0, 100)
    const from = cluster.leaderOf('moving', 0)!
    const target = IDS.filter((id) => id !== from)
    const client = await RawClient.connect(cluster.brokers[IDS.indexOf(from)]!)
    const begun = await client.send(AlterPartitionReassignments, 1, {
      topics: [{ name: 'moving', partitions: [{ partitionIndex: 0, replicas: target }] }],
    })
    expect(begun.responses[0]!.partitions[0]!.errorCode).to.equal(ErrorCode.NONE)
    await until(() => cluster.isrOf('moving', 0).every((id) => target.includes(id)), 'the move')
    await send(producer, 'moving', 100, 10)
    const { topics } = await client.send(ListPartitionReassignments, 0, { topics: null })
    expect(topics).to.deep.equal([])
    await whole('moving', 1, 2)
    await cluster.moveLeader('moving', 0, target[1]!)
    const elected = await client.send(ElectLeaders, 2, {
      electionType: 0,
      topicPartitions: [{ topic: 'moving', partitions: [0] }],
    })
    expect(elected.replicaElectionResults[0]!.partitionResult[0]!.errorCode).to.equal(ErrorCode.NONE)
    expect(cluster.leaderOf('moving', 0)).to.equal(target[0])
    client.close()
    expect(await valuesOf('moving', 1)).to.have.members(numbered(110))
  })

  it('answers DeleteRecords when every in-sync replica has deleted', async () => {
    const kafka = await start({ topics: [{ name: 'cut', replicationFactor: 3 }] })
    const producer = await producerOf(kafka)
    await send(producer, 'cut', 0, 10)
    const client = await clientOf(cluster.leaderOf('cut', 0)!)
    const { topics } = await client.send(DeleteRecords, 2, {
      topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 6 }] }],
      timeoutMs: 5000,
    })
    expect(topics[0]!.partitions[0]).to.include({ errorCode: ErrorCode.NONE, lowWatermark: 6 })
    client.close()
  })

  it('refuses ids that do not fit, and brokers it does not have', async () => {
    await start()
    const unknown = await cluster.isolate(7).catch((error: Error) => error.message)
    expect(unknown).to.equal('The cluster has no broker 7 (it has 101, 102, 103).')
    const failure = await Cluster.create({ brokers: 3, brokerIds: [1, 1, 2] }).then(
      () => null,
      (error: Error) => error.message,
    )
    expect(failure).to.equal('brokerIds has to name 3 different ids, not 1, 1, 2.')
    const profile = await Cluster.create({ profile: 'prod' as 'test' }).catch((error: Error) => error.message)
    expect(profile).to.equal('profile is prod; it must be one of test, kafka.')
  })
})
