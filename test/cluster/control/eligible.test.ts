/** Eligible leader replicas (KIP-966), and how the same goes without them. */
import { expect } from 'chai'
import { beginControlledShutdown, reconcileBrokers } from '../../../lib/cluster/control/brokers.js'
import { AlterOperation, alterConfigs } from '../../../lib/cluster/control/configs.js'
import { assignReplicas } from '../../../lib/cluster/control/directories.js'
import { ElectionType, electLeaders } from '../../../lib/cluster/control/elections.js'
import { bootstrapRecords, UpgradeType, updateFeatures } from '../../../lib/cluster/control/features.js'
import { changePartitions } from '../../../lib/cluster/control/partitions.js'
import { reassignPartitions } from '../../../lib/cluster/control/reassign.js'
import { electUnclean } from '../../../lib/cluster/control/unclean.js'
import { unregisterBroker } from '../../../lib/cluster/control/unregister.js'
import type { LiveMember } from '../../../lib/cluster/coordination/coordination.js'
import { seededRandom } from '../../../lib/host/random-sources.js'
import { applyAll } from '../../../lib/metadata/apply.js'
import { BrokerConfig } from '../../../lib/metadata/broker-config.js'
import { ELIGIBLE_LEADER_REPLICAS_VERSION, supportedFeatures } from '../../../lib/metadata/features.js'
import { ConfigResource, emptyImage, type Image } from '../../../lib/metadata/image.js'
import type { MetadataRecord } from '../../../lib/metadata/records.js'
import { ErrorCode } from '../../../protocol/errors.js'
import { clusterImage, type PartitionState, context as settings } from './images.js'

const context = { ...settings, random: seededRandom(1) }
const features = supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
  name,
  minSupportedVersion: minVersion,
  maxSupportedVersion: maxVersion,
}))

interface Life {
  readonly id: number
  /** Another one than its id: another life. */
  readonly epoch: number
  readonly previous?: number
  readonly incarnation?: string
}

const members = (...lives: readonly (number | Life)[]): LiveMember[] =>
  lives.map((one): LiveMember => {
    const { id, epoch, previous, incarnation }: Life = typeof one === 'number' ? { id: one, epoch: one } : one
    return {
      brokerId: id,
      brokerEpoch: epoch,
      incarnationId: incarnation ?? (epoch === id ? 'i' : `i of ${epoch}`),
      rack: null,
      endpoints: [],
      features,
      logDirs: [],
      ...(previous === undefined ? {} : { previousBrokerEpoch: previous }),
    }
  })

const config = (type: 2 | 4, name: string, key: string, value: string | null): MetadataRecord => ({
  type: 'ConfigRecord',
  resourceType: type,
  resourceName: name,
  name: key,
  value,
})

/** One partition of `t` on three brokers, two of which have to be in sync. */
function begin(partition: PartitionState, level = 1, minIsr = 2): Image {
  return applyAll(clusterImage({ 1: 'up', 2: 'up', 3: 'up', 4: 'up' }, { t: [partition] }), [
    ...(level > 0
      ? [{ type: 'FeatureLevelRecord', name: ELIGIBLE_LEADER_REPLICAS_VERSION, featureLevel: level } as const]
      : []),
    config(ConfigResource.BROKER, '', 'min.insync.replicas', '1'),
    config(ConfigResource.TOPIC, 't', 'min.insync.replicas', String(minIsr)),
  ])
}

const state = (image: Image) => {
  const { leader, isr, eligibleLeaderReplicas: elr, lastKnownElr: last } = image.topicsByName.get('t')!.partitions[0]!
  return { leader, isr, elr, last }
}
const live = (image: Image, ...lives: readonly (number | Life)[]): Image =>
  applyAll(image, reconcileBrokers(image, members(...lives), context).records)

function asks(image: Image, isr: readonly number[]): Image {
  const { leader, leaderEpoch, partitionEpoch } = image.topicsByName.get('t')!.partitions[0]!
  const update = { topicId: 'id-of-t', partition: 0, leaderEpoch, partitionEpoch, isr }
  const { records, results } = changePartitions(image, context, leader, [update])
  expect(results[0]!.errorCode).to.equal(ErrorCode.NONE)
  return applyAll(image, records)
}

const whole: PartitionState = { replicas: [1, 2, 3], isr: [1, 2, 3], leader: 1 }

describe('cluster/control/eligible', () => {
  describe('who leaves an ISR', () => {
    it('is eligible when too few are left to commit, and not before', () => {
      const two = live(begin(whole), 1, 2, 4)
      expect(state(two)).to.deep.equal({ leader: 1, isr: [1, 2], elr: [], last: [] })
      const one = live(two, 1, 4)
      expect(state(one)).to.deep.equal({ leader: 1, isr: [1], elr: [2], last: [] })
      const none = live(one, 4)
      expect(state(none), 'the last one, too').to.deep.equal({ leader: -1, isr: [], elr: [2, 1], last: [1] })
    })

    it('also when its leader or a controlled shutdown lets it out', () => {
      expect(state(asks(begin(whole), [1]))).to.deep.equal({ leader: 1, isr: [1], elr: [2, 3], last: [] })
      expect(state(asks(asks(begin(whole), [1]), [1, 3])), 'enough again').to.deep.equal({
        leader: 1,
        isr: [1, 3],
        elr: [],
        last: [],
      })
      const image = begin({ ...whole, isr: [1, 2] })
      const left = applyAll(image, beginControlledShutdown(image, context, 1).records)
      expect(state(left)).to.deep.equal({ leader: 2, isr: [2], elr: [1], last: [] })
    })

    it('also when it is unregistered', () => {
      const image = begin({ ...whole, isr: [1, 2] })
      const left = applyAll(image, unregisterBroker(image, context, 2).records)
      expect(state(left)).to.deep.equal({ leader: 1, isr: [1], elr: [2], last: [] })
    })

    it('not when it has lost what it had', () => {
      const image = begin({ ...whole, isr: [1, 2] })
      const lost = [{ topicId: 'id-of-t', partition: 0, directory: 'failed' }]
      const after = applyAll(image, assignReplicas(image, context, 2, lost).records)
      expect(state(after)).to.deep.equal({ leader: 1, isr: [1], elr: [], last: [] })
    })

    it('more than the replicas are never needed', () => {
      const image = begin({ replicas: [2], isr: [2], leader: 2 }, 1, 3)
      expect(state(live(image, 1))).to.deep.equal({ leader: -1, isr: [], elr: [2], last: [2] })
    })

    it('stays in it without KIP-966 when it is the last, and is not eligible', () => {
      const one = live(begin(whole, 0), 1, 4)
      expect(state(one)).to.deep.equal({ leader: 1, isr: [1], elr: [], last: [] })
      expect(state(live(one, 4))).to.deep.equal({ leader: -1, isr: [1], elr: [], last: [] })
    })
  })

  describe('an election', () => {
    const leaderless: PartitionState = {
      replicas: [1, 2, 3],
      isr: [],
      leader: -1,
      eligibleLeaderReplicas: [3, 2],
      lastKnownElr: [1],
    }

    it('takes an eligible replica that did not lose anything: cut off for a while, or ended cleanly', () => {
      const gone = live(begin({ ...whole, isr: [1, 2] }), 3)
      expect(state(gone)).to.deep.equal({ leader: -1, isr: [], elr: [1, 2], last: [1] })
      const expected = { leader: 2, isr: [2], elr: [1], last: [] }
      expect(state(live(gone, 3, { id: 2, epoch: 9, incarnation: 'i' }))).to.deep.equal(expected)
      expect(state(live(gone, 3, { id: 2, epoch: 9, previous: 2 }))).to.deep.equal(expected)
    })

    it('does not take one after an end that was not clean, but who led last', () => {
      const gone = live(begin({ ...whole, isr: [1, 2] }), 3)
      for (const previous of [-1, 1]) {
        const two = live(gone, 3, { id: 2, epoch: 9, previous })
        expect(state(two), 'not eligible any more').to.deep.equal({ leader: -1, isr: [], elr: [1], last: [1] })
        const both = live(two, 3, { id: 1, epoch: 10 }, { id: 2, epoch: 9, previous })
        expect(state(both), 'nobody is known to have more').to.deep.equal({ leader: 1, isr: [1], elr: [], last: [] })
      }
    })

    it('of everybody at once after an end that was not clean: who led', () => {
      const image = begin({ ...whole, isr: [3, 2, 1], leader: 2 })
      const all = live(image, { id: 1, epoch: 7 }, { id: 2, epoch: 8 }, { id: 3, epoch: 9 })
      expect(state(all)).to.deep.equal({ leader: 2, isr: [2], elr: [], last: [] })
    })

    it('leaves nobody eligible where the new leader commits alone', () => {
      const gone = live(begin({ ...whole, isr: [1, 2] }, 1, 1), 3)
      expect(state(gone).elr).to.deep.equal([1, 2])
      const back = live(gone, 3, { id: 2, epoch: 9, previous: 2 })
      expect(state(back)).to.deep.equal({ leader: 2, isr: [2], elr: [], last: [] })
    })

    it('takes anybody only where the topic puts up with a loss, or an operator asks for it', () => {
      const image = begin({ ...leaderless, eligibleLeaderReplicas: [3], replicas: [2, 3, 1] })
      const without = live(image, 2, 4)
      expect(state(without)).to.deep.include({ leader: -1, isr: [] })
      expect(electUnclean(without, context).records).to.deep.equal([])
      const told = applyAll(without, [config(ConfigResource.TOPIC, 't', 'unclean.leader.election.enable', 'true')])
      const expected = { leader: 2, isr: [2], elr: [], last: [] }
      expect(state(applyAll(told, electUnclean(told, context).records))).to.deep.equal(expected)
      const command = { electionType: ElectionType.UNCLEAN, topics: [{ topic: 't', partitions: [0] }] }
      expect(state(applyAll(without, electLeaders(without, context, command).records))).to.deep.equal(expected)
    })

    it('without KIP-966 takes the in-sync ones alone, whatever their end', () => {
      const gone = live(begin({ ...whole, isr: [1, 2] }, 0), 3)
      expect(state(gone)).to.deep.equal({ leader: -1, isr: [1, 2], elr: [], last: [] })
      expect(state(live(gone, 3, { id: 2, epoch: 9 }))).to.deep.equal({ leader: 2, isr: [2], elr: [], last: [] })
    })
  })

  it('a replica that is moved away is not eligible', () => {
    const image = asks(begin(whole, 1, 3), [1])
    const partitions = [{ partitionIndex: 0, replicas: [1, 3, 4] }]
    const command = { allowReplicationFactorChange: true, topics: [{ name: 't', partitions }] }
    const moving = applyAll(image, reassignPartitions(image, context, command).records)
    expect(state(moving)).to.deep.equal({ leader: 1, isr: [1], elr: [2, 3], last: [] })
    expect(state(asks(moving, [1, 4]))).to.deep.equal({ leader: 1, isr: [1, 4], elr: [3], last: [] })
  })

  describe('another min.insync.replicas', () => {
    const set = (image: Image, type: 2 | 4, name: string, value: string): Image => {
      const configs = [{ name: 'min.insync.replicas', configOperation: AlterOperation.SET, value }]
      const resources = [{ resourceType: type, resourceName: name, configs }]
      const decision = alterConfigs(image, context, { receiverId: 1, replace: false, validateOnly: false, resources })
      expect(decision.results[0]!.errorCode).to.equal(ErrorCode.NONE)
      return applyAll(image, decision.records)
    }

    it('leaves nobody eligible where somebody leads: the others may lack something from now on', () => {
      const image = asks(begin(whole, 1, 3), [1, 2])
      expect(state(image).elr).to.deep.equal([3])
      expect(state(set(image, ConfigResource.TOPIC, 't', '2')).elr).to.deep.equal([])
    })

    it('does not leave a partition without anybody who could lead it', () => {
      const image = live(asks(begin(whole, 1, 3), [1]), 4)
      const expected = { leader: -1, isr: [], elr: [2, 3, 1], last: [1] }
      expect(state(set(image, ConfigResource.TOPIC, 't', '2'))).to.deep.equal(expected)
    })

    it("of the cluster is every topic's, one of another topic is not", () => {
      const image = asks(begin(whole, 1, 3), [1])
      expect(state(set(image, ConfigResource.BROKER, '', '2')).elr).to.deep.equal([])
      const records = [{ type: 'TopicRecord', name: 'other', topicId: 'id-of-other' } as const]
      const two = applyAll(image, records)
      expect(state(set(two, ConfigResource.TOPIC, 'other', '2')).elr).to.deep.equal([2, 3])
    })

    it('changes nothing without KIP-966', () => {
      const image = asks(begin(whole, 0, 3), [1])
      expect(state(set(image, ConfigResource.TOPIC, 't', '2'))).to.deep.equal({
        leader: 1,
        isr: [1],
        elr: [],
        last: [],
      })
    })
  })

  describe('the level', () => {
    const to = (image: Image, level: number): Image => {
      const upgradeType = level === 0 ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE
      const update = { feature: ELIGIBLE_LEADER_REPLICAS_VERSION, maxVersionLevel: level, upgradeType }
      const decision = updateFeatures(image, context, { updates: [update], validateOnly: false })
      expect(decision.results.errorMessage).to.equal(null)
      return applyAll(image, decision.records)
    }
    /** With brokers that know the feature. */
    const known = (image: Image): Image =>
      live(image, ...[1, 2, 3, 4].map((id) => ({ id, epoch: id + 10, incarnation: 'i' })))

    it('down to 0: nobody is eligible, and who may lead a partition without in-sync replicas is in sync', () => {
      const one = asks(known(begin(whole)), [1])
      expect(state(to(one, 0))).to.deep.equal({ leader: 1, isr: [1], elr: [], last: [] })
      const none = live(one, { id: 4, epoch: 14, incarnation: 'i' })
      expect(state(none)).to.deep.equal({ leader: -1, isr: [], elr: [2, 3, 1], last: [1] })
      expect(state(to(none, 0))).to.deep.equal({ leader: -1, isr: [2, 3, 1], elr: [], last: [] })
      const last = applyAll(none, [
        { type: 'PartitionChangeRecord', topicId: 'id-of-t', partitionId: 0, eligibleLeaderReplicas: [] },
      ])
      expect(state(to(last, 0))).to.deep.equal({ leader: -1, isr: [1], elr: [], last: [] })
    })

    it('up to 1: the minimum is the cluster’s alone', () => {
      const image = applyAll(known(begin(whole, 0)), [
        config(ConfigResource.BROKER, '', 'min.insync.replicas', null),
        config(ConfigResource.BROKER, '2', 'min.insync.replicas', '3'),
      ])
      const { configs } = to(image, 1)
      expect(configs.get(ConfigResource.BROKER)?.get('')?.get('min.insync.replicas')).to.equal('1')
      expect(configs.get(ConfigResource.BROKER)?.get('2')).to.equal(undefined)
    })
  })

  it('a new cluster begins with the minimum that its brokers are set to', () => {
    const own = new BrokerConfig({ brokerId: 1, values: { 'min.insync.replicas': '2' } })
    const { configs } = applyAll(emptyImage('c'), bootstrapRecords(emptyImage('c'), { config: own }))
    expect(configs.get(ConfigResource.BROKER)?.get('')?.get('min.insync.replicas')).to.equal('2')
  })
})
