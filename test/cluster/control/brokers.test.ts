import { expect } from 'chai'
import { beginControlledShutdown, reconcileBrokers } from '../../../lib/cluster/control/brokers.js'
import { electUnclean } from '../../../lib/cluster/control/unclean.js'
import type { LiveMember } from '../../../lib/cluster/coordination/coordination.js'
import { applyAll } from '../../../lib/metadata/apply.js'
import { BrokerConfig } from '../../../lib/metadata/broker-config.js'
import { ConfigResource, type Image } from '../../../lib/metadata/image.js'
import { clusterImage } from './images.js'

/** Their epoch is their id, unless another life began. */
const members = (...ids: readonly (number | [id: number, epoch: number])[]): LiveMember[] =>
  ids.map((one) => {
    const [brokerId, brokerEpoch] = typeof one === 'number' ? [one, one] : one
    return { brokerId, brokerEpoch, incarnationId: 'i', rack: null, endpoints: [], features: [], logDirs: [] }
  })
const config = (values: Record<string, string> = {}) => new BrokerConfig({ brokerId: 1, values })
const UNCLEAN = 'unclean.leader.election.enable'

const after = (image: Image, live: LiveMember[], values: Record<string, string> = {}): Image =>
  applyAll(image, reconcileBrokers(image, live, { config: config(values) }).records)
const state = (image: Image, index = 0) => {
  const { leader, isr, leaderEpoch } = image.topicsByName.get('t')!.partitions[index]!
  return { leader, isr, leaderEpoch }
}
const told = (image: Image, value: string): Image =>
  applyAll(image, [
    { type: 'ConfigRecord', resourceType: ConfigResource.TOPIC, resourceName: 't', name: UNCLEAN, value },
  ])

describe('cluster/control/brokers', () => {
  const up = { 1: 'up', 2: 'up', 3: 'up' } as const

  it('a broker that is gone leads nothing and is in sync with nobody, unless it was the last', () => {
    const image = clusterImage(up, {
      t: [
        { replicas: [1, 2], isr: [1, 2], leader: 1 },
        { replicas: [1, 2], isr: [1], leader: 1 },
      ],
    })
    const without = after(image, members(2, 3))
    expect(state(without, 0)).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 6 })
    expect(state(without, 1)).to.deep.equal({ leader: -1, isr: [1], leaderEpoch: 6 })
  })

  it('a broker that leaves hands over also what somebody can lead only after it has begun to', () => {
    const leave = (image: Image): Image =>
      applyAll(image, beginControlledShutdown(image, { config: config() }, 1).records)
    const begun = leave(clusterImage(up, { t: [{ replicas: [1, 2], isr: [1], leader: 1 }] }))
    expect(state(begun)).to.deep.equal({ leader: 1, isr: [1], leaderEpoch: 5 })
    expect(begun.brokers.get(1)?.inControlledShutdown).to.equal(true)
    const { topicId } = begun.topicsByName.get('t')!
    const caughtUp = applyAll(begun, [{ type: 'PartitionChangeRecord', topicId, partitionId: 0, isr: [1, 2] }])
    const handedOver = leave(caughtUp)
    expect(state(handedOver)).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 6 })
    expect(beginControlledShutdown(handedOver, { config: config() }, 1).records).to.deep.equal([])
  })

  it('a new life whose last one was not seen to end has to catch up like any other', () => {
    const image = clusterImage(up, {
      t: [
        { replicas: [1, 2], isr: [1, 2], leader: 1 },
        { replicas: [1, 2], isr: [1], leader: 1 },
        { replicas: [2, 1], isr: [2, 1], leader: 2 },
      ],
    })
    const again = after(image, members([1, 9], 2, 3))
    expect(state(again, 0), 'its records may not have been on its disk yet').to.deep.equal({
      leader: 2,
      isr: [2],
      leaderEpoch: 6,
    })
    expect(state(again, 1), 'nobody else has any').to.deep.equal({ leader: 1, isr: [1], leaderEpoch: 6 })
    expect(state(again, 2)).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 5 })
  })

  describe(UNCLEAN, () => {
    const image = clusterImage(up, { t: [{ replicas: [1, 2, 3], isr: [1], leader: 1 }] })

    it('lets a replica lead that lacks records rather than nobody, where the topic says so', () => {
      expect(state(after(image, members(2, 3)))).to.include({ leader: -1 })
      expect(state(after(told(image, 'true'), members(2, 3)))).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 6 })
      expect(state(after(told(image, 'true'), members(3)))).to.deep.equal({ leader: 3, isr: [3], leaderEpoch: 6 })
    })

    it('or the brokers, unless the topic says otherwise', () => {
      expect(state(after(image, members(2), { [UNCLEAN]: 'true' }))).to.include({ leader: 2 })
      expect(state(after(told(image, 'false'), members(2), { [UNCLEAN]: 'true' }))).to.include({ leader: -1 })
    })

    it('is made up for when the topic is told later', () => {
      const leaderless = after(image, members(2, 3))
      expect(electUnclean(leaderless, { config: config() }).records).to.deep.equal([])
      const { records, results } = electUnclean(told(leaderless, 'true'), { config: config() })
      expect(results).to.equal(1)
      expect(state(applyAll(leaderless, records))).to.deep.equal({ leader: 2, isr: [2], leaderEpoch: 7 })
    })
  })
})
