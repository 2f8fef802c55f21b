import { expect } from 'chai'
import { unknownFollower } from '../../../lib/broker/partition/isr.js'
import { preferredReadReplica } from '../../../lib/broker/partition/read-replica.js'

describe('broker/partition/read-replica', () => {
  const racks: Record<number, string> = { 1: 'a', 2: 'b', 3: 'b', 4: 'c' }
  const follower = (endOffset: number, more = {}) => ({ ...unknownFollower(0), logStartOffset: 0, endOffset, ...more })
  const ask = (
    clientRack: string,
    states: Record<number, ReturnType<typeof follower>>,
    fetchOffset = 5,
    isr = [1, 2, 3, 4],
  ) =>
    preferredReadReplica({
      clientRack,
      leaderRack: 'a',
      fetchOffset,
      isr,
      followers: new Map(Object.entries(states).map(([id, state]) => [Number(id), state])),
      rackOf: (id) => racks[id] ?? null,
    })

  it('is the follower in the client’s rack that is furthest', () => {
    expect(ask('b', { 2: follower(8), 3: follower(9), 4: follower(10) })).to.equal(3)
    expect(ask('b', { 2: follower(9, { caughtUpMs: 7 }), 3: follower(9) })).to.equal(2)
    expect(ask('b', { 3: follower(9), 2: follower(9) })).to.equal(2)
  })

  it('is the leader for clients in its rack, without a rack, and in racks without a replica', () => {
    const states = { 2: follower(9), 4: follower(9) }
    for (const rack of ['a', '', 'z']) expect(ask(rack, states)).to.equal(-1)
  })

  it('has the offset that is asked for', () => {
    expect(ask('b', { 2: follower(4), 3: follower(9, { logStartOffset: 6 }) })).to.equal(-1)
    expect(ask('b', { 2: follower(5) })).to.equal(2)
    expect(ask('b', { 2: unknownFollower(0) })).to.equal(-1)
  })

  it('is in sync: who reads from one that is not would fall behind with it', () => {
    const states = { 2: follower(8), 3: follower(9) }
    expect(ask('b', states, 5, [1, 2])).to.equal(2)
    expect(ask('b', states, 5, [1])).to.equal(-1)
  })
})
