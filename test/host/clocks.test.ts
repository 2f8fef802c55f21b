import FakeTimers from '@sinonjs/fake-timers'
import { expect } from 'chai'
import { enqueue, monotonicMs } from '../../lib/host/real-time.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import { TimerWheel } from '../../lib/host/timer-wheel.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'

const rung = (clock: SystemClock, delayMs: number) => new Promise<void>((resolve) => clock.setTimer(delayMs, resolve))

describe('SystemClock', () => {
  it('fires in the order of the deadlines, equal ones in the order of setting', async () => {
    const clock = new SystemClock()
    const order: string[] = []
    await new Promise<void>((resolve) => {
      clock.setTimer(6, () => resolve())
      clock.setTimer(3, () => order.push('late'))
      clock.setTimer(0, () => order.push('first'))
      clock.setTimer(0, () => order.push('second'))
      clock.setTimer(2, () => order.push('gone')).cancel()
    })
    expect(order).to.deep.equal(['first', 'second', 'late'])
    expect(clock.pendingTimers).to.equal(0)
  })

  it('never fires early, and its monotonic time goes on', async () => {
    const clock = new SystemClock()
    const start = clock.monotonic()
    await rung(clock, 5)
    expect(clock.monotonic() - start).to.be.at.least(5)
    expect(Math.abs(clock.now() - Date.now())).to.be.lessThan(50)
    expect(clock.now()).to.satisfy(Number.isInteger)
  })

  it('a timer that re-arms itself with 0 starves nobody', async () => {
    const clock = new SystemClock()
    let turns = 0
    let stopped = false
    const again = (): void => {
      turns += 1
      if (!stopped) clock.setTimer(0, again)
    }
    clock.setTimer(0, again)
    await rung(clock, 3)
    await new Promise<void>((resolve) => setImmediate(resolve))
    stopped = true
    expect(turns).to.be.greaterThan(1)
  })

  it('an error in a callback leaves the other timers alone', async () => {
    const clock = new SystemClock()
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const caught = new Promise<unknown>((resolve) => process.once('uncaughtException', resolve))
    try {
      clock.setTimer(1, () => {
        throw new Error('on purpose')
      })
      await rung(clock, 1)
      expect(await caught).to.have.property('message', 'on purpose')
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })

  it('cancelling the only timer disarms the clock', () => {
    const clock = new SystemClock()
    const timer = clock.setTimer(1e12, () => {})
    timer.cancel()
    timer.cancel()
    expect(clock.pendingTimers).to.equal(0)
    expect(() => clock.setTimer(Number.NaN, () => {})).to.throw(RangeError)
  })

  for (const before of [false, true]) {
    it(`goes on under fake timers installed ${before ? 'before' : 'after'} it was loaded`, async () => {
      const realNow = Date.now()
      const realMonotonic = monotonicMs()
      const query = `?fakes=${before}`
      const load = async () => ({
        ...((await import(`../../lib/host/real-time.js${query}`)) as typeof import('../../lib/host/real-time.js')),
      })
      let loaded = before ? null : await load()
      const fakes = FakeTimers.install({
        now: 5_000_000,
        toFake: [
          'setTimeout',
          'clearTimeout',
          'setImmediate',
          'clearImmediate',
          'setInterval',
          'Date',
          'performance',
          'hrtime',
          'queueMicrotask',
        ],
      })
      try {
        loaded ??= await load()
        expect(Date.now()).to.equal(5_000_000)
        expect(loaded.wallTimeMs()).to.be.within(realNow, realNow + 5000)
        expect(loaded.monotonicMs()).to.be.within(realMonotonic, realMonotonic + 5000)
        for (const delayMs of [0, 2]) {
          await new Promise<void>((resolve) => loaded!.createAlarm(resolve).set(delayMs))
        }
        await new Promise<void>((resolve) => loaded!.enqueue(resolve))
      } finally {
        fakes.uninstall()
      }
    })
  }

  it('enqueue runs after this callback and before anything else', async () => {
    const order: string[] = []
    setImmediate(() => order.push('immediate'))
    enqueue(() => order.push('task'))
    order.push('now')
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(order).to.deep.equal(['now', 'task', 'immediate'])
  })
})

describe('VirtualClock', () => {
  it('fires what comes due, at its time, in order', () => {
    const clock = new VirtualClock({ startMs: 1000 })
    const log: string[] = []
    const note = (name: string) => () => log.push(`${name}@${clock.now()}`)
    clock.setTimer(10, note('b'))
    clock.setTimer(5, () => {
      note('a')()
      clock.setTimer(5, note('c'))
      clock.setTimer(100, note('later'))
    })
    clock.setTimer(7, note('cancelled')).cancel()
    clock.advance(9)
    expect(log).to.deep.equal(['a@1005'])
    expect(clock.now()).to.equal(1009)
    clock.advance(1)
    expect(log).to.deep.equal(['a@1005', 'b@1010', 'c@1010'])
    expect(clock.untilNextMs()).to.equal(95)
    expect(clock.step()).to.equal(true)
    expect(log.at(-1)).to.equal('later@1105')
    expect(clock.step()).to.equal(false)
  })

  it('lets promises settle between timers', async () => {
    const clock = new VirtualClock()
    const start = clock.monotonic()
    let elapsedMs = -1
    const later = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve))
    void (async () => {
      for (let round = 0; round < 10; round += 1) await later(3)
      elapsedMs = clock.monotonic() - start
    })()
    await clock.advanceAsync(100)
    expect(elapsedMs).to.equal(30)
  })

  it('jumps wall time without time passing', () => {
    const clock = new VirtualClock({ startMs: 0 })
    clock.setTimer(10, () => expect.fail('no time has passed'))
    clock.jump(3_600_000)
    expect(clock.now()).to.equal(3_600_000)
    expect(clock.monotonic()).to.equal(0)
  })

  it('ends an endless loop at one instant with an error', () => {
    const clock = new VirtualClock()
    const again = (): void => {
      clock.setTimer(0, again)
    }
    again()
    expect(() => clock.advance(0)).to.throw('re-arms itself with 0')
  }).timeout(5000)
})

describe('TimerWheel', () => {
  const make = () => {
    const clock = new VirtualClock()
    const errors: string[] = []
    const wheel = new TimerWheel({ clock, onError: (error, key) => errors.push(`${key}: ${(error as Error).message}`) })
    return { clock, wheel, errors }
  }

  it('a key has one timer; arming it again moves it', () => {
    const { clock, wheel } = make()
    const fired: string[] = []
    wheel.schedule('m1', 10, () => fired.push('m1 first'))
    clock.advance(9)
    wheel.schedule('m1', 10, () => fired.push('m1 second'))
    expect(wheel.remainingMs('m1')).to.equal(10)
    clock.advance(9)
    expect(fired).to.deep.equal([])
    clock.advance(1)
    expect(fired).to.deep.equal(['m1 second'])
    expect(wheel.has('m1')).to.equal(false)
    expect(wheel.remainingMs('m1')).to.equal(null)
    expect(wheel.cancel('m1')).to.equal(false)
  })

  it('needs one timer of the clock for a hundred thousand, and none when it has none', () => {
    const { clock, wheel } = make()
    let fired = 0
    for (let index = 0; index < 100_000; index += 1)
      wheel.schedule(`s${index}`, 1000 + (index % 977), () => (fired += 1))
    expect(clock.pendingTimers).to.equal(1)
    for (let index = 0; index < 100_000; index += 2) wheel.cancel(`s${index}`)
    clock.advance(5000)
    expect(fired).to.equal(50_000)
    expect(wheel.size).to.equal(0)
    expect(clock.pendingTimers).to.equal(0)
  })

  it('a callback that throws is reported, the others run', () => {
    const { clock, wheel, errors } = make()
    let fired = 0
    wheel.schedule('bad', 1, () => {
      throw new Error('on purpose')
    })
    wheel.schedule(undefined, 1, () => (fired += 1))
    clock.advance(1)
    expect(errors).to.deep.equal(['bad: on purpose'])
    expect(fired).to.equal(1)
  })

  it('a callback may cancel and schedule others', () => {
    const { clock, wheel } = make()
    const fired: string[] = []
    const later = wheel.schedule('b', 5, () => fired.push('b'))
    wheel.schedule('a', 5, () => {
      fired.push('a')
      later.cancel()
    })
    wheel.schedule('c', 4, () => wheel.schedule('a', 3, () => fired.push('a again')))
    clock.advance(10)
    expect(fired).to.deep.equal(['b', 'a again'])
    expect(wheel.size).to.equal(0)
  })

  it('nothing fires after close', () => {
    const { clock, wheel } = make()
    wheel.schedule('a', 1, () => expect.fail('closed'))
    wheel.close()
    wheel.schedule('b', 1, () => expect.fail('closed')).cancel()
    clock.advance(10)
    expect(clock.pendingTimers).to.equal(0)
  })
})
