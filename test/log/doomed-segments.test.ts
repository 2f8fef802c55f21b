import { expect } from 'chai'
import { disks, makeLog, readAll, recordsIn, type TestDisk } from './support/harness.js'

const HOUR = 3_600_000
const CONFIG = { retentionMs: HOUR, segmentBytes: 300, fileDeleteDelayMs: 60_000 }

describe('doomed segments', () => {
  let disk: TestDisk
  beforeEach(() => {
    disk = disks[1]!.make()
  })
  afterEach(() => disk.remove())
  const names = (ending: string) => disk.disk.list('t-0').filter((name) => name.endsWith(ending))

  async function aged() {
    const t = makeLog(disk.disk, CONFIG, 0)
    for (let i = 0; i < 6; i++) t.produce([{ value: `${i}`.padEnd(150, 'x') }])
    await t.log.flush()
    t.clock.advance(2 * HOUR)
    return t
  }

  it('are called .deleted at once, and are gone after file.delete.delay.ms', async () => {
    const t = await aged()
    const logs = names('.log').length
    expect(t.log.applyRetention(t.clock.now(), 6)).to.equal(6)
    expect(t.log.logStartOffset).to.equal(6)
    expect(await readAll(t.log)).to.deep.equal([])
    expect([names('.log').length, names('.log.deleted').length]).to.deep.equal([1, logs])
    t.clock.advance(59_999)
    expect(names('.log.deleted').length).to.equal(logs)
    t.clock.advance(1)
    expect(names('.deleted')).to.deep.equal([])
    await t.log.close()
  })

  it('who reads one is answered', async () => {
    const t = await aged()
    await t.reopen()
    const reading = t.log.read(0, { maxBytes: 10_000, upperBound: 6, minOneMessage: true })
    t.log.applyRetention(t.clock.now(), 6)
    t.clock.advance(60_000)
    expect(names('.deleted').length, 'as long as it is read').to.be.above(0)
    expect(recordsIn(await reading).map(({ offset }) => offset)).to.deep.equal([0])
    t.clock.advance(1000)
    expect(names('.deleted')).to.deep.equal([])
    await t.log.close()
  })

  it('go when the log is closed, or swept away at the next start', async () => {
    const t = await aged()
    t.log.applyRetention(t.clock.now(), 6)
    await t.log.close()
    expect(names('.deleted')).to.deep.equal([])
    disk.disk.writeFile('t-0/00000000000000000000.log.deleted', Buffer.from('left by a crash'))
    disk.disk.writeFile('t-0/00000000000000000000.index.deleted', Buffer.alloc(8))
    await t.reopen()
    expect(names('.deleted')).to.deep.equal([])
    await t.log.close()
  })

  it('go with a deleted log', async () => {
    const t = await aged()
    t.log.applyRetention(t.clock.now(), 6)
    await t.log.delete()
    expect(disk.disk.list('')).to.deep.equal([])
    expect(t.clock.pendingTimers).to.equal(0)
  })
})
