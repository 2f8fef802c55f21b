import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { CleaningAborted } from '../../lib/log/cleaner.js'
import { compactedAtMost } from '../../lib/log/cleaner-rules.js'
import { judge } from '../../lib/log/log-cleaner.js'
import { compact } from './support/compaction.js'
import { makeLog, readAll, type TestLog } from './support/harness.js'

const CONFIG = { segmentBytes: 600, indexIntervalBytes: 100, cleanupCompact: true, cleanupDelete: false }
const COUNT = 30

function filled(): TestLog {
  const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
  const t = makeLog(disk, CONFIG, 0)
  for (let i = 0; i < COUNT; i++) t.produce([{ key: `k${i % 5}`, value: `${i}`.padEnd(100, 'x') }])
  t.log.onHighWatermark(COUNT)
  return t
}

const keysBelow = async (t: TestLog, offset: number): Promise<number> =>
  (await readAll(t.log)).filter((record) => record.offset < offset).length

describe('compaction, and what is lost above', () => {
  it('a record goes only when the one that replaces it would survive a loss of power', async () => {
    const t = filled()
    t.log.flushPending()
    expect(judge(t.log, COUNT, t.clock.now()).due).to.equal(false)
    await t.log.flush()
    const { due, firstUncleanableOffset } = judge(t.log, COUNT, t.clock.now())
    expect([due, firstUncleanableOffset]).to.deep.equal([true, t.log.body.segments.active.baseOffset])
    await t.log.close()
  })

  it('what an earlier process left is synced, and then compacted', async () => {
    const t = filled()
    t.log.flushPending()
    const { disk } = t.ports
    const again = makeLog(disk, CONFIG, 0)
    await again.reopen({ recoveryPoint: 0, logStartOffset: 0, clean: false })
    again.log.onHighWatermark(COUNT)
    for (let turn = 0; turn < 1000 && !judge(again.log, COUNT, again.clock.now()).due; turn++) await Promise.resolve()
    expect(judge(again.log, COUNT, again.clock.now()).due).to.equal(true)
    await again.log.close()
  })

  it('a cut takes everything where compaction may have dropped records for those that go, if it may', async () => {
    for (const [anew, low, high] of [
      [true, 0, 0],
      [false, 10, 20],
    ] as const) {
      const t = filled()
      await t.log.flush()
      await compact(t)
      // Offsets 0 to 4 have been replaced by 20 and above, and more.
      expect(await keysBelow(t, 20)).to.be.below(5)
      await t.log.truncateTo(20, anew)
      expect(t.log.endOffset).to.be.within(low, high)
      await t.log.close()
    }
  })

  it('a cut above what compaction has looked at takes no more than it must', async () => {
    const t = filled()
    await t.log.flush()
    await compact(t)
    const { compactedTo } = t.log.body
    expect(compactedTo).to.equal(t.log.body.segments.active.baseOffset)
    await t.log.truncateTo(compactedTo, true)
    expect(t.log.endOffset).to.equal(compactedTo)
    await t.log.close()
  })

  it('a cut that waits for a write voids a compaction that begins meanwhile', async () => {
    for (const cut of [(t: TestLog) => t.log.truncateTo(8), (t: TestLog) => t.log.truncateFullyAndStartAt(100)]) {
      const t = filled()
      await t.log.flush()
      t.log.updateConfig({ ...t.log.config, segmentBytes: 1_000_000 })
      t.produce([{ key: 'large', value: 'x'.repeat(300_000) }])
      const cutting = cut(t)
      expect(cutting).to.be.instanceOf(Promise)
      const cleaning = compact(t, { highWatermark: COUNT }).catch((error: unknown) => error)
      await cutting
      const end = t.log.endOffset
      expect(await cleaning).to.be.instanceOf(CleaningAborted)
      expect([t.log.offline, t.log.body.segments.active.nextOffset]).to.deep.equal([false, end])
      await t.log.close()
    }
  })

  describe('after a restart', () => {
    const log = (cleanupCompact = true) => ({ config: { cleanupCompact }, endOffset: 40 })
    const last = { baseOffset: 30 }
    const known = (changes: object) => ({ recoveryPoint: 40, logStartOffset: 0, clean: true, ...changes })

    it('compaction may have looked up to the last segment, and not above the high watermark', () => {
      expect(compactedAtMost(log(), last, known({ highWatermark: 35 }), true)).to.equal(30)
      expect(compactedAtMost(log(), last, known({ highWatermark: 25 }), true)).to.equal(25)
      expect(compactedAtMost(log(), last, known({}), true)).to.equal(30)
    })

    it('further when the last segment may have been sealed, and what came behind is lost', () => {
      expect(compactedAtMost(log(), last, known({ clean: false }), false)).to.equal(30)
      expect(compactedAtMost(log(), last, known({ clean: false, highWatermark: 5 }), true)).to.equal(40)
      expect(compactedAtMost(log(), last, undefined, true)).to.equal(40)
    })

    it('nowhere in a log that was never compacted', () => {
      expect(compactedAtMost(log(false), last, known({ clean: false }), true)).to.equal(0)
      expect(compactedAtMost(log(false), last, known({ cleanedOffset: 20 }), true)).to.equal(30)
    })
  })
})
