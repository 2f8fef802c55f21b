import { expect } from 'chai'
import { DiskError } from '../../lib/host/disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { CleanerPace } from '../../lib/log/cleaner-pace.js'
import { CompressionCode } from '../../lib/log/compression/index.js'
import { LogCleaner } from '../../lib/log/log-cleaner.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import * as header from '../../protocol/batch/header.js'
import { compact, consumed } from './support/compaction.js'
import { disks, makeLog, START_MS, type TestDisk, type TestLog } from './support/harness.js'

const CONFIG = { segmentBytes: 600, indexIntervalBytes: 100, cleanupCompact: true, cleanupDelete: false }

function fill(t: TestLog, count: number, keys = 5): void {
  for (let i = 0; i < count; i++) t.produce([{ key: `k${i % keys}`, value: `${i}`.padEnd(100, 'x') }])
  t.log.onHighWatermark(t.log.endOffset)
}

const sealedKeys = async (t: TestLog): Promise<number> => {
  const active = t.log.body.segments.active.baseOffset
  return (await consumed(t.log, 'committed')).filter(({ offset }) => offset < active).length
}

for (const kind of disks) {
  describe(`log cleaner on a ${kind.name}`, () => {
    const backoffMs = 15_000
    let made: TestDisk[]
    let logs: TestLog[]
    let cleaner: LogCleaner
    let errors: string[]
    let bytesPerSecond: number
    let noted: number

    beforeEach(() => {
      made = []
      logs = []
      errors = []
      noted = 0
      bytesPerSecond = Number.MAX_VALUE
    })
    afterEach(async () => {
      await cleaner.close()
      for (const { log } of logs) await log.close()
      for (const disk of made) disk.remove()
    })

    function log(config = {}): TestLog {
      const disk = kind.make()
      made.push(disk)
      const t = makeLog(disk.disk, { ...CONFIG, ...config }, 0)
      logs.push(t)
      return t
    }

    function start(warn = (_line: string): void => {}): void {
      const { clock } = logs[0]!
      cleaner = new LogCleaner({
        clock,
        random: seededRandom(3),
        logger: { trace() {}, debug() {}, info() {}, warn, error: (line) => void errors.push(line) },
        settings: () => ({ backoffMs, dedupeBufferBytes: 1_000_000, loadFactor: 0.9, bytesPerSecond }),
        onCleaned: async () => void noted++,
        targets: () => logs.map((one) => ({ log: one.log, highWatermark: one.log.endOffset })),
      })
      cleaner.start()
    }

    /** Lets time pass until `done`; the cleaner rests on the virtual clock and waits for a real disk. */
    async function until(done: () => boolean): Promise<void> {
      const { clock } = logs[0]!
      for (let turn = 0; !done(); turn++) {
        if (turn > 1_000_000) throw new Error('it does not come')
        clock.advance(turn % 10 === 0 ? 1000 : 0)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }

    it('leaves the last value of every key, and goes on as more comes', async () => {
      const t = log()
      fill(t, 60)
      start()
      await until(() => t.log.body.cleanedOffset !== null)
      expect(await sealedKeys(t)).to.equal(5)
      const first = t.log.body.cleanedOffset!
      fill(t, 60)
      await until(() => t.log.body.cleanedOffset! > first)
      expect(await sealedKeys(t)).to.equal(5)
      expect(noted).to.equal(2)
      expect(errors).to.deep.equal([])
    })

    it('leaves logs alone that are not compacted, or not dirty enough', async () => {
      const plain = log({ cleanupCompact: false, cleanupDelete: true })
      const tidy = log({ minCleanableDirtyRatio: 1 })
      const last = log()
      for (const t of logs) fill(t, 60)
      start()
      await until(() => last.log.body.cleanedOffset !== null)
      expect([plain, tidy].map(({ log: one }) => one.body.cleanedOffset)).to.deep.equal([null, null])
      expect((await consumed(plain.log, 'committed')).length).to.equal(60)
    })

    it('a log that it fails on gets one line and is left alone; the others go on', async () => {
      const bad = log()
      const good = log()
      for (const t of logs) fill(t, 60)
      await bad.log.flush()
      const { active } = bad.log.body.segments
      const file = made[0]!.disk.open(bad.log.body.segments.first.path('.log'))
      file.write(Buffer.of(0xff), 70)
      file.close()
      start()
      await until(() => good.log.body.cleanedOffset !== null && errors.length > 0)
      fill(good, 60)
      const before = good.log.body.cleanedOffset!
      await until(() => good.log.body.cleanedOffset! > before)
      expect(errors.length).to.equal(1)
      expect(errors[0]).to.match(
        /^t-0 cannot be compacted .* t-0\/0{20}\.log is damaged at byte 0: the checksum of the batch at offset 0 is wrong/,
      )
      expect(bad.log.body.segments.active).to.equal(active)
      expect(bad.log.offline).to.equal(false)
      const left = made[0]!.disk.list('t-0').filter((name) => name.endsWith('.cleaned'))
      expect(left).to.deep.equal([])
    })

    it('says which batch cannot be decompressed', async () => {
      const t = log()
      const junk = { baseOffset: 1, compression: CompressionCode.gzip, compress: () => Buffer.from('no gzip') }
      const options = { origin: 'replication', leaderEpoch: 0, now: START_MS } as const
      for (const one of [{ baseOffset: 0 }, junk]) {
        t.log.append(buildBatch([{ key: 'k', value: 'v' }], { baseTimestamp: START_MS, ...one }), options)
      }
      fill(t, 60)
      start()
      await until(() => errors.length > 0)
      const at = t.log.body.segments.first
      expect(errors[0]).to.include(`${at.path('.log')} is damaged at byte 70: failed to decompress gzip data`)
    })

    it('takes nothing away that is damaged', async () => {
      const t = log({ segmentBytes: 2000 })
      fill(t, 60)
      await t.log.flush()
      await compact(t)
      const kept = t.log.body.segments.all.at(-2)!.path('.log')
      const file = made[0]!.disk.open(kept)
      file.write(Buffer.alloc(4), header.RECORD_COUNT)
      file.close()
      fill(t, 60)
      await t.log.flush()
      const before = t.log.sizeInBytes
      const refused = await compact(t).catch((error: Error) => error)
      expect(refused).to.be.instanceOf(Error).with.property('message').that.includes(`${kept} is damaged at byte 0`)
      expect(t.log.sizeInBytes).to.equal(before)
    })

    it('a disk that is full for a while puts a compaction off, and says so once', async () => {
      const t = log()
      fill(t, 60)
      await t.log.flush()
      const warnings: string[] = []
      const { disk } = made[0]!
      const open = disk.open.bind(disk)
      let attempts = 0
      let full = true
      disk.open = (path, options) => {
        if (full && path.endsWith('.log.cleaned')) {
          attempts++
          throw new DiskError('ENOSPC', path, `Cannot open ${path}: no space left (ENOSPC).`)
        }
        return open(path, options)
      }
      start((line) => void warnings.push(line))
      await until(() => attempts === 3)
      full = false
      await until(() => t.log.body.cleanedOffset !== null)
      expect(await sealedKeys(t)).to.equal(5)
      expect(errors).to.deep.equal([])
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.match(/^t-0 cannot be compacted now, it is tried again: .*ENOSPC/)
    })

    it('is slowed down by log.cleaner.io.max.bytes.per.second', async () => {
      bytesPerSecond = 1000
      const t = log()
      fill(t, 60)
      const { sizeInBytes } = t.log
      start()
      await until(() => t.log.body.cleanedOffset !== null)
      const tookMs = t.clock.now() - START_MS - backoffMs
      // Everything is read twice at least.
      expect(tookMs).to.be.above((sizeInBytes / 1000) * 1000)
    })

    it('closes in the middle of a cleaning, and leaves the log whole', async () => {
      bytesPerSecond = 1000
      const t = log()
      fill(t, 60)
      start()
      await until(() => t.clock.now() > START_MS + backoffMs + 3000)
      await cleaner.close()
      expect(t.log.body.cleanedOffset).to.equal(null)
      expect((await consumed(t.log, 'committed')).length).to.be.within(5, 60)
      expect(made[0]!.disk.list('t-0').filter((name) => /\.(cleaned|swap)$/.test(name))).to.deep.equal([])
      expect(errors).to.deep.equal([])
    })

    for (const [what, cut] of [
      ['truncation', (t: TestLog) => t.log.truncateTo(30)],
      ['a new start', (t: TestLog) => t.log.truncateFullyAndStartAt(100)],
      ['DeleteRecords', (t: TestLog) => void t.log.deleteRecordsTo(20)],
      ['deletion', (t: TestLog) => t.log.delete()],
      ['closing', (t: TestLog) => t.log.close()],
    ] as const) {
      it(`gives a cleaning up on ${what}`, async () => {
        const t = log()
        cleaner = new LogCleaner({
          ...t.ports,
          logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
          settings: () => ({ backoffMs, dedupeBufferBytes: 1, loadFactor: 1, bytesPerSecond }),
          onCleaned: async () => {},
          targets: () => [],
        })
        fill(t, 60)
        await t.log.flush()
        const pace = new CleanerPace(t.clock, () => 1000)
        const running = compact(t, { pace }).then(
          () => 'finished',
          (error: Error) => error.name,
        )
        await until(() => t.clock.monotonic() >= 3000)
        await cut(t)
        let outcome = ''
        void running.then((name) => (outcome = name))
        await until(() => outcome !== '')
        expect(outcome).to.equal('CleaningAborted')
        if (t.log.offline) return
        expect(made[0]!.disk.list('t-0').filter((name) => /\.(cleaned|swap)$/.test(name))).to.deep.equal([])
        const offsets = (await consumed(t.log, 'committed')).map(({ offset }) => offset)
        expect(offsets.every((offset) => offset >= t.log.logStartOffset - 5 && offset < t.log.endOffset)).to.equal(true)
      })
    }

    it('works on while others read: every answer is right', async () => {
      const t = log()
      start()
      let wrong = 0
      for (let round = 0; round < 3; round++) {
        fill(t, 40)
        await t.log.flush()
        const before = t.log.body.cleanedOffset
        let reading = true
        const reader = (async () => {
          while (reading) {
            await new Promise((resolve) => setImmediate(resolve))
            const seen = new Map(
              (await consumed(t.log, 'committed')).map(({ key, value }) => [String(key), String(value)]),
            )
            for (let key = 0; key < 5; key++) {
              const value = `${35 + key}`.padEnd(100, 'x')
              if (seen.get(`k${key}`) !== value) wrong++
            }
          }
        })()
        await until(() => t.log.body.cleanedOffset !== before)
        reading = false
        await reader
      }
      expect(wrong).to.equal(0)
      expect(errors).to.deep.equal([])
    })
  })
}
