import { expect } from 'chai'
import {
  closeAll,
  closing,
  connectedAdmin,
  createTopic,
  eventually,
  kafka,
  numbered,
  produce,
  protocolErrorOf,
  readAll,
  rejection,
  unique,
  values,
} from './support.js'

describe('kafkajs admin: topics', () => {
  afterEach(closeAll)

  it('connect, disconnect, events, logger', async () => {
    const admin = closing(kafka().admin())
    const seen: string[] = []
    admin.on(admin.events.CONNECT, () => seen.push('connect'))
    admin.on(admin.events.REQUEST, ({ payload }) => seen.push(payload.apiName))
    admin.on(admin.events.DISCONNECT, () => seen.push('disconnect'))
    await admin.connect()
    await admin.listTopics()
    await admin.disconnect()
    expect(seen[0]).to.equal('ApiVersions')
    expect(seen).to.include.members(['connect', 'Metadata', 'disconnect'])
    expect(admin.logger()).to.have.property('info')
  })

  it('createTopics, listTopics, deleteTopics', async () => {
    const admin = await connectedAdmin()
    const names = [unique('one'), unique('two')]
    const made = await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 2 })) })
    expect(made).to.equal(true)
    expect(await admin.listTopics()).to.include.members(names)
    await admin.deleteTopics({ topics: names })
    await eventually('they are gone', async () => {
      const left = await admin.listTopics()
      return names.every((name) => !left.includes(name))
    })
  })

  it('createTopics of one that exists answers false, and leaves it as it is', async () => {
    const topic = await createTopic(2)
    const admin = await connectedAdmin()
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 5 }] })).to.equal(false)
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    expect(topics[0]?.partitions).to.have.length(2)
  })

  it('createTopics with validateOnly makes nothing', async () => {
    const admin = await connectedAdmin()
    const topic = unique('dry')
    expect(await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] })).to.equal(true)
    expect(await admin.listTopics()).to.not.include(topic)
  })

  it('createTopics refuses bad names, counts, factors and configs', async () => {
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    const bad = [
      [{ topic: 'not/a/name' }, 'INVALID_TOPIC_EXCEPTION'],
      [{ topic: unique('bad'), numPartitions: 0 }, 'INVALID_PARTITIONS'],
      [{ topic: unique('bad'), replicationFactor: 40 }, 'INVALID_REPLICATION_FACTOR'],
      [{ topic: unique('bad'), configEntries: [{ name: 'no.such.key', value: '1' }] }, 'INVALID_CONFIG'],
      [{ topic: unique('bad'), configEntries: [{ name: 'retention.ms', value: 'soon' }] }, 'INVALID_CONFIG'],
    ] as const
    for (const [topic, type] of bad) {
      const error = await rejection(
        admin.createTopics({
          waitForLeaders: false,
          topics: [{ ...topic, configEntries: 'configEntries' in topic ? [...topic.configEntries] : [] }],
        }),
      )
      const causes = (error as Error & { errors?: Error[] }).errors ?? [error]
      expect(protocolErrorOf(causes[0]!)).to.equal(type)
    }
  })

  it('createTopics with an assignment by hand', async () => {
    const admin = await connectedAdmin()
    const { brokers } = await admin.describeCluster()
    const [topic, nodeId] = [unique('manual'), brokers[0]!.nodeId]
    const replicaAssignment = [0, 1].map((partition) => ({ partition, replicas: [nodeId] }))
    await admin.createTopics({ topics: [{ topic, numPartitions: -1, replicationFactor: -1, replicaAssignment }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    expect(topics[0]?.partitions.map((partition) => partition.replicas)).to.deep.equal([[nodeId], [nodeId]])
  })

  it('deleteTopics of one that does not exist', async () => {
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    const error = await rejection(admin.deleteTopics({ topics: [unique('absent')], timeout: 500 }))
    expect(protocolErrorOf(error)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('a topic that is made again under its name is empty', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3, 'old'))
    const admin = await connectedAdmin()
    await admin.deleteTopics({ topics: [topic] })
    await eventually('made again', async () => {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
      return (await admin.fetchTopicOffsets(topic))[0]?.high === '0'
    })
    await produce(topic, numbered(2, 'new'))
    expect(values(await readAll(topic, 2))).to.deep.equal(['new0', 'new1'])
  })

  it('fetchTopicMetadata: partitions with leader, replicas and isr; unknown topics are an error', async () => {
    const [a, b] = [await createTopic(3), await createTopic(1)]
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    const { brokers } = await admin.describeCluster()
    const ids = brokers.map((broker) => broker.nodeId)
    const { topics } = await admin.fetchTopicMetadata({ topics: [a, b] })
    const byName = new Map(topics.map((topic) => [topic.name, topic.partitions]))
    expect(
      byName
        .get(a)
        ?.map((partition) => partition.partitionId)
        .sort(),
    ).to.deep.equal([0, 1, 2])
    for (const partition of byName.get(a) ?? []) {
      expect(ids).to.include(partition.leader)
      expect(partition.isr).to.include(partition.leader)
      expect(partition.partitionErrorCode).to.equal(0)
    }
    expect(byName.get(b)).to.have.length(1)
    const all = await admin.fetchTopicMetadata()
    expect(all.topics.map((topic) => topic.name)).to.include.members([a, b])
    const error = await rejection(admin.fetchTopicMetadata({ topics: [unique('absent')] }))
    expect(protocolErrorOf(error)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('createPartitions adds some, and refuses fewer', async () => {
    const topic = await createTopic(2)
    const admin = await connectedAdmin({ retry: { retries: 0 } })
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
    await eventually('five partitions', async () => (await admin.fetchTopicOffsets(topic)).length === 5)
    const error = await rejection(admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    expect(protocolErrorOf(error)).to.equal('INVALID_PARTITIONS')
    await admin.createPartitions({ validateOnly: true, topicPartitions: [{ topic, count: 9 }] })
    expect(await admin.fetchTopicOffsets(topic)).to.have.length(5)
  })

  it('describeCluster', async () => {
    const admin = await connectedAdmin()
    const cluster = await admin.describeCluster()
    expect(cluster.clusterId).to.be.a('string').with.length.greaterThan(0)
    expect(cluster.brokers.map((broker) => broker.nodeId)).to.include(cluster.controller)
    for (const broker of cluster.brokers) expect(broker.port).to.be.within(1, 65_535)
  })
})
