import { expect } from 'chai'
import { truncationPoint } from '../../../lib/cluster/replication/truncation.js'
import { LeaderEpochs } from '../../../lib/log/leader-epochs.js'

function log(endOffset: number, highWatermark: number, epochs: readonly (readonly [number, number])[]) {
  const known = new LeaderEpochs()
  for (const [epoch, start] of epochs) known.assign(epoch, start)
  return { endOffset, highWatermark, endOffsetForEpoch: (epoch: number) => known.endOffsetFor(epoch, endOffset) }
}

describe('cluster/replication/truncation', () => {
  it('A: trusts nothing above the high watermark when the leader knows no such epoch', () => {
    expect(truncationPoint(log(10, 4, [[1, 0]]), { epoch: -1, endOffset: -1 })).to.equal(4)
  })

  it('B: cuts to the smaller end of an epoch that both have', () => {
    const own = log(10, 4, [
      [1, 0],
      [2, 6],
    ])
    expect(truncationPoint(own, { epoch: 1, endOffset: 5 })).to.equal(5)
    expect(truncationPoint(own, { epoch: 1, endOffset: 8 })).to.equal(6)
  })

  it('C: cuts to where its newest older epoch ends, when it lacks the leader’s', () => {
    const own = log(10, 4, [
      [1, 0],
      [5, 7],
    ])
    expect(truncationPoint(own, { epoch: 3, endOffset: 9 })).to.equal(7)
  })

  it('never cuts beyond its own end', () => {
    expect(truncationPoint(log(3, 3, [[1, 0]]), { epoch: 1, endOffset: 9 })).to.equal(3)
  })
})
