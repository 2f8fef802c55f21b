import { Buffer } from 'node:buffer'
import { expect } from 'chai'
import { DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { diskContract } from '../contracts/disk.js'

diskContract('MemoryDisk', () => new MemoryDisk())

describe('MemoryDisk', () => {
  it('keeps appended memory by reference, neighbours as one piece', () => {
    const file = new MemoryDisk().open('a', { create: true })
    const chunk = Buffer.allocUnsafeSlow(100_000)
    for (let offset = 0; offset < chunk.length; offset += 100) file.append([chunk.subarray(offset, offset + 100)])
    const views = file.view(150, 50_000)
    expect(views).to.have.length(1)
    expect(views?.[0]?.buffer).to.equal(chunk.buffer)
    expect(views?.[0]?.byteOffset).to.equal(150)
  })

  it('does not keep a pool alive for a few bytes', () => {
    const file = new MemoryDisk().open('a', { create: true })
    const pooled = Buffer.from('twelve bytes')
    expect(pooled.buffer.byteLength).to.equal(Buffer.poolSize)
    for (let index = 0; index < 100; index += 1) file.append([pooled])
    const views = file.view(0, 1200)!
    expect(views.every((view) => view.buffer !== pooled.buffer)).to.equal(true)
    expect(Buffer.concat(views).toString()).to.equal('twelve bytes'.repeat(100))
    expect(views.length).to.be.lessThan(5)
  })

  it('views of what is cut off stay as they were', () => {
    const file = new MemoryDisk().open('a', { create: true })
    file.append([Buffer.from('abcdef')])
    const view = file.view(3, 3)![0]!
    file.truncate(3)
    file.append([Buffer.from('XYZ')])
    expect(view.toString()).to.equal('def')
  })

  it('is full at its capacity and has room again after a removal', () => {
    const disk = new MemoryDisk({ capacityBytes: 10 })
    const file = disk.open('a', { create: true })
    file.append([Buffer.from('12345678')])
    expect(() => file.append([Buffer.from('xyz')])).to.throw(DiskError, 'Cannot append to a: the disk is full')
    expect(file.size).to.equal(8)
    expect(disk.space()).to.deep.equal({ totalBytes: 10, usableBytes: 2 })
    file.truncate(4)
    expect(disk.space().usableBytes).to.equal(6)
    disk.remove('a')
    file.truncate(0)
    expect(disk.space().usableBytes).to.equal(10)
  })
})
