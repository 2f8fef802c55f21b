import { expect } from 'chai'
import { LeaderEpochs } from '../../lib/log/leader-epochs.js'

describe('leader epochs', () => {
  const epochs = (...entries: [number, number][]): LeaderEpochs => {
    const list = new LeaderEpochs()
    for (const [epoch, startOffset] of entries) list.assign(epoch, startOffset)
    return list
  }

  it('ends: the latest at the log end, others where the next begins, newer ones unknown', () => {
    const list = epochs([2, 10], [4, 30], [7, 50])
    const end = (epoch: number) => Object.values(list.endOffsetFor(epoch, 80))
    expect(end(7)).to.deep.equal([7, 80])
    expect(end(4)).to.deep.equal([4, 50])
    expect(end(5), 'floor').to.deep.equal([4, 50])
    expect(end(2)).to.deep.equal([2, 30])
    expect(end(1), 'older than all').to.deep.equal([1, 10])
    expect(end(8)).to.deep.equal([-1, -1])
    expect(end(-1)).to.deep.equal([-1, -1])
    expect(Object.values(epochs().endOffsetFor(0, 5))).to.deep.equal([-1, -1])
  })

  it('names the epoch of an offset', () => {
    const list = epochs([2, 10], [4, 30])
    expect([9, 10, 29, 30, 99].map((offset) => list.epochFor(offset))).to.deep.equal([-1, 2, 2, 4, 4])
  })

  it('a new entry replaces what it contradicts', () => {
    expect(epochs([1, 0], [2, 10], [3, 10]).entries).to.deep.equal([
      { epoch: 1, startOffset: 0 },
      { epoch: 3, startOffset: 10 },
    ])
    expect(epochs([1, 0], [3, 10], [2, 20]).entries).to.deep.equal([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 20 },
    ])
  })

  it('is cut at both ends', () => {
    const list = epochs([1, 0], [2, 10], [3, 20])
    list.truncateFromEnd(20)
    expect(list.latestEpoch).to.equal(2)
    list.truncateFromStart(15)
    expect(list.entries).to.deep.equal([{ epoch: 2, startOffset: 15 }])
    list.truncateFromStart(3)
    expect(list.entries).to.deep.equal([{ epoch: 2, startOffset: 15 }])
  })
})
