import { expect } from 'chai'
import * as fc from 'fast-check'
import {
  type CommitView,
  committedOffset,
  effectiveMinIsr,
  type IsrView,
  lowestStart,
  noteFetch,
  proposeIsr,
  unknownFollower,
} from '../../../lib/broker/partition/isr.js'

const view = (over: Partial<CommitView>): CommitView => ({
  highWatermark: 0,
  writtenOffset: 10,
  brokerId: 1,
  isr: [1],
  recorded: over.isr?.length ?? 1,
  followers: new Map(),
  minIsr: 1,
  ...over,
})

const at = (endOffset: number) => ({ endOffset, logStartOffset: 0, brokerEpoch: -1 })

describe('broker/partition/isr', () => {
  it('commits what a lone leader has written', () => {
    expect(committedOffset(view({}))).to.equal(10)
  })

  it('commits the minimum over the in-sync replicas and leaves others out of it', () => {
    const followers = new Map([
      [2, { ...unknownFollower(0), endOffset: 7 }],
      [3, { ...unknownFollower(0), endOffset: 4 }],
    ])
    expect(committedOffset(view({ isr: [1, 2, 3], followers }))).to.equal(4)
    expect(committedOffset(view({ isr: [1, 2], followers }))).to.equal(7)
  })

  it('waits for an in-sync replica that has not been heard of', () => {
    expect(committedOffset(view({ isr: [1, 2], highWatermark: 3 }))).to.equal(3)
  })

  it('shows nothing new below the minimum of in-sync replicas (KIP-966)', () => {
    expect(committedOffset(view({ minIsr: 2, highWatermark: 3 }))).to.equal(3)
    const followers = new Map([[2, { ...unknownFollower(0), endOffset: 7 }]])
    const asked = { isr: [1, 2], followers, minIsr: 2, highWatermark: 3 }
    expect(committedOffset(view({ ...asked, recorded: 1 })), 'only asked for').to.equal(3)
    expect(committedOffset(view({ ...asked, recorded: 2 }))).to.equal(7)
  })

  it('never goes back', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.array(fc.nat(100), { maxLength: 3 }), (high, written, ends) => {
        const followers = new Map(ends.map((endOffset, index) => [index + 2, { ...unknownFollower(0), endOffset }]))
        const isr = [1, ...followers.keys()]
        expect(committedOffset(view({ highWatermark: high, writtenOffset: written, isr, followers }))).to.be.at.least(
          high,
        )
      }),
    )
  })

  it('believes a follower that has less than before: its disk was lost', () => {
    const follower = unknownFollower(0)
    noteFetch(follower, at(7), 7, 1)
    noteFetch(follower, at(2), 7, 2)
    expect(follower.endOffset).to.equal(2)
    expect(committedOffset(view({ isr: [1, 2], followers: new Map([[2, follower]]) }))).to.equal(2)
  })

  it('a follower has caught up when it has what the leader had at its fetch before', () => {
    const follower = unknownFollower(0)
    noteFetch(follower, at(5), 5, 10)
    noteFetch(follower, at(5), 9, 20)
    expect(follower.caughtUpMs).to.equal(10)
    noteFetch(follower, at(9), 12, 30)
    expect(follower.caughtUpMs).to.equal(20)
    noteFetch(follower, at(10), 15, 40)
    expect(follower.caughtUpMs).to.equal(20)
  })

  describe('proposes', () => {
    const isrView = (over: Partial<IsrView>): IsrView => ({
      brokerId: 1,
      isr: [1, 2],
      replicas: [1, 2, 3],
      followers: new Map([
        [2, { ...unknownFollower(0), endOffset: 10, logStartOffset: 0 }],
        [3, { ...unknownFollower(0), endOffset: 4, logStartOffset: 0 }],
      ]),
      highWatermark: 8,
      leaderEndOffset: 10,
      leaderStartOffset: 0,
      epochStartOffset: 5,
      nowMs: 1000,
      lagMaxMs: 500,
      isEligible: () => true,
      ...over,
    })

    it('nothing while everybody is where he belongs', () => {
      expect(proposeIsr(isrView({}))).to.equal(null)
    })

    it('A: to let a member go that lags, not one that has everything and is only silent', () => {
      const lagging = new Map([[2, { ...unknownFollower(0), endOffset: 9 }]])
      expect(proposeIsr(isrView({ followers: lagging }))).to.deep.equal([1])
      expect(proposeIsr(isrView({ followers: lagging, nowMs: 500 }))).to.equal(null)
    })

    it('B: to let a replica in that has what is committed and what the leader began with, if it is eligible', () => {
      const caughtUp = new Map([
        [2, { ...unknownFollower(0), endOffset: 10, logStartOffset: 0 }],
        [3, { ...unknownFollower(0), endOffset: 8, logStartOffset: 2 }],
      ])
      expect(proposeIsr(isrView({ followers: caughtUp }))).to.deep.equal([1, 2, 3])
      expect(proposeIsr(isrView({ followers: caughtUp, epochStartOffset: 9 }))).to.equal(null)
      expect(proposeIsr(isrView({ followers: caughtUp, isEligible: (id) => id !== 3 }))).to.equal(null)
      // It has records that were deleted.
      expect(proposeIsr(isrView({ followers: caughtUp, leaderStartOffset: 2 }))).to.deep.equal([1, 2, 3])
      expect(proposeIsr(isrView({ followers: caughtUp, leaderStartOffset: 3 }))).to.equal(null)
    })
  })

  describe('what is deleted for good', () => {
    const startsAt = (logStartOffset: number) => ({ ...unknownFollower(0), logStartOffset })
    const followers = new Map([
      [2, startsAt(5)],
      [3, startsAt(4)],
      [4, startsAt(3)],
    ])
    const lowest = (isr: number[], eligibleLeaderReplicas: number[] = [], proposed: number[] | null = null) =>
      lowestStart(6, { image: { isr, eligibleLeaderReplicas }, followers }, proposed)

    it('is deleted in the logs of all that are in sync', () => {
      expect(lowest([1])).to.equal(6)
      expect(lowest([1, 2])).to.equal(5)
    })

    it('and of those who may be in sync, or may lead although they are not (make sim SEED=10216 PROFILE=cluster)', () => {
      expect(lowest([1, 2], [], [1, 2, 3])).to.equal(4)
      expect(lowest([1], [4])).to.equal(3)
    })
  })

  it('behaviour 42: min.insync.replicas is capped by the replica count', () => {
    expect(effectiveMinIsr(2, 1)).to.equal(1)
    expect(effectiveMinIsr(2, 3)).to.equal(2)
    expect(effectiveMinIsr(1, 0)).to.equal(1)
  })
})
