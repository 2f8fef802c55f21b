import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { NodeDisk } from '../../lib/host/node-disk.js'
import { makeLog, START_MS } from './support/harness.js'

const DAY_MS = 86_400_000

describe('records without a time', () => {
  for (const clean of [true, false]) {
    it(`are deleted when they are old, though the broker starts anew before that (${clean ? 'stopped' : 'killed'})`, async () => {
      const root = mkdtempSync(join(tmpdir(), 'odradek-log-'))
      try {
        const t = makeLog(new NodeDisk({ root }), { segmentBytes: 200, retentionMs: 7 * DAY_MS })
        for (let i = 0; i < 4; i++) t.produce([{ value: 'x'.repeat(80), timestamp: -1 }])
        await t.log.flush()
        // The file system has the machine's time, the log that of the test.
        for (const name of readdirSync(join(root, 't-0')))
          utimesSync(join(root, 't-0', name), START_MS / 1000, START_MS / 1000)
        t.clock.advance(5 * DAY_MS)
        await t.reopen({ recoveryPoint: clean ? 4 : 0, logStartOffset: 0, clean })
        expect(t.log.applyRetention(t.clock.now(), 4)).to.equal(0)
        t.clock.advance(3 * DAY_MS)
        expect(t.log.applyRetention(t.clock.now(), 4)).to.equal(4)
        expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([4, 4])
        await t.log.close()
      } finally {
        rmSync(root, { recursive: true, force: true })
      }
    })
  }
})
