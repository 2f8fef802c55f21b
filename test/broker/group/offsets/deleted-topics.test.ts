import { expect } from 'chai'
import { ErrorCode } from '../../../../protocol/errors.js'
import { makeRig, type Rig } from '../rig.js'

const THIS_TOPIC = `${'a'.repeat(21)}Q`
const EARLIER_TOPIC = `${'b'.repeat(21)}Q`
const topics = [
  {
    name: 'a',
    topicId: THIS_TOPIC,
    partitions: [{ partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 0, committedMetadata: null }],
  },
]
const simple = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, topics }

async function committed(rig: Rig): Promise<number> {
  const request = { groupId: 'g', topics: null, requireStable: false }
  const reply = await rig.coordinator.fetchOffsets(request, false)
  return reply.topics[0]?.partitions[0]?.committedOffset ?? -1
}

describe('broker/group/offsets: deleted topics', () => {
  // A broker that lags hears of a deletion after it has read what was committed for the topic that was made anew.
  it('an earlier topic of the same name takes nothing along', async () => {
    const rig = makeRig()
    await rig.coordinator.commitOffsets({ ...simple, retentionTimeMs: -1, knowsGroupIdNotFound: false }, false)
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: EARLIER_TOPIC }])
    expect(await committed(rig)).to.equal(5)
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: THIS_TOPIC }])
    expect(await committed(rig)).to.equal(-1)
  })

  it('are not forgotten while the offsets are still being read', async () => {
    const rig = makeRig()
    await rig.coordinator.commitOffsets({ ...simple, retentionTimeMs: -1, knowsGroupIdNotFound: false }, false)
    rig.coordinator.unload(0)
    rig.log.asyncReads = true
    rig.coordinator.load(0, rig.log)
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: THIS_TOPIC }])
    while (rig.coordinator.status(0) !== ErrorCode.NONE) await Promise.resolve()
    expect(await committed(rig)).to.equal(-1)
  })

  it('nor while this broker is out of the cluster', async () => {
    const rig = makeRig()
    await rig.coordinator.commitOffsets({ ...simple, retentionTimeMs: -1, knowsGroupIdNotFound: false }, false)
    rig.coordinator.setStanding(false)
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: THIS_TOPIC }])
    rig.coordinator.setStanding(true)
    expect(await committed(rig)).to.equal(-1)
  })

  it('nor when the log refuses the tombstones for now', async () => {
    const rig = makeRig()
    await rig.coordinator.commitOffsets({ ...simple, retentionTimeMs: -1, knowsGroupIdNotFound: false }, false)
    rig.log.failNext.push(ErrorCode.NOT_ENOUGH_REPLICAS)
    rig.coordinator.onTopicsDeleted([{ name: 'a', topicId: THIS_TOPIC }])
    expect(await committed(rig)).to.equal(5)
    rig.clock.advance(1000)
    expect(await committed(rig)).to.equal(-1)
  })

  for (const [which, topicId, after] of [
    ['an earlier topic takes nothing', EARLIER_TOPIC, 5],
    ['the topic itself takes everything', THIS_TOPIC, -1],
  ] as const) {
    it(`${which} from an open transaction`, async () => {
      const rig = makeRig()
      const producer = { producerId: 7, producerEpoch: 0 }
      const request = { ...simple, ...producer, knowsGroupIdNotFound: false }
      await rig.coordinator.commitTransactional(request, false, () => ErrorCode.NONE)
      rig.coordinator.onTopicsDeleted([{ name: 'a', topicId }])
      await rig.coordinator.completeTransaction(0, { ...producer, coordinatorEpoch: 0, commit: true })
      expect(await committed(rig)).to.equal(after)
    })
  }
})
