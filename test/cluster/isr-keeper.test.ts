import { expect } from 'chai'
import type { Partition } from '../../lib/broker/partition/partition.js'
import { changePartitions, type PartitionUpdate, type UpdatedPartition } from '../../lib/cluster/control/partitions.js'
import { IsrKeeper } from '../../lib/cluster/isr-keeper.js'
import { silentLogger } from '../../lib/host/logger.js'
import { ErrorCode } from '../../protocol/errors.js'
import { ReplicaBroker } from '../support/replica-broker.js'

/** Broker 1 leads, 2 has everything and is not in sync. The controller's answers are the test's. */
describe('cluster/isr-keeper', () => {
  let broker: ReplicaBroker
  let partition: Partition
  let keeper: IsrKeeper
  let asked: PartitionUpdate[]
  let answer: (update: PartitionUpdate) => UpdatedPartition

  const register = (brokerId: number, brokerEpoch: number) =>
    broker.metadata({
      type: 'RegisterBrokerRecord',
      brokerId,
      incarnationId: `i of ${brokerEpoch}`,
      brokerEpoch,
      endPoints: [],
      features: [],
      rack: null,
      fenced: false,
    })

  beforeEach(() => {
    broker = new ReplicaBroker()
    asked = []
    register(1, 10)
    register(2, 20)
    broker.createTopic('t', { replicas: [1, 2] })
    broker.elect('t', 0, 1, [1])
    partition = broker.partition('t')
    partition.followerHas(2, { endOffset: 0, logStartOffset: 0, brokerEpoch: 20 })
    keeper = new IsrKeeper(
      { brokerId: 1, lagMaxMs: () => 30_000 },
      {
        clock: broker.clock,
        logger: silentLogger,
        image: () => broker.image,
        led: () => [partition],
        alterPartitions: async (updates) => {
          asked.push(...updates)
          return updates.map((update) => answer(update))
        },
      },
    )
  })

  afterEach(() => keeper.close())

  async function pass(ms: number): Promise<void> {
    broker.clock.advance(ms)
    await new Promise(setImmediate)
  }

  const ofControl = (update: PartitionUpdate): UpdatedPartition =>
    changePartitions(broker.image, { config: broker.config }, 1, [update]).results[0]!

  it('vouches for the life of a follower that has fetched: not for the next one, of which it has heard nothing', async () => {
    answer = () => {
      throw new Error('the controller is on the move')
    }
    keeper.note(partition)
    await pass(0)
    expect(asked.map(({ isr }) => isr)).to.deep.equal([[1, 2]])
    // It has died and come back, and may have lost what it had.
    register(2, 30)
    answer = ofControl
    await pass(200)
    expect(asked).to.have.length(2)
    expect(ofControl(asked[1]!).errorCode).to.equal(ErrorCode.INELIGIBLE_REPLICA)
    expect(partition.isProposing).to.equal(false)
    partition.followerHas(2, { endOffset: 0, logStartOffset: 0, brokerEpoch: 30 })
    keeper.note(partition)
    await pass(200)
    expect(asked).to.have.length(3)
    expect(ofControl(asked[2]!).errorCode).to.equal(ErrorCode.NONE)
  })

  it('asks again after an answer that says nothing of the partition: the controller may not have our registration yet', async () => {
    for (const errorCode of [ErrorCode.STALE_BROKER_EPOCH, ErrorCode.UNKNOWN_SERVER_ERROR]) {
      asked = []
      answer = (update) => ({ ...update, errorCode, errorMessage: null })
      keeper.note(partition)
      await pass(200)
      await pass(200)
      expect(asked, String(errorCode)).to.have.length(2)
      expect(asked[1]).to.deep.equal(asked[0])
    }
  })

  it('waits for the metadata where the controller knows better', async () => {
    answer = (update) => ({ ...update, errorCode: ErrorCode.INVALID_UPDATE_VERSION, errorMessage: null })
    keeper.note(partition)
    await pass(0)
    await pass(1000)
    expect(asked).to.have.length(1)
    expect(partition.isProposing).to.equal(true)
    broker.metadata({ type: 'PartitionChangeRecord', partitionId: 0, topicId: broker.topicId('t'), isr: [1] })
    expect(partition.isProposing).to.equal(false)
  })
})
