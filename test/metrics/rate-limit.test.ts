import { expect } from 'chai'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { RateLimit } from '../../lib/metrics/rate-limit.js'

describe('metrics/rate-limit', () => {
  it('counts over the time since the oldest sample began, one window at least, and forgets', () => {
    const clock = new VirtualClock()
    const rate = new RateLimit({ windows: 3, windowMs: 1000 }, clock)
    rate.limit = 100
    expect(rate).to.include({ perSecond: 0, isExceeded: false, waitMs: 0 })
    rate.record(150)
    expect(rate).to.include({ perSecond: 150, isExceeded: true, waitMs: 500 })
    clock.advance(1500)
    expect(rate).to.include({ perSecond: 100, isExceeded: false })
    rate.record(100)
    clock.advance(500)
    expect(rate.perSecond).to.equal(125)
    clock.advance(1000)
    // The first sample is forgotten, the other began 1.5 s ago.
    expect(rate.perSecond).to.be.closeTo(66.7, 0.1)
    clock.advance(3000)
    expect(rate.perSecond).to.equal(0)
  })

  it('with a limit of nothing waits until what moved is forgotten', () => {
    const clock = new VirtualClock()
    const rate = new RateLimit({ windows: 2, windowMs: 1000 }, clock)
    rate.limit = 0
    expect(rate.isExceeded).to.equal(false)
    rate.record(1)
    expect(rate).to.include({ isExceeded: true, waitMs: 2000 })
    clock.advance(2000)
    expect(rate).to.include({ isExceeded: false, waitMs: 0 })
  })

  it('without a limit holds nobody back', () => {
    const rate = new RateLimit({ windows: 2, windowMs: 1000 }, new VirtualClock())
    rate.record(1e12)
    expect(rate).to.include({ isExceeded: false, waitMs: 0 })
  })
})
