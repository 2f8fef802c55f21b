import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import {
  CreateTopics,
  DeleteTopics,
  ErrorCode,
  Metadata,
  type RequestInput,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.js'
import { RawClient } from '../support/raw-client.js'
import { VirtualCluster } from '../support/virtual-cluster.js'

type Answer = ResponseOf<typeof Metadata>
type Ask = RequestInput<typeof Metadata>

const NOT_ASKED = -2147483648
const versions = (from: number, to = 13) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('server/03-metadata', () => {
  let broker: Broker
  let client: RawClient
  let topicId: string

  beforeEach(async () => {
    broker = await Broker.create({ brokerId: 4, config: { 'broker.rack': 'r1' } })
    client = await RawClient.connect(broker.bootstrapServers)
    topicId = await create('t', 2)
  })
  afterEach(async () => {
    client.close()
    await broker.close()
  })

  async function create(name: string, numPartitions = 1): Promise<string> {
    const one = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await client.send(CreateTopics, 7, { topics: [one], timeoutMs: 1000 })
    expect(topics[0]!.errorCode).to.equal(ErrorCode.NONE)
    return topics[0]!.topicId
  }

  const ask = (version: number, request: Ask) => client.send(Metadata, version, request)
  const byName = (version: number, names: readonly (string | null)[], more: Partial<Ask> = {}) =>
    ask(version, {
      topics: names.map((name) => ({ name })),
      // Before v4 there is no such flag.
      ...(version >= 4 ? { allowAutoTopicCreation: false, ...more } : {}),
    })
  /** [error, name] of each topic. */
  const errors = (answer: Answer) => answer.topics.map(({ errorCode, name }) => [errorCode, name])
  const names = (answer: Answer) => answer.topics.map(({ name }) => name).sort()

  for (const version of versions(0)) {
    it(`describes brokers, topics and partitions in v${version}`, async () => {
      const answer = await ask(version, { topics: [{ name: 't' }] })
      expect(answer).to.deep.include({
        throttleTimeMs: 0,
        brokers: [{ nodeId: 4, host: '127.0.0.1', port: broker.port, rack: version >= 1 ? 'r1' : null }],
        clusterId: version >= 2 ? broker.clusterId : null,
        controllerId: version >= 1 ? 4 : -1,
        errorCode: 0,
      })
      const partition = (partitionIndex: number) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 4,
        leaderEpoch: version >= 7 ? 0 : -1,
        replicaNodes: [4],
        isrNodes: [4],
        offlineReplicas: [],
      })
      expect(answer.topics).to.deep.equal([
        {
          errorCode: 0,
          name: 't',
          topicId: version >= 10 ? topicId : ZERO_UUID,
          isInternal: false,
          partitions: [partition(0), partition(1)],
          topicAuthorizedOperations: NOT_ASKED,
        },
      ])
    })
  }

  it('behaviour 15, details 14: v0 takes an empty list for all topics; from v1 on null is all and empty is none', async () => {
    await create('u')
    expect(names(await ask(0, { topics: [] }))).to.deep.equal(['t', 'u'])
    for (const version of versions(1)) {
      expect(names(await ask(version, { topics: null })), `v${version}`).to.deep.equal(['t', 'u'])
      const none = await ask(version, { topics: [] })
      expect(none.topics).to.deep.equal([])
      expect(none.brokers).to.have.length(1)
    }
  })

  it('behaviour 16: v0-v3 know no flag and create; from v4 on only when asked to', async () => {
    for (const version of versions(0)) {
      const name = `auto-${version}`
      const unasked = await byName(version, [name])
      const made = version < 4
      expect(errors(unasked), `v${version}`).to.deep.equal([[made ? 0 : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name]])
      const asked = await byName(version, [name], { allowAutoTopicCreation: true })
      expect(errors(asked), `v${version}`).to.deep.equal([[0, name]])
      expect(asked.topics[0]!.partitions).to.have.length(1)
    }
  })

  it('behaviour 17, details 19: a topic made on the way is there with its leader in the first answer', async () => {
    const [topic] = (await byName(9, ['fresh'], { allowAutoTopicCreation: true })).topics
    expect(topic).to.include({ errorCode: 0, name: 'fresh' })
    expect(topic!.partitions[0]).to.include({ errorCode: 0, leaderId: 4 })
  })

  it('creates nothing where auto.create.topics.enable is off', async () => {
    const strict = await Broker.create({ config: { 'auto.create.topics.enable': false } })
    const other = await RawClient.connect(strict.bootstrapServers)
    const answer = await other.send(Metadata, 3, { topics: [{ name: 'x' }] })
    expect(errors(answer)).to.deep.equal([[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'x']])
    other.close()
    await strict.close()
  })

  it('behaviour 18: an invalid name is INVALID_TOPIC_EXCEPTION, with or without the flag', async () => {
    const bad = ['', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(250)]
    for (const version of versions(0)) {
      for (const allowAutoTopicCreation of [true, false]) {
        const answer = await byName(version, [...bad, 't'], { allowAutoTopicCreation })
        const expected = [...bad.map((name) => [ErrorCode.INVALID_TOPIC_EXCEPTION, name]), [0, 't']]
        expect(errors(answer), `v${version}`).to.have.deep.members(expected)
      }
    }
    expect(names(await ask(1, { topics: null }))).to.deep.equal(['t'])
    expect(errors(await byName(3, ['x'.repeat(249)]))[0]![0]).to.equal(0)
  })

  it('behaviour 19: a name that collides with one there is stays unknown', async () => {
    await create('a_b')
    for (const version of [0, 4, 13]) {
      for (let round = 0; round < 2; round++) {
        const answer = await byName(version, ['a.b'], { allowAutoTopicCreation: true })
        expect(errors(answer)).to.deep.equal([[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'a.b']])
      }
    }
  })

  it('behaviour 20: a topic named twice is answered once', async () => {
    for (const version of versions(0)) {
      expect(errors(await byName(version, ['t', 't', 't']))).to.deep.equal([[0, 't']])
    }
    const twice = {
      topics: [
        { name: null, topicId },
        { name: null, topicId },
      ],
    }
    expect(errors(await ask(12, twice))).to.deep.equal([[0, 't']])
  })

  it('behaviour 21: v12+ an unknown id is UNKNOWN_TOPIC_ID without a name', async () => {
    const unknown = 'unknownunknownunknownA'
    for (const version of [12, 13]) {
      const answer = await ask(version, {
        topics: [
          { name: null, topicId },
          { name: null, topicId: unknown },
        ],
      })
      expect(answer.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId])).to.deep.equal([
        [0, 't', topicId],
        [ErrorCode.UNKNOWN_TOPIC_ID, null, unknown],
      ])
    }
  })

  it('behaviour 21: v10 and v11 refuse ids, and tell nothing of the cluster', async () => {
    for (const [version, topic] of [10, 11].flatMap((v) =>
      [{ name: 't', topicId }, { name: null }].map((t) => [v, t] as const),
    )) {
      const answer = await ask(version, { topics: [topic] })
      expect(answer).to.deep.include({ brokers: [], clusterId: null, controllerId: -1 })
      expect(answer.topics.map((topic) => [topic.errorCode, topic.partitions.length])).to.deep.equal([
        [ErrorCode.INVALID_REQUEST, 0],
      ])
    }
  })

  it('v0 names no replica that is away, and says that one is missing; from v1 on replicas are what they are', async () => {
    const cluster = await VirtualCluster.start({ brokerIds: [1, 2] })
    try {
      await cluster.topic('t', [1, 2])
      await cluster.stopBroker(2)
      const replicas = async (version: number) => {
        const { topics } = await cluster.ask(1, Metadata, version, { topics: [{ name: 't' }] })
        const { errorCode, leaderId, replicaNodes, isrNodes } = topics[0]!.partitions[0]!
        return { errorCode, leaderId, replicaNodes, isrNodes }
      }
      const alive = { leaderId: 1, isrNodes: [1] }
      expect(await replicas(0)).to.deep.equal({
        ...alive,
        errorCode: ErrorCode.REPLICA_NOT_AVAILABLE,
        replicaNodes: [1],
      })
      expect(await replicas(1)).to.deep.equal({ ...alive, errorCode: ErrorCode.NONE, replicaNodes: [1, 2] })
    } finally {
      await cluster.close()
    }
  })

  it('behaviour 22: an id wins over the name beside it; with one id, topics that have a name only are left out', async () => {
    await create('u')
    for (const version of [12, 13]) {
      expect(errors(await ask(version, { topics: [{ name: 'u', topicId }] }))).to.deep.equal([[0, 't']])
      const mixed = { topics: [{ name: 'u' }, { name: null, topicId }, { name: 'nosuch' }] }
      expect(errors(await ask(version, mixed))).to.deep.equal([[0, 't']])
    }
  })

  it('behaviour 23: authorized operations are told when asked for, of unknown topics too', async () => {
    const both = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true }
    const bits = (operations: number[]) => operations.reduce((sum, operation) => sum | (1 << operation), 0)
    // The ACL operations that apply: read 3, write 4, create 5, delete 6, alter 7, describe 8, cluster action 9 ...
    const topic = bits([3, 4, 5, 6, 7, 8, 10, 11])
    const cluster = bits([5, 7, 8, 9, 10, 11, 12])
    for (const version of versions(8)) {
      const told = version > 10 ? { includeTopicAuthorizedOperations: true } : both
      const answer = await byName(version, ['t', 'nosuch'], told)
      expect(answer.topics.map((one) => one.topicAuthorizedOperations)).to.deep.equal([topic, topic])
      expect(answer.clusterAuthorizedOperations).to.equal(version > 10 ? NOT_ASKED : cluster)
      const unasked = await byName(version, ['t', 'nosuch'])
      expect(unasked.topics.map((one) => one.topicAuthorizedOperations)).to.deep.equal([NOT_ASKED, NOT_ASKED])
      expect(unasked.clusterAuthorizedOperations).to.equal(NOT_ASKED)
    }
  })

  it('behaviour 24, details 15: a deleted topic’s id is unknown; made again it has another', async () => {
    await client.send(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
    expect(errors(await byName(12, ['t']))).to.deep.equal([[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 't']])
    const again = await create('t')
    expect(again).to.not.equal(topicId)
    const answer = await ask(12, {
      topics: [
        { name: null, topicId },
        { name: null, topicId: again },
      ],
    })
    expect(errors(answer)).to.deep.equal([
      [ErrorCode.UNKNOWN_TOPIC_ID, null],
      [0, 't'],
    ])
  })

  it('details 25: an answer is never older than the last change', async () => {
    for (let i = 0; i < 20; i++) {
      expect(names(await ask(1, { topics: null }))).to.have.length(1 + i)
      await create(`n${i}`)
    }
  })

  it('calls __consumer_offsets internal, also before it is there', async () => {
    const [unknown] = (await byName(9, ['__consumer_offsets'])).topics
    expect(unknown).to.include({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, isInternal: true })
    const [made] = (await byName(9, ['__consumer_offsets'], { allowAutoTopicCreation: true })).topics
    expect(made).to.include({ errorCode: 0, isInternal: true })
    // The topic gets its own settings, not those of a client's topic.
    expect(made!.partitions).to.have.length(5)
  })
})
