import { expect } from 'chai'
import type { NewTopic } from '../../lib/cluster/control/topics.js'
import { Controller } from '../../lib/cluster/controller.js'
import { EmbeddedCoordination } from '../../lib/cluster/coordination/embedded.js'
import { type Journal, JournalError } from '../../lib/cluster/coordination/journal.js'
import { TopicCreator } from '../../lib/cluster/topic-creator.js'
import { silentLogger } from '../../lib/host/logger.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { BrokerConfig } from '../../lib/metadata/broker-config.js'
import { ZERO_UUID } from '../../lib/metadata/image.js'
import { imageToRecords } from '../../lib/metadata/snapshot.js'
import { MetadataStore } from '../../lib/metadata/store.js'
import { ErrorCode } from '../../protocol/errors.js'

function node(
  hub: EmbeddedCoordination,
  brokerId: number,
  onStanding: (inCluster: boolean) => void = () => {},
  clock = new VirtualClock(),
) {
  const metadata = new MetadataStore({ brokerId, clusterId: hub.clusterId })
  const config = new BrokerConfig({ brokerId, profile: 'test' })
  const controller = new Controller(
    { brokerId },
    {
      coordination: hub.connect(brokerId),
      metadata,
      config,
      clock,
      random: seededRandom(brokerId),
      logger: silentLogger,
      onStanding,
    },
  )
  const register = () =>
    controller.register({
      rack: null,
      endpoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
    })
  return { controller, metadata, config, register }
}

async function cluster(count: number) {
  const hub = new EmbeddedCoordination({ clusterId: 'c' })
  const nodes = Array.from({ length: count }, (_, index) => node(hub, index + 1))
  for (const one of nodes) {
    await one.controller.start()
    await one.register()
  }
  return nodes
}

/** Of a disk that may be full. */
function limitedJournal() {
  let isFull = false
  const journal: Journal = {
    wantsSnapshot: false,
    onWantsSnapshot: null,
    load: async () => ({ snapshot: null, batches: [], controllerEpoch: 0 }),
    append: async () => {
      if (isFull) throw new JournalError('no space', false)
    },
    snapshot: async () => {},
    close: async () => {},
  }
  const setFull = (full: boolean): void => {
    isFull = full
  }
  return { journal, setFull }
}

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

describe('cluster/controller', () => {
  it('begins a cluster with finalized features and the cluster-wide min.insync.replicas', async () => {
    const [one] = await cluster(1)
    const { image } = one!.metadata
    expect(image.controllerId).to.equal(1)
    expect(Object.fromEntries(image.features)).to.deep.equal({
      'eligible.leader.replicas.version': 1,
      'group.version': 1,
      'metadata.version': 33,
      'share.version': 2,
      'streams.version': 1,
      'transaction.version': 2,
    })
    expect(image.configs.get(4)?.get('')?.get('min.insync.replicas')).to.equal('1')
    expect(image.brokers.get(1)).to.include({ fenced: false, inControlledShutdown: false })
  })

  it('answers when every broker of the process has the change', async () => {
    const [one, two] = await cluster(2)
    const [created] = await one!.controller.createTopics({
      topics: [topic('a', { numPartitions: 4, replicationFactor: 2 })],
      validateOnly: false,
    })
    expect(created).to.include({ errorCode: 0, numPartitions: 4, replicationFactor: 2 })
    const seen = two!.metadata.image.topicsByName.get('a')
    expect(seen?.topicId).to.equal(created?.topicId)
    expect(seen?.partitions.map((p) => p.leader).sort()).to.deep.equal([1, 1, 2, 2])
  })

  it('decides commands of one turn in order, each on what the one before left', async () => {
    const [one] = await cluster(1)
    const command = { topics: [topic('a')], validateOnly: false }
    const answers = await Promise.all([
      one!.controller.createTopics(command),
      one!.controller.createTopics(command),
      one!.controller.deleteTopics([{ name: 'a', topicId: ZERO_UUID }]),
      one!.controller.createTopics(command),
    ])
    expect(answers.map((results) => results[0]?.errorCode)).to.deep.equal([0, ErrorCode.TOPIC_ALREADY_EXISTS, 0, 0])
    expect(answers[0]?.[0]).to.not.have.property('topicId', answers[3]![0]!.topicId)
  })

  it('answers NOT_CONTROLLER where it is not, and takes over when the controller leaves', async () => {
    const [one, two] = await cluster(2)
    const command = { topics: [topic('a', { replicationFactor: 2 })], validateOnly: false }
    expect((await two!.controller.createTopics(command))[0]?.errorCode).to.equal(ErrorCode.NOT_CONTROLLER)
    await one!.controller.createTopics(command)
    await one!.controller.close()
    const { image } = two!.metadata
    expect(image.controllerId).to.equal(2)
    expect(image.brokers.get(1)?.fenced).to.equal(true)
    const partition = image.topicsByName.get('a')?.partitions[0]
    expect(partition).to.deep.include({ leader: 2, isr: [2] })
    const [created] = await two!.controller.createTopics({ topics: [topic('b')], validateOnly: false })
    expect(created?.errorCode).to.equal(0)
    expect((await one!.controller.createTopics(command))[0]?.errorCode).to.equal(ErrorCode.NOT_CONTROLLER)
  })

  it('forgets a broker on request: one that lives is back at once and leads, one that is gone is not', async () => {
    const [one, two] = await cluster(2)
    const topics = [topic('a'), topic('b', { numPartitions: 2, replicationFactor: 2 })]
    await one!.controller.createTopics({ topics, validateOnly: false })
    const leaders = () => ['a', 'b'].flatMap((name) => two!.metadata.image.topicsByName.get(name)!.partitions)
    for (const brokerId of [1, 2]) {
      expect((await one!.controller.unregisterBroker(brokerId)).errorCode).to.equal(ErrorCode.NONE)
      const [created] = await one!.controller.createTopics({
        topics: [topic(`after-${brokerId}`, { replicationFactor: 2 })],
        validateOnly: false,
      })
      expect(created?.errorCode).to.equal(ErrorCode.NONE)
      expect(leaders().map(({ leader }) => leader)).to.not.include(-1)
    }
    await two!.controller.close()
    expect((await one!.controller.unregisterBroker(2)).errorCode).to.equal(ErrorCode.NONE)
    expect([...one!.metadata.image.brokers.keys()]).to.deep.equal([1])
    expect((await one!.controller.unregisterBroker(2)).errorCode).to.equal(ErrorCode.BROKER_ID_NOT_REGISTERED)
  })

  it('moves what can be moved before a broker stops', async () => {
    const [one, two] = await cluster(2)
    await one!.controller.createTopics({
      topics: [
        topic('both', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [2, 1] }],
        }),
        topic('alone', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [2] }],
        }),
      ],
      validateOnly: false,
    })
    expect(await one!.controller.beginControlledShutdown(2)).to.equal(null)
    const { topicsByName } = two!.metadata.image
    expect(topicsByName.get('both')?.partitions[0]).to.deep.include({ leader: 1, isr: [1], leaderEpoch: 1 })
    expect(topicsByName.get('alone')?.partitions[0]).to.deep.include({ leader: 2, isr: [2], leaderEpoch: 0 })
  })

  it('creates internal topics with their settings, once', async () => {
    const [one] = await cluster(1)
    const creator = new TopicCreator((names) => one!.controller.autoCreate(names), silentLogger)
    const errors = await Promise.all([
      creator.createInternal('__consumer_offsets'),
      creator.createInternal('__consumer_offsets'),
    ])
    expect(errors).to.deep.equal([0, 0])
    const { image } = one!.metadata
    expect(image.topicsByName.get('__consumer_offsets')?.partitions).to.have.length(5)
    expect(Object.fromEntries(image.configs.get(2)?.get('__consumer_offsets') ?? [])).to.deep.equal({
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': '104857600',
    })
  })

  it('gives each broker blocks of producer ids that nobody else gets, also after a change of controller (KIP-730)', async () => {
    const [one, two] = await cluster(2)
    const block = async (of: typeof one, brokerId: number) => {
      const { image } = of!.metadata
      const brokerEpoch = image.brokers.get(brokerId)?.epoch ?? 0
      return of!.controller.allocateProducerIds({ brokerId, brokerEpoch })
    }
    const given = (firstProducerId: number) => ({ errorCode: ErrorCode.NONE, firstProducerId, count: 1000 })
    expect(await Promise.all([block(one, 1), block(one, 2)])).to.deep.equal([given(0), given(1000)])
    expect(two!.metadata.image.nextProducerId).to.equal(2000)
    const refused = { firstProducerId: -1, count: 0 }
    expect(await block(one, 9)).to.deep.equal({ ...refused, errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED })
    expect(await one!.controller.allocateProducerIds({ brokerId: 1, brokerEpoch: 0 })).to.deep.equal({
      ...refused,
      errorCode: ErrorCode.STALE_BROKER_EPOCH,
    })
    expect(await block(two, 2)).to.deep.equal({ ...refused, errorCode: ErrorCode.NOT_CONTROLLER })
    await one!.controller.close()
    expect(await block(two, 2)).to.deep.equal(given(2000))
  })

  it('takes part again when its registration under a new epoch has come, also within a snapshot', async () => {
    for (const way of ['records', 'snapshot']) {
      const hub = new EmbeddedCoordination({ clusterId: 'c' })
      const standing: boolean[] = []
      const one = node(hub, 1, (inCluster) => standing.push(inCluster))
      await one.controller.start()
      await one.register()
      const { image } = one.metadata
      one.controller.onExpelled()
      expect(standing, way).to.deep.equal([false])
      const born = imageToRecords(image).map((record) =>
        record.type === 'RegisterBrokerRecord' ? { ...record, brokerEpoch: 100 } : record,
      )
      if (way === 'records') one.controller.onRecords(born, image.version + 1)
      else one.controller.onSnapshot(born, 200)
      expect(standing, way).to.deep.equal([false, true])
    }
  })

  it('records who has come or gone as soon as it can again, when it could not: the disk was full, say', async () => {
    const clock = new VirtualClock()
    const { journal, setFull } = limitedJournal()
    const hub = new EmbeddedCoordination({ clusterId: 'c' }, { journal })
    const [one, two, three] = [1, 2, 3].map((id) => node(hub, id, () => {}, clock))
    for (const each of [one, two]) {
      await each!.controller.start()
      await each!.register()
    }
    await one!.controller.createTopics({ topics: [topic('a', { replicationFactor: 2 })], validateOnly: false })
    setFull(true)
    await two!.controller.close()
    await three!.controller.start()
    const registered = three!.register()
    await clock.advanceAsync(5000)
    expect(one!.metadata.image.brokers.get(2)?.fenced).to.equal(false)
    setFull(false)
    await clock.advanceAsync(1000)
    await registered
    expect(one!.metadata.image.brokers.get(2)?.fenced).to.equal(true)
    expect(one!.metadata.image.topicsByName.get('a')?.partitions[0]).to.deep.include({ leader: 1, isr: [1] })
  })

  it('is registered also when it was lost from sight before that was recorded, and has come back under another epoch', async () => {
    const clock = new VirtualClock()
    const { journal, setFull } = limitedJournal()
    const hub = new EmbeddedCoordination({ clusterId: 'c' }, { journal })
    const [one, two] = [1, 2].map((id) => node(hub, id, () => {}, clock))
    await one!.controller.start()
    await one!.register()
    setFull(true)
    await two!.controller.start()
    const registered = two!.register()
    await clock.advanceAsync(0)
    hub.isolate(2)
    hub.rejoin(2)
    setFull(false)
    await clock.advanceAsync(1000)
    expect((await registered).brokerEpoch).to.be.below(two!.metadata.image.brokers.get(2)!.epoch)
  })
})
