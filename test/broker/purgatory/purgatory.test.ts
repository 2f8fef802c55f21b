import { expect } from 'chai'
import { type Delayed, Purgatory } from '../../../lib/broker/purgatory/purgatory.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { TimerWheel } from '../../../lib/host/timer-wheel.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'

class Probe implements Delayed {
  isReady = false
  readonly events: string[] = []
  onComplete: () => void = () => {}
  ready(): boolean {
    return this.isReady
  }
  complete(expired: boolean): void {
    this.events.push(expired ? 'expired' : 'completed')
    this.onComplete()
  }
  abandon(): void {
    this.events.push('abandoned')
  }
  fail(error: unknown): void {
    this.events.push(`failed: ${(error as Error).message}`)
  }
}

describe('broker/purgatory', () => {
  const a = { name: 'a' }
  const b = { name: 'b' }
  let clock: VirtualClock
  let timers: TimerWheel
  let purgatory: Purgatory
  beforeEach(() => {
    clock = new VirtualClock()
    timers = new TimerWheel({ clock, onError: (error) => expect.fail(String(error)) })
    purgatory = new Purgatory({ name: 'Test', watchesMax: 3 }, { timers, logger: silentLogger })
  })
  const empty = () => {
    expect(purgatory.size).to.equal(0)
    expect(purgatory.watches).to.equal(0)
    expect(timers.size).to.equal(0)
  }

  it('completes once, on the wake of any of its keys, and leaves nothing behind', () => {
    const probe = new Probe()
    purgatory.park(probe, [a, b], 100)
    purgatory.wake(a)
    expect(probe.events).to.deep.equal([])
    probe.isReady = true
    purgatory.wake(b)
    purgatory.wake(a)
    clock.advance(1000)
    expect(probe.events).to.deep.equal(['completed'])
    empty()
  })

  it('expires at its time', () => {
    const probe = new Probe()
    purgatory.park(probe, [a], 100)
    clock.advance(99)
    expect(probe.events).to.deep.equal([])
    clock.advance(1)
    expect(probe.events).to.deep.equal(['expired'])
    empty()
  })

  it('forgets a cancelled request without an answer', () => {
    const probe = new Probe()
    const parked = purgatory.park(probe, [a, b], 100)
    parked.cancel()
    parked.cancel()
    probe.isReady = true
    purgatory.wake(a)
    expect(probe.events).to.deep.equal(['abandoned'])
    empty()
  })

  it('answers once although the answer wakes the same key again', () => {
    const probe = new Probe()
    probe.onComplete = () => purgatory.wake(a)
    purgatory.park(probe, [a], null)
    probe.isReady = true
    purgatory.wake(a)
    expect(probe.events).to.deep.equal(['completed'])
    empty()
  })

  it('ends a request that throws and goes on with the others', () => {
    const bad = new Probe()
    bad.ready = () => {
      throw new Error('bug')
    }
    const good = new Probe()
    good.isReady = true
    purgatory.park(bad, [a], null)
    purgatory.park(good, [a], null)
    purgatory.wake(a)
    expect(bad.events).to.deep.equal(['failed: bug'])
    expect(good.events).to.deep.equal(['completed'])
    empty()
  })

  it('answers at once when it is full', () => {
    purgatory.park(new Probe(), [a, b], null)
    const probe = new Probe()
    purgatory.park(probe, [a, b], 100)
    expect(probe.events).to.deep.equal(['expired'])
    expect(purgatory.watches).to.equal(2)
  })

  it('counts a key that is given twice once', () => {
    const parked = purgatory.park(new Probe(), [a, a], null)
    expect(purgatory.watches).to.equal(1)
    parked.cancel()
    empty()
  })

  it('answers everybody when it closes', () => {
    const probes = [new Probe(), new Probe()]
    for (const probe of probes) purgatory.park(probe, [a], 50)
    purgatory.close()
    expect(probes.map((probe) => probe.events)).to.deep.equal([['expired'], ['expired']])
    empty()
  })
})
