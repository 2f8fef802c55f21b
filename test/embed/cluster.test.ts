/** Several brokers in one process: what the notes promise of a cluster, with kafkajs and without a sleep. */
import { expect } from 'chai'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { Cluster, type ClusterOptions } from '../../lib/index.js'
import {
  AlterPartitionReassignments,
  CreateTopics,
  DescribeCluster,
  ElectLeaders,
  ErrorCode,
  ListPartitionReassignments,
  Metadata,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'

const IDS = [101, 102, 103]
/** A consumer of kafkajs that loses a connection begins anew as another member, and the group waits for the session of the old one. */
const QUICK_SESSION = { sessionTimeout: 1000, rebalanceTimeout: 1000, heartbeatInterval: 200 }
let cluster: Cluster
const clients: { disconnect(): Promise<void> }[] = []

async function start(options: ClusterOptions = {}): Promise<Kafka> {
  cluster = await Cluster.create({ brokerIds: IDS, config: { 'group.min.session.timeout.ms': 100 }, ...options })
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

/** Follows a topic; `seen` counts what came of each value. */
async function follow(kafka: Kafka, topic: string): Promise<{ consumer: Consumer; seen: Map<string, number> }> {
  const consumer = kafka.consumer({ groupId: `readers of ${topic}`, maxWaitTimeInMs: 50, ...QUICK_SESSION })
  clients.push(consumer)
  const seen = new Map<string, number>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const value = String(message.value)
      seen.set(value, (seen.get(value) ?? 0) + 1)
    },
  })
  // A coordinator that dies while a member joins leaves the others waiting for it until its session ends, as in Kafka.
  await cluster.groupReady(`readers of ${topic}`)
  return { consumer, seen }
}

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
      const { seen } = await follow(kafka, 'topic-A')
      await send(producer, 'topic-A', 0, 50)
      await cluster.stopBroker(102, { how })
      for (const partition of [0, 1, 2]) expect(cluster.leaderOf('topic-A', partition)).to.be.oneOf([101, 103])
      await send(producer, 'topic-A', 50, 50)
      await until(() => seen.size === 100, 'all records')
      await cluster.startBroker(102)
      await whole('topic-A', 3, 2)
      await send(producer, 'topic-A', 100, 20)
      await until(() => seen.size === 120, 'the records after the return')
    })
  }

  it('goes on with one of three brokers when every partition has three replicas', async () => {
    const kafka = await start({ topics: [{ name: 'rf3', partitions: 2, replicationFactor: 3 }] })
    const producer = await producerOf(kafka)
    const { seen } = await follow(kafka, 'rf3')
    await send(producer, 'rf3', 0, 20)
    await cluster.stopBroker(101, { how: 'kill' })
    await cluster.stopBroker(102, { how: 'kill' })
    expect([0, 1].map((p) => cluster.leaderOf('rf3', p))).to.deep.equal([103, 103])
    await send(producer, 'rf3', 20, 20)
    await until(() => seen.size === 40, 'all records')
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
    const { seen } = await follow(kafka, 'moved')
    const groupId = 'readers of moved'
    const [one, other] = cluster.isrOf('moved', 0)
    const next = cluster.leaderOf('moved', 0) === one ? other! : one!
    await cluster.moveLeader('moved', 0, next)
    expect(cluster.leaderOf('moved', 0)).to.equal(next)
    const coordinator = cluster.coordinatorOf(groupId)!
    const another = IDS.find((id) => id !== coordinator)!
    await cluster.moveCoordinator(groupId, another)
    expect(cluster.coordinatorOf(groupId)).to.equal(another)
    await send(producer, 'moved', 0, 10)
    await until(() => seen.size === 10, 'all records')
    const stranger = IDS.find((id) => !cluster.isrOf('moved', 0).includes(id))!
    const error = await cluster.moveLeader('moved', 0, stranger).then(
      () => null,
      (reason: { code?: string }) => reason.code,
    )
    expect(error).to.equal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
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
    const { seen } = await follow(kafka, 'split')
    await until(() => seen.size === 60, 'all records')
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
    const { seen } = await follow(kafka, 'moving')
    await until(() => seen.size === 110, 'all records')
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
  })
})
