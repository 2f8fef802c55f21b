import { Buffer } from 'node:buffer'
import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { diskContract } from '../contracts/disk.js'

diskContract('FaultyDisk without faults', () => new FaultyDisk({ seed: 1 }, { disk: new MemoryDisk() }))

describe('FaultyDisk', () => {
  const code = async (action: () => unknown): Promise<string> => {
    try {
      await action()
      return 'no error'
    } catch (error) {
      expect(error).to.be.instanceOf(DiskError)
      return (error as DiskError).code
    }
  }

  it('a crash keeps what was synced, and a prefix of the rest', async () => {
    const kept = new Set<number>()
    for (let seed = 0; seed < 50; seed += 1) {
      const disk = new FaultyDisk({ seed, tornChance: 0.5 }, { disk: new MemoryDisk() })
      const file = disk.open('t-0/a', { create: true })
      file.append([Buffer.alloc(100, 's')])
      await file.sync()
      file.append([Buffer.alloc(100, 'u')])
      disk.crash()
      expect(await code(() => file.append([Buffer.from('x')]))).to.equal('EBADF')
      const again = disk.readFile('t-0/a')!
      expect(again.length).to.be.within(100, 200)
      expect(again.subarray(0, 100).equals(Buffer.alloc(100, 's'))).to.equal(true)
      kept.add(again.length)
    }
    expect(kept.size).to.be.greaterThan(10)
  })

  it('an overwrite that was not synced is there or is not; a synced one stays', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 30; seed += 1) {
      const disk = new FaultyDisk({ seed }, { disk: new MemoryDisk() })
      const file = disk.open('a', { create: true })
      file.append([Buffer.from('abc')])
      file.write(Buffer.from('A'), 0)
      await file.sync()
      file.write(Buffer.from('C'), 2)
      disk.rename('a', 'b')
      disk.crash()
      seen.add(disk.readFile('b')!.toString())
    }
    expect([...seen].sort()).to.deep.equal(['AbC', 'Abc'])
  })

  it('what a failed sync was about is lost, whatever a later sync says', async () => {
    const disk = new FaultyDisk({ seed: 7 }, { disk: new MemoryDisk() })
    const file = disk.open('a', { create: true })
    file.append([Buffer.from('safe')])
    await file.sync()
    file.append([Buffer.from('gone')])
    disk.failNext('sync', 'EIO')
    expect(await code(() => file.sync())).to.equal('EIO')
    await file.sync()
    disk.crash()
    expect(disk.readFile('a')!.toString()).to.equal('safe')
  })

  it('is full, fails and reads short by its plan, and the same again by the same seed', async () => {
    const story = async (): Promise<string[]> => {
      const plan = { seed: 42, errorChance: 0.2, shortReadChance: 0.5, spaceBytes: 100 }
      const disk = new FaultyDisk(plan, { disk: new MemoryDisk() })
      const file = disk.open('a', { create: true })
      const lines: string[] = []
      for (let step = 0; step < 40; step += 1) {
        const size = file.size
        lines.push(await code(() => file.append([Buffer.alloc(7)])))
        expect(file.size - size).to.equal(lines.at(-1) === 'no error' ? 7 : 0)
        lines.push(await code(() => lines.push(`${file.read(Buffer.alloc(10), 0)}`)))
      }
      return lines
    }
    const first = await story()
    expect(first).to.include('EIO').and.include('ENOSPC').and.include('10')
    expect(first.some((line) => Number(line) > 0 && Number(line) < 7)).to.equal(true)
    expect(await story()).to.deep.equal(first)
  })
})
