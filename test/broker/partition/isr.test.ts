import { expect } from 'chai'
import * as fc from 'fast-check'
import {
  type CommitView,
  committedOffset,
  effectiveMinIsr,
  unknownFollower,
} from '../../../lib/broker/partition/isr.js'

const view = (over: Partial<CommitView>): CommitView => ({
  highWatermark: 0,
  writtenOffset: 10,
  brokerId: 1,
  isr: [1],
  followers: new Map(),
  minIsr: 1,
  ...over,
})

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

  it('behaviour 42: min.insync.replicas is capped by the replica count', () => {
    expect(effectiveMinIsr(2, 1)).to.equal(1)
    expect(effectiveMinIsr(2, 3)).to.equal(2)
    expect(effectiveMinIsr(1, 0)).to.equal(1)
  })
})
