import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import type { KnownLog } from '../../lib/log/log-options.js'
import { makeLog, readAll, type TestLog } from './support/harness.js'

const COUNT = 12
const SEEDS = 60
const INDEX = 't-0/00000000000000000000.index'
const TIMES = 't-0/00000000000000000000.timeindex'
const known = (recoveryPoint: number, clean: boolean): KnownLog => ({ recoveryPoint, logStartOffset: 0, clean })

/** A segment of twelve batches with an index entry for every second one. Where the power goes, the end of what was not synced is noise. */
function written(seed: number): { disk: FaultyDisk; t: TestLog } {
  const disk = new FaultyDisk({ seed, views: false, tornChance: 0.8 }, { disk: new MemoryDisk() })
  const t = makeLog(disk, { flushMessages: 1, indexIntervalBytes: 200 }, 0)
  produce(t)
  return { disk, t }
}

function produce(t: TestLog): void {
  for (let i = 0; i < COUNT; i++) {
    t.clock.advance(1)
    t.produce([{ value: `value ${i}`.padEnd(50, '.') }])
  }
}

const both = (disk: FaultyDisk): string[] => [INDEX, TIMES].map((file) => disk.readFile(file)?.toString('hex') ?? '')

describe('log: index files that were made again', () => {
  let good: string[]
  before(async () => {
    const { disk, t } = written(0)
    t.log.roll(t.clock.now())
    await t.log.close()
    good = both(disk)
    expect(good[0]).to.have.length(5 * 16)
  })

  it('survive a loss of power where the log below them was synced before', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { disk, t } = written(seed)
      await t.log.flush()
      t.log.roll(t.clock.now())
      disk.crash()
      // The segment ends at the recovery point: whether it was sealed in time is not known, so it is read.
      await t.reopen(known(COUNT, false))
      expect(both(disk), `seed ${seed}`).to.deep.equal(good)
      produce(t)
      await t.log.flush()
      disk.crash()
      await t.log.close().catch(() => undefined) // its files are dead
      expect(both(disk), `seed ${seed}`).to.deep.equal(good)
      await t.reopen(known(2 * COUNT, false))
      expect(await readAll(t.log)).to.have.length(2 * COUNT)
      await t.log.close()
    }
  })

  it('do so where they replace some that lied', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { disk, t } = written(seed)
      t.log.roll(t.clock.now())
      await t.log.close()
      const lying = Buffer.from(disk.readFile(INDEX)!)
      lying.writeInt32BE(lying.readInt32BE(2 * 8 + 4) + 7, 2 * 8 + 4)
      disk.writeFile(INDEX, lying)
      await t.reopen(known(COUNT, true))
      const read = await t.log.read(lying.readInt32BE(2 * 8), { maxBytes: 300, upperBound: COUNT, minOneMessage: true })
      read.release?.()
      expect(both(disk), `seed ${seed}`).to.deep.equal(good)
      disk.crash()
      expect(both(disk), `seed ${seed}`).to.deep.equal(good)
      await t.log.close()
    }
  })
})
