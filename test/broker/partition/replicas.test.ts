import { expect } from 'chai'
import { readForFetch } from '../../../lib/broker/partition/fetch-position.js'
import { ConfigResource } from '../../../lib/metadata/image.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { ZERO_UUID } from '../../../protocol/index.js'
import { batchOf, fetchNow, produceNow } from '../../support/produce-fetch.js'
import { ReplicaBroker } from '../../support/replica-broker.js'

describe('broker/partition/replicas', () => {
  let broker: ReplicaBroker
  beforeEach(() => {
    broker = new ReplicaBroker()
  })

  it('a topic deleted and made again is empty and has another id', () => {
    const first = broker.createTopic('t')
    produceNow(broker, batchOf(broker, ['x']))
    broker.deleteTopic('t')
    expect(broker.replicas.find('t', 0)).to.equal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(broker.replicas.findById(first, 0)).to.equal(ErrorCode.UNKNOWN_TOPIC_ID)
    const second = broker.createTopic('t')
    expect(second).to.not.equal(first)
    expect(fetchNow(broker)).to.include({ errorCode: ErrorCode.NONE, highWatermark: 0 })
    expect(broker.replicas.findById(first, 0)).to.equal(ErrorCode.UNKNOWN_TOPIC_ID)
    expect([...broker.replicas.partitions()]).to.have.length(1)
  })

  it('survives a deletion and a new topic of that name in one step', () => {
    const topicId = broker.createTopic('t')
    produceNow(broker, batchOf(broker, ['x']))
    const again = 'topic-000000000000555A'
    const none = { removingReplicas: [], addingReplicas: [] }
    broker.metadata(
      { type: 'RemoveTopicRecord', topicId },
      { type: 'TopicRecord', name: 't', topicId: again },
      {
        type: 'PartitionRecord',
        partitionId: 0,
        topicId: again,
        replicas: [1],
        isr: [1],
        ...none,
        leader: 1,
        leaderEpoch: 0,
        partitionEpoch: 0,
      },
    )
    expect(broker.partition('t').topicId).to.equal(again)
    expect(fetchNow(broker)).to.include({ errorCode: ErrorCode.NONE, highWatermark: 0 })
  })

  it('applies configs at once: to one topic, or from the broker’s defaults to all', () => {
    broker.createTopic('t')
    broker.configure('t', 'max.message.bytes', '100')
    const big = () => batchOf(broker, ['x'.repeat(200)])
    expect(produceNow(broker, big()).errorCode).to.equal(ErrorCode.MESSAGE_TOO_LARGE)
    broker.configure('t', 'max.message.bytes', '1000')
    expect(produceNow(broker, big()).errorCode).to.equal(ErrorCode.NONE)
  })

  it('commits nothing below the minimum before the controller has let another one in: somebody without it may lead until then', () => {
    broker.createTopic('t', { replicas: [1, 2, 3], configs: { 'min.insync.replicas': '2' } })
    broker.elect('t', 0, 1, [1])
    expect(produceNow(broker, batchOf(broker, ['x']), { acks: 1 }).errorCode).to.equal(ErrorCode.NONE)
    const partition = broker.partition('t')
    partition.proposeIsr([1, 2])
    partition.followerHas(2, { endOffset: 1, logStartOffset: 0, brokerEpoch: -1 })
    expect(fetchNow(broker)).to.include({ errorCode: ErrorCode.NONE, highWatermark: 0 })
    broker.metadata({ type: 'PartitionChangeRecord', partitionId: 0, topicId: broker.topicId('t'), isr: [1, 2] })
    expect(fetchNow(broker)).to.include({ errorCode: ErrorCode.NONE, highWatermark: 1 })
  })

  it('reckons with another min.insync.replicas at once, also where it comes together with another ISR', () => {
    const minimum = (value: string) =>
      ({
        type: 'ConfigRecord',
        resourceType: ConfigResource.TOPIC,
        resourceName: 't',
        name: 'min.insync.replicas',
        value,
      }) as const
    const topicId = broker.createTopic('t', { replicas: [1, 2] })
    produceNow(broker, batchOf(broker, ['x']), { acks: 1 })
    const alone = { type: 'PartitionChangeRecord', partitionId: 0, topicId, isr: [1] } as const
    broker.metadata(minimum('2'), { ...alone, eligibleLeaderReplicas: [2] })
    expect(fetchNow(broker), 'more').to.include({ errorCode: ErrorCode.NONE, highWatermark: 0 })
    broker.metadata(minimum('1'), { ...alone, eligibleLeaderReplicas: [] })
    expect(fetchNow(broker), 'fewer').to.include({ errorCode: ErrorCode.NONE, highWatermark: 1 })
  })

  it('leads nothing while the cluster may take it for dead, and goes on where it was afterwards', () => {
    broker.createTopic('t')
    const produce = () => produceNow(broker, batchOf(broker, ['x'])).errorCode
    expect(produce()).to.equal(ErrorCode.NONE)
    broker.replicas.setStanding(false)
    expect(produce()).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(fetchNow(broker).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    broker.replicas.setStanding(true)
    expect(produce()).to.equal(ErrorCode.NONE)
    expect(fetchNow(broker)).to.include({ errorCode: ErrorCode.NONE, highWatermark: 2 })
  })

  it('answers a fetch that waits for the disk as long as it leads in the same epoch, whoever is in sync meanwhile', async () => {
    const topicId = broker.createTopic('t', { replicas: [1, 2] })
    produceNow(broker, batchOf(broker, ['x']), { acks: 1 })
    const partition = broker.partition('t')
    partition.followerHas(2, { endOffset: 1, logStartOffset: 0, brokerEpoch: -1 })
    const { log } = partition
    const read = log.read.bind(log)
    log.read = async (...args) => read(...args)
    const target = { topic: 't', topicId: ZERO_UUID, partition: 0, currentLeaderEpoch: -1, fetchOffset: 0 }
    const unchecked = { lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1000 }
    const reader = { isolation: 'committed', replicaId: -1, requireLeader: true } as const
    const fetch = () =>
      readForFetch(partition, { ...target, ...unchecked }, reader, { maxBytes: 1000, minOneMessage: true })
    const inEpoch = fetch()
    broker.metadata({ type: 'PartitionChangeRecord', partitionId: 0, topicId, isr: [1] })
    expect(await inEpoch).to.include({ errorCode: ErrorCode.NONE, highWatermark: 1 })
    const acrossEpochs = fetch()
    broker.elect('t', 0, 1, [1])
    expect(await acrossEpochs).to.include({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, sizeInBytes: 0 })
  })

  it('believes the clock before anybody has told it: a process that was frozen reads its sockets before its timers', () => {
    let aliveUntilMs = 1000
    const frozen = new ReplicaBroker({ aliveUntilMs: () => aliveUntilMs })
    frozen.createTopic('t')
    expect(produceNow(frozen, batchOf(frozen, ['x'])).errorCode).to.equal(ErrorCode.NONE)
    frozen.clock.advance(1000)
    expect(produceNow(frozen, batchOf(frozen, ['x'])).errorCode).to.equal(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    aliveUntilMs = 3000
    expect(produceNow(frozen, batchOf(frozen, ['x'])).errorCode).to.equal(ErrorCode.NONE)
  })

  it('sweeps by retention, again and again', () => {
    broker.createTopic('t', { configs: { 'retention.ms': '1000', 'segment.ms': '1' } })
    produceNow(broker, batchOf(broker, ['old']))
    broker.clock.advance(10)
    produceNow(broker, batchOf(broker, ['young']))
    broker.replicas.sweep(300)
    expect(broker.partition('t').log.logStartOffset).to.equal(0)
    broker.clock.advance(1200)
    expect(broker.partition('t').log.logStartOffset).to.equal(2)
    broker.replicas.close()
    expect(broker.timers.size).to.equal(0)
  })

  it('the leader’s high watermark never goes back over elections', () => {
    broker.createTopic('t', { replicas: [1, 2] })
    produceNow(broker, batchOf(broker, ['x']), { acks: 1 })
    fetchNow(broker, { replicaId: 2, fetchOffset: 1 })
    expect(broker.partition('t').highWatermark).to.equal(1)
    produceNow(broker, batchOf(broker, ['y']), { acks: 1 })
    broker.elect('t', 0, 1)
    expect(broker.partition('t').highWatermark).to.equal(1)
    fetchNow(broker, { replicaId: 2, fetchOffset: 2 })
    expect(broker.partition('t').highWatermark).to.equal(2)
  })
})
