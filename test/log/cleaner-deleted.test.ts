import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { compact } from './support/compaction.js'
import { makeLog, readAll, type TestLog } from './support/harness.js'

const CONFIG = { segmentBytes: 600, indexIntervalBytes: 100, cleanupCompact: true, cleanupDelete: false }
/** More turns than a whole cleaning takes. */
const TURNS_MAX = 2000

function fill(t: TestLog, count: number): void {
  for (let i = 0; i < count; i++) t.produce([{ key: `k${i % 5}`, value: `${i}`.padEnd(100, 'x') }])
  t.log.onHighWatermark(t.log.endOffset)
}

for (const views of [true, false]) {
  describe(`the cleaner of a log that is deleted, ${views ? 'in memory' : 'on a disk'}`, () => {
    /** Deletes after so many turns and begins another log in the same place. 'finished': the cleaning had been through. */
    async function deleteAfter(turns: number, idle: boolean): Promise<string> {
      const disk = new FaultyDisk({ seed: 1, views }, { disk: new MemoryDisk() })
      const t = makeLog(disk, CONFIG, 0)
      fill(t, 30)
      await t.log.flush()
      const files = { recoveryPoint: t.log.endOffset, logStartOffset: 0, clean: true }
      if (idle) await t.reopen(files)
      let outcome = ''
      const running = compact(t).then(
        () => 'finished',
        (error: Error) => error.name,
      )
      void running.then((name) => (outcome = name))
      for (let turn = 0; turn < turns && outcome === ''; turn++) await Promise.resolve()
      const finished = outcome !== ''
      const { log: old } = t
      const deleting = old.delete()
      await t.reopen()
      for (let i = 0; i < 3; i++) t.produce([{ key: 'new', value: 'y'.repeat(300) }])
      await deleting
      const name = await running
      await t.log.close()
      await t.reopen({ recoveryPoint: 3, logStartOffset: 0, clean: true })
      expect(t.log.offline, `after ${turns} turns`).to.equal(false)
      expect((await readAll(t.log)).map(({ value }) => value[0]).join('')).to.equal('yyy')
      await t.log.close()
      expect(disk.list('').filter((folder) => folder !== 't-0')).to.deep.equal([])
      const logs = disk.list('t-0').filter((file) => !/\.(timeindex|index|snapshot)$/.test(file))
      const due = ['00000000000000000000.log', '00000000000000000001.log', '00000000000000000002.log']
      expect(logs.filter((file) => file !== 'leader-epoch-checkpoint')).to.deep.equal(due)
      return finished ? 'finished' : name
    }

    for (const idle of [false, true]) {
      it(`leaves the next log in that place alone, whenever it happens${idle ? ', also with files that were not open' : ''}`, async () => {
        let turns = 0
        for (; turns < TURNS_MAX; turns++) {
          const outcome = await deleteAfter(turns, idle)
          if (outcome === 'finished') break
          expect(outcome, `after ${turns} turns`).to.equal('CleaningAborted')
        }
        expect(turns).to.be.within(10, TURNS_MAX - 1)
      })
    }
  })
}
