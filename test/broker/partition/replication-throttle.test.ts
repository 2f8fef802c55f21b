import { expect } from 'chai'
import { throttledPartitions } from '../../../lib/broker/partition/replication-throttle.js'

describe('broker/partition/replication-throttle', () => {
  it('reads which partitions of a topic are meant here', () => {
    expect(throttledPartitions(undefined, 1)).to.equal(null)
    expect(throttledPartitions('', 1)).to.equal(null)
    expect(throttledPartitions(' * ', 1)).to.equal('all')
    expect(throttledPartitions('0:1, 3:1,1:2', 1)).to.deep.equal(new Set([0, 3]))
    expect(throttledPartitions(',0:1,', 1)).to.deep.equal(new Set([0]))
    expect(throttledPartitions('0:1,3:1', 2)).to.equal(null)
  })
})
