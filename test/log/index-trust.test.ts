import { expect } from 'chai'
import type { PartitionLog } from '../../lib/log/partition-log.js'
import * as header from '../../protocol/batch/header.js'
import { disks, makeLog, readAll, recordsIn, START_MS, type TestDisk, type TestLog } from './support/harness.js'

const node = disks.find(({ name }) => name === 'node disk')!
const file = (base: number, suffix: string): string => `t-0/${String(base).padStart(20, '0')}${suffix}`
const COUNT = 40
const CLEAN = { recoveryPoint: COUNT, logStartOffset: 0, clean: true }
const REPAIRED = (base: number): string => `The indexes of ${file(base, '.log')} made no sense: they were made again.`

/** Two segments of twenty batches of one record, an index entry for every second one, closed. Timestamps rise by 1. */
async function closed(own: TestDisk): Promise<TestLog> {
  const t = makeLog(own.disk, { indexIntervalBytes: 200 }, 0)
  for (let i = 0; i < COUNT; i++) {
    if (i === COUNT / 2) t.log.roll(t.clock.now())
    t.clock.advance(1)
    t.produce([{ value: `value ${i}`.padEnd(50, '.') }])
  }
  await t.log.close()
  return t
}

async function read(log: PartitionLog, offset: number, upperBound = COUNT, maxBytes = 300): Promise<number[]> {
  const result = await log.read(offset, { maxBytes, upperBound, minOneMessage: true })
  expect(result.errorCode).to.equal(0)
  const offsets = recordsIn(result).map((record) => record.offset)
  result.release?.()
  return offsets
}

describe('log/index-trust', () => {
  let own: TestDisk
  let t: TestLog
  beforeEach(async () => {
    own = node.make()
    t = await closed(own)
  })
  afterEach(async () => {
    await t.log.close()
    own.remove()
  })

  /** Changes entry `slot` of an `.index`; by what it says now. */
  const lie = (base: number, slot: number, change: { offset?: number; position?: number }): void => {
    const bytes = Buffer.from(own.disk.readFile(file(base, '.index'))!)
    if (change.offset !== undefined) bytes.writeInt32BE(bytes.readInt32BE(slot * 8) + change.offset, slot * 8)
    if (change.position !== undefined)
      bytes.writeInt32BE(bytes.readInt32BE(slot * 8 + 4) + change.position, slot * 8 + 4)
    own.disk.writeFile(file(base, '.index'), bytes)
  }
  const entry = (base: number, slot: number): { offset: number; position: number } => {
    const bytes = own.disk.readFile(file(base, '.index'))!
    return { offset: base + bytes.readInt32BE(slot * 8), position: bytes.readInt32BE(slot * 8 + 4) }
  }

  for (const base of [0, 20]) {
    describe(base === 0 ? 'of a sealed segment' : 'of the last segment', () => {
      it('an entry that leads into the midst of a batch is not followed', async () => {
        lie(base, 4, { position: 7 })
        await t.reopen(CLEAN)
        const { offset } = entry(base, 4)
        expect((await read(t.log, offset))[0]).to.equal(offset)
        expect(t.said).to.deep.equal([REPAIRED(base)])
        expect(await readAll(t.log)).to.have.length(COUNT)
      })

      it('an answer does not end where an entry lies about', async () => {
        const { position } = entry(base, 4)
        lie(base, 4, { position: -30 })
        await t.reopen(CLEAN)
        expect(await read(t.log, base, COUNT, position + 10)).to.deep.equal(
          Array.from({ length: entry(base, 4).offset - base }, (_, index) => base + index),
        )
        expect(t.said).to.deep.equal([REPAIRED(base)])
      })

      it('an entry that claims too low an offset hides nothing', async () => {
        lie(base, 4, { offset: -1 })
        await t.reopen(CLEAN)
        const { offset } = entry(base, 4)
        expect((await read(t.log, offset))[0]).to.equal(offset)
        expect(t.said).to.deep.equal([REPAIRED(base)])
      })

      it('nor does it show anything above the bound', async () => {
        lie(base, 4, { offset: -1 })
        await t.reopen(CLEAN)
        const bound = entry(base, 4).offset + 1
        const offsets = await read(t.log, base, bound, 100_000)
        expect(offsets.at(-1)).to.equal(bound - 1)
      })

      it('a lookup by time finds the record all the same', async () => {
        lie(base, 4, { position: 7 })
        const times = Buffer.from(own.disk.readFile(file(base, '.timeindex'))!)
        times.writeInt32BE(times.readInt32BE(6 * 12 + 8) + 1, 6 * 12 + 8)
        own.disk.writeFile(file(base, '.timeindex'), times)
        await t.reopen(CLEAN)
        for (let offset = base; offset < base + 20; offset++) {
          expect(await t.log.offsetForTimestamp(START_MS + offset + 1)).to.include({ offset })
        }
        expect(t.said).to.deep.equal([REPAIRED(base)])
      })
    })
  }

  it('a lookup by time does not believe a time that no batch has', async () => {
    const times = Buffer.from(own.disk.readFile(file(0, '.timeindex'))!)
    times.writeInt32BE(times.readInt32BE(4 * 12 + 8) + 1, 4 * 12 + 8)
    own.disk.writeFile(file(0, '.timeindex'), times)
    await t.reopen(CLEAN)
    for (let offset = 0; offset < 20; offset++) {
      expect(await t.log.offsetForTimestamp(START_MS + offset + 1)).to.include({ offset })
    }
    expect(t.said).to.deep.equal([REPAIRED(0)])
  })

  it('a cut ends at a batch', async () => {
    const { offset } = entry(20, 4)
    lie(20, 4, { position: 7 })
    await t.reopen(CLEAN)
    await t.log.truncateTo(offset + 2)
    expect(t.log.endOffset).to.equal(offset + 2)
    t.produce([{ value: 'value after' }])
    t.log.flushPending()
    const records = await readAll(t.log)
    expect(records.map((record) => record.offset)).to.deep.equal(Array.from({ length: offset + 3 }, (_, i) => i))
    expect(t.said).to.deep.equal([REPAIRED(20)])
  })

  it('what is left of an index after a cut is good', async () => {
    // Above the cut by its offset, below by its position.
    lie(20, 4, { position: -500 })
    lie(20, 3, { position: -500 })
    await t.reopen(CLEAN)
    await t.log.truncateTo(27)
    expect(t.log.endOffset).to.equal(27)
    expect(await readAll(t.log)).to.have.length(27)
  })

  it('goes on being appended to where it was made again', async () => {
    lie(20, 4, { position: 7 })
    await t.reopen(CLEAN)
    await read(t.log, entry(20, 4).offset)
    for (let i = 0; i < 10; i++) t.produce([{ value: `more ${i}`.padEnd(50, '.') }])
    await t.log.close()
    const bytes = own.disk.readFile(file(20, '.index'))!
    const log = own.disk.readFile(file(20, '.log'))!
    let at = -1
    for (let slot = 0; slot < bytes.length / 8; slot++) {
      const { offset, position } = entry(20, slot)
      expect(header.lastOffset(log, position)).to.equal(offset)
      // After more than 200 bytes, and batches have about 120.
      if (at >= 0) expect(position - at).to.be.within(200, 330)
      at = position
    }
    await t.reopen({ ...CLEAN, recoveryPoint: COUNT + 10 })
    expect(await readAll(t.log)).to.have.length(COUNT + 10)
  })
})
