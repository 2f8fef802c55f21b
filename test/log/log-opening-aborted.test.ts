import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import type { KnownLog } from '../../lib/log/log-options.js'
import { disks, makeLog, START_MS, type TestDisk } from './support/harness.js'
import { encodeEndTxn } from './support/transactions.js'

const node = disks.find(({ name }) => name === 'node disk')!
const file = (base: number, suffix: string): string => `t-0/${String(base).padStart(20, '0')}${suffix}`
const clean = (end: number): KnownLog => ({ recoveryPoint: end, logStartOffset: 0, clean: true })
const unclean = (recoveryPoint: number): KnownLog => ({ recoveryPoint, logStartOffset: 0, clean: false })

describe('log/log-opening: aborted transactions', () => {
  let own: TestDisk
  beforeEach(() => {
    own = node.make()
  })
  afterEach(() => own.remove())

  it('makes a damaged transaction index again, of transactions that began in older segments too', async () => {
    const t = makeLog(own.disk)
    t.produce([{ value: 'x' }], { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true })
    t.log.roll(t.clock.now())
    t.log.append(encodeEndTxn(5, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START_MS })
    t.log.roll(t.clock.now())
    t.produce([{ value: 'y' }])
    await t.log.close()
    const good = own.disk.readFile(file(1, '.txnindex'))!
    for (const bytes of [good, good.subarray(0, 20), Buffer.alloc(34, 0xff)]) {
      own.disk.writeFile(file(1, '.txnindex'), bytes)
      await t.reopen(clean(3))
      const read = await t.log.read(0, { maxBytes: 1000, upperBound: 3, minOneMessage: true })
      expect(read.abortedTransactions).to.deep.equal([{ producerId: 5, firstOffset: 0 }])
      read.release?.()
      await t.log.close()
      expect(own.disk.readFile(file(1, '.txnindex'))!.equals(good)).to.equal(true)
    }
  })

  for (const suffix of ['.index', '.timeindex']) {
    it(`knows what was aborted in a segment whose ${suffix} was never written, nor what comes with it`, async () => {
      const t = makeLog(own.disk)
      t.produce([{ value: 'x' }], { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true })
      t.log.append(encodeEndTxn(5, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START_MS })
      t.log.roll(t.clock.now())
      t.produce([{ value: 'y' }])
      await t.log.close()
      for (const one of [suffix, '.txnindex']) own.disk.remove(file(0, one))
      for (const known of [clean(3), unclean(3)]) {
        await t.reopen(known)
        const read = await t.log.read(0, { maxBytes: 1000, upperBound: 3, minOneMessage: true })
        expect(read.abortedTransactions).to.deep.equal([{ producerId: 5, firstOffset: 0 }])
        read.release?.()
        await t.log.close()
      }
    })
  }

  it('knows what was aborted in a segment that was sealed when the power went', async () => {
    for (let seed = 1; seed <= 120; seed++) {
      const disk = new FaultyDisk({ seed, views: false, tornChance: 0.5 }, { disk: new MemoryDisk() })
      const t = makeLog(disk, { flushMessages: 1 }, 0)
      t.produce([{ value: 'x' }], { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true })
      t.log.append(encodeEndTxn(5, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START_MS })
      await t.log.flush()
      t.log.roll(t.clock.now())
      disk.crash()
      // All of its batches were synced before, so that nobody looks at them.
      await t.reopen(unclean(2))
      const read = await t.log.read(0, { maxBytes: 1000, upperBound: 2, minOneMessage: true })
      expect(read.abortedTransactions, `seed ${seed}`).to.deep.equal([{ producerId: 5, firstOffset: 0 }])
      read.release?.()
      await t.log.close()
    }
  })
})
