import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { DiskFile } from '../../lib/host/disk.js'
import { type Logger, silentLogger } from '../../lib/host/logger.js'
import { MemoryBudget } from '../../lib/host/memory-budget.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { NodeDisk } from '../../lib/host/node-disk.js'
import { Spill } from '../../lib/host/spill.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { diskContract } from '../contracts/disk.js'

const KB = 1024

/** A memory disk with a limit, whose bytes move to a disk that fails on demand. */
function setUp(limitBytes: number, budget = new MemoryBudget(limitBytes)) {
  const clock = new VirtualClock()
  const inner = new MemoryDisk()
  const target = new FaultyDisk({ seed: 1 }, { disk: inner })
  const lines: string[] = []
  const keep = (text: string): void => void lines.push(text)
  const logger: Logger = { trace: keep, debug: keep, info: keep, warn: keep, error: keep }
  let opened = 0
  let closed = 0
  const openTarget = () => {
    opened += 1
    return { disk: target, name: 'the other disk', close: async () => void (closed += 1) }
  }
  const spill = new Spill({ budget, clock, logger, openTarget })
  const disk = new MemoryDisk({}, { keeper: spill })
  return { clock, inner, target, lines, budget, spill, disk, counts: () => ({ opened, closed }) }
}

/** Until nothing moves any more: the other disk is memory, so promises are all there is to wait for. */
async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await null
}

const fill = (bytes: number, stamp: number): Buffer => Buffer.alloc(bytes, stamp)
const isSpilled = (file: DiskFile): boolean => file.view(0, 1) === null

async function content(file: DiskFile): Promise<Buffer> {
  const target = Buffer.alloc(file.size)
  let done = 0
  while (done < target.length) done += await file.readAsync(target.subarray(done), done)
  return target
}

diskContract('MemoryDisk that spills everything', () => setUp(1).disk)

describe('host/spill', () => {
  it('touches no disk below the limit', async () => {
    const { disk, budget, counts } = setUp(1000 * KB)
    disk.open('a', { create: true }).append([fill(900 * KB, 1)])
    await settle()
    expect(budget.usedBytes).to.equal(900 * KB)
    expect(counts()).to.deep.equal({ opened: 0, closed: 0 })
  })

  it('moves the oldest bytes of all files, and only as many as have to go', async () => {
    const { disk, inner, budget, lines } = setUp(1000 * KB)
    const files = ['a', 'b', 'c'].map((name) => disk.open(name, { create: true }))
    for (const [index, file] of files.entries()) file.append([fill(300 * KB, index + 1)])
    files[0]!.append([fill(200 * KB, 4)])
    await settle()
    expect(budget.usedBytes).to.be.at.most(875 * KB)
    expect(files.map(isSpilled)).to.deep.equal([true, false, false])
    expect(inner.list('')).to.deep.equal(['0'])
    for (const [index, file] of files.entries()) expect((await content(file))[0]).to.equal(index + 1)
    expect(await content(files[0]!)).to.deep.equal(Buffer.concat([fill(300 * KB, 1), fill(200 * KB, 4)]))
    expect(lines).to.have.length(1)
    expect(lines[0]).to.include('the oldest move to the other disk')
  })

  it('leaves small pieces alone while there are large ones', async () => {
    const { disk } = setUp(1000 * KB)
    const small = disk.open('small', { create: true })
    small.append([fill(5 * KB, 1)])
    const large = disk.open('large', { create: true })
    for (let i = 0; i < 20; i++) large.append([fill(100 * KB, i)])
    await settle()
    expect([isSpilled(small), isSpilled(large)]).to.deep.equal([false, true])
  })

  it('counts whole chunks of which a part is filled, and goes on with one that grew while it was written', async () => {
    const { disk, budget } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    const chunk = Buffer.allocUnsafeSlow(200 * KB).fill(7)
    file.append([chunk.subarray(0, 10)])
    expect(budget.usedBytes).to.equal(200 * KB)
    // The write of the first ten bytes is under way.
    file.append([chunk.subarray(10, 30)])
    await settle()
    file.append([chunk.subarray(30, 40)])
    expect(await content(file)).to.deep.equal(Buffer.alloc(40, 7))
    await settle()
    expect(isSpilled(file)).to.equal(true)
    expect(budget.usedBytes).to.be.at.most(100 * KB)
  })

  it('keeps views that were given out, and readers that are under way', async () => {
    const { disk } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    file.append([fill(90 * KB, 1)])
    const [view] = file.view(0, 10)!
    file.append([fill(90 * KB, 2)])
    const target = Buffer.alloc(180 * KB)
    const reading = file.readAsync(target, 0)
    await settle()
    expect(isSpilled(file)).to.equal(true)
    expect(view).to.deep.equal(fill(10, 1))
    expect(await reading).to.equal(180 * KB)
    expect(target).to.deep.equal(Buffer.concat([fill(90 * KB, 1), fill(90 * KB, 2)]))
  })

  it('what is removed is gone from both, once nobody has it open', async () => {
    const { disk, inner, budget } = setUp(100 * KB)
    const file = disk.open('t/a', { create: true })
    file.append([fill(200 * KB, 1)])
    await settle()
    expect(inner.list('')).to.deep.equal(['0'])
    disk.remove('t')
    expect(await content(file)).to.deep.equal(fill(200 * KB, 1))
    file.close()
    expect(inner.list('')).to.deep.equal([])
    expect(budget.usedBytes).to.equal(0)
  })

  it('what is removed while it is being moved is gone, too', async () => {
    const { disk, inner, budget } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    file.append([fill(200 * KB, 1)])
    file.close()
    disk.remove('a')
    await settle()
    expect(inner.list('')).to.deep.equal([])
    expect(budget.usedBytes).to.equal(0)
  })

  it('a cut or an overwrite during the move wins', async () => {
    const { disk } = setUp(100 * KB)
    const cut = disk.open('cut', { create: true })
    cut.append([fill(200 * KB, 1)])
    cut.truncate(50 * KB)
    cut.append([fill(200 * KB, 2)])
    const written = disk.open('written', { create: true })
    written.append([fill(200 * KB, 3)])
    await settle()
    written.append([fill(200 * KB, 3)])
    written.write(fill(10, 4), 0)
    written.write(fill(10, 5), 200 * KB - 5)
    await settle()
    expect(await content(cut)).to.deep.equal(Buffer.concat([fill(50 * KB, 1), fill(200 * KB, 2)]))
    const expected = fill(400 * KB, 3)
    expected.fill(4, 0, 10).fill(5, 200 * KB - 5, 200 * KB + 5)
    expect(await content(written)).to.deep.equal(expected)
  })

  it('is a file whatever is done to it while it moves', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), bytes: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('write' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant('fail' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { disk, target, clock } = setUp(500)
        const file = disk.open('f', { create: true })
        let model = Buffer.alloc(0)
        let stamp = 0
        for (const one of steps) {
          if (one.kind === 'append') {
            const bytes = Buffer.allocUnsafeSlow(one.bytes).fill(++stamp & 0xff)
            model = Buffer.concat([model, bytes])
            file.append([bytes])
          } else if (one.kind === 'truncate') {
            model = model.subarray(0, Math.floor(one.share * model.length))
            file.truncate(model.length)
          } else if (one.kind === 'write') {
            const position = Math.floor(one.share * model.length)
            const bytes = Buffer.alloc(Math.min(7, model.length - position), ++stamp & 0xff)
            model = Buffer.from(model)
            bytes.copy(model, position)
            file.write(bytes, position)
          } else if (one.kind === 'fail') {
            target.failNext('append', 'EIO')
          } else {
            for (let i = 0; i < one.turns; i++) await null
            clock.advance(300)
          }
        }
        expect(await content(file)).to.deep.equal(model)
        const sync = Buffer.alloc(model.length)
        expect(file.read(sync, 0)).to.equal(model.length)
        expect(sync).to.deep.equal(model)
      }),
      { numRuns: 300 },
    )
  })

  it('says once that it cannot move, keeps everything, and goes on when it can', async () => {
    const { disk, target, budget, lines, clock } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    target.failNext('append', 'ENOSPC')
    file.append([fill(150 * KB, 1)])
    await settle()
    expect(lines.filter((line) => line.includes('ENOSPC'))).to.have.length(1)
    expect(budget.relief()).to.equal(null)
    expect(budget.refusal).to.equal(null)
    target.failNext('append', 'ENOSPC')
    clock.advance(1000)
    await settle()
    expect(lines.filter((line) => line.includes('ENOSPC'))).to.have.length(1)
    file.append([fill(100 * KB, 2)])
    expect(budget.refusal).to.match(/hold 1 MB of memory, its limit is 1 MB/)
    expect(await content(file)).to.deep.equal(Buffer.concat([fill(150 * KB, 1), fill(100 * KB, 2)]))
    clock.advance(1000)
    await settle()
    expect(budget.refusal).to.equal(null)
    expect(isSpilled(file)).to.equal(true)
    expect(lines.at(-1)).to.include('are moved to the other disk again')
  })

  it('lets producers wait while it is behind', async () => {
    const { disk, budget } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    file.append([fill(110 * KB, 1)])
    expect(budget.relief()).to.equal(null)
    file.append([fill(50 * KB, 1)])
    const relief = budget.relief()
    expect(relief).to.be.instanceOf(Promise)
    await relief
    expect(budget.usedBytes).to.be.below(125 * KB)
  })

  it('shares one budget among disks: the largest moves', async () => {
    const budget = new MemoryBudget(1000 * KB)
    const small = setUp(0, budget)
    const large = setUp(0, budget)
    small.disk.open('a', { create: true }).append([fill(200 * KB, 1)])
    const file = large.disk.open('a', { create: true })
    for (let i = 0; i < 20; i++) file.append([fill(100 * KB, i)])
    await settle()
    expect(small.counts().opened).to.equal(0)
    expect(isSpilled(file)).to.equal(true)
    await large.spill.close()
    expect(large.counts().closed).to.equal(1)
    expect(budget.usedBytes).to.equal(200 * KB)
  })

  it('goes on with the others when somebody has removed the file of one', async () => {
    const root = mkdtempSync(join(tmpdir(), 'odradek-spill-'))
    const clock = new VirtualClock()
    const budget = new MemoryBudget(100 * KB)
    const openTarget = () => ({ disk: new NodeDisk({ root, openFilesMax: 1 }), name: root, close: async () => {} })
    const spill = new Spill({ budget, clock, logger: silentLogger, openTarget })
    const disk = new MemoryDisk({}, { keeper: spill })
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) await new Promise((resolve) => setImmediate(resolve))
    }
    const [lost, other] = ['lost', 'other'].map((name) => disk.open(name, { create: true })) as [DiskFile, DiskFile]
    for (const file of [lost, other]) {
      file.append([fill(200 * KB, 1)])
      await until(() => isSpilled(file))
    }
    rmSync(join(root, '0'))
    lost.append([fill(80 * KB, 2)])
    for (let i = 0; i < 4; i++) {
      other.append([fill(80 * KB, i)])
      clock.advance(1000)
      await until(() => !spill.canSpill || budget.usedBytes <= 100 * KB)
    }
    clock.advance(1000)
    await until(() => budget.usedBytes <= 100 * KB)
    expect(other.view(440 * KB, 1)).to.equal(null)
    expect(
      (await content(other)).subarray(200 * KB).equals(Buffer.concat([0, 1, 2, 3].map((i) => fill(80 * KB, i)))),
    ).to.equal(true)
    const last = Buffer.alloc(80 * KB)
    expect(lost.read(last, 200 * KB)).to.equal(80 * KB)
    expect(last.equals(fill(80 * KB, 2))).to.equal(true)
    await spill.close()
    rmSync(root, { recursive: true })
  })

  it('says that moved bytes are gone, and not that there were none', async () => {
    const { disk, inner } = setUp(100 * KB)
    const file = disk.open('a', { create: true })
    file.append([fill(200 * KB, 1)])
    await settle()
    inner.open('0').truncate(100)
    const rejected = await content(file).catch((error: Error) => error)
    expect(rejected).to.be.instanceOf(Error).with.property('message').that.includes('are gone')
    expect(() => file.read(Buffer.alloc(1000), 0)).to.throw('are gone')
  })
})
