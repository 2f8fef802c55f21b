import { Buffer } from 'node:buffer'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DiskError } from '../../lib/host/disk.js'
import { NodeDisk } from '../../lib/host/node-disk.js'
import { after } from '../../lib/host/node-file.js'
import { diskContract } from '../contracts/disk.js'

const roots: string[] = []
const makeRoot = (): string => {
  const root = fs.mkdtempSync(join(tmpdir(), 'odradek-disk-'))
  roots.push(root)
  return root
}
process.once('exit', () => {
  for (const root of roots) fs.rmSync(root, { recursive: true, force: true })
})

diskContract('NodeDisk', () => new NodeDisk({ root: makeRoot() }))
diskContract('NodeDisk with 3 descriptors', () => new NodeDisk({ root: makeRoot(), openFilesMax: 3 }))

describe('NodeDisk', () => {
  it('keeps no more descriptors than it may', async () => {
    const disk = new NodeDisk({ root: makeRoot(), openFilesMax: 4 })
    const files = Array.from({ length: 20 }, (_, index) => disk.open(`t/${index}`, { create: true }))
    expect(disk.openDescriptors).to.equal(4)
    // Calls that run in the pool keep theirs for as long as they run.
    await Promise.all(files.map((file) => file.appendAsync([Buffer.from('x')])))
    files[7]!.append([Buffer.from('y')])
    expect(disk.openDescriptors).to.be.at.most(20)
    for (const file of files) file.append([Buffer.from('z')])
    expect(disk.openDescriptors).to.equal(4)
    for (const file of files) file.close()
    expect(disk.openDescriptors).to.equal(0)
  })

  it('a file that is closed during a write closes its descriptor after it', async () => {
    const disk = new NodeDisk({ root: makeRoot() })
    const file = disk.open('a', { create: true })
    const writing = file.appendAsync([Buffer.alloc(100_000)])
    file.close()
    expect(disk.openDescriptors).to.equal(1)
    await writing
    expect(disk.openDescriptors).to.equal(0)
  })

  it('refuses two appends at once', async () => {
    const file = new NodeDisk({ root: makeRoot() }).open('a', { create: true })
    const writing = file.appendAsync([Buffer.from('a')])
    expect(() => file.append([Buffer.from('b')])).to.throw('under way')
    await writing
    file.append([Buffer.from('b')])
    expect(file.size).to.equal(2)
    file.close()
  })

  it('finds everything again, in a new disk over the same folder', async () => {
    const root = makeRoot()
    const file = new NodeDisk({ root }).open('t-0/0.log', { create: true })
    file.append([Buffer.from('abc')])
    await file.sync()
    file.close()
    expect(new NodeDisk({ root }).open('t-0/0.log').size).to.equal(3)
  })

  it('more pieces than a system call takes', () => {
    const file = new NodeDisk({ root: makeRoot() }).open('a', { create: true })
    file.append(Array.from({ length: 5000 }, (_, index) => Buffer.from(String.fromCharCode(97 + (index % 26)))))
    const target = Buffer.alloc(5000)
    expect(file.read(target, 0)).to.equal(5000)
    expect(target.toString('latin1', 2599, 2603)).to.equal('zabc')
    file.close()
  })

  it('goes on where a short write stopped', () => {
    const pieces = ['ab', 'cde', 'f'].map((text) => Buffer.from(text))
    const rest = (count: number) => Buffer.concat(after([...pieces], count)).toString()
    expect([0, 1, 2, 3, 5, 6].map(rest)).to.deep.equal(['abcdef', 'bcdef', 'cdef', 'def', 'f', ''])
    expect(pieces[0]!.toString()).to.equal('ab')
  })

  it('says what is full', function () {
    if (!fs.existsSync('/dev/full')) this.skip()
    const root = makeRoot()
    fs.symlinkSync('/dev/full', join(root, 'full'))
    const file = new NodeDisk({ root }).open('full')
    expect(() => file.append([Buffer.from('x')])).to.throw(
      DiskError,
      /Cannot append to full: the disk is full.*\(ENOSPC\)/,
    )
    expect(file.size).to.equal(0)
    file.close()
  })

  it('a file that can neither be written nor taken away again is one sentence', () => {
    const root = makeRoot()
    fs.writeFileSync(join(root, 'file'), '')
    const write = () => new NodeDisk({ root }).writeFile('file/x', Buffer.from('x'))
    expect(write).to.throw(DiskError, /^Cannot write file\/x: a file of this name is there/)
  })

  it('a folder that cannot be made is one sentence', () => {
    const root = makeRoot()
    fs.writeFileSync(join(root, 'file'), '')
    expect(() => new NodeDisk({ root: join(root, 'file', 'x') })).to.throw(DiskError, 'Cannot make the folder')
  })

  it('a folder that no one can make (/proc) is one sentence too, not an endless loop', function () {
    if (process.platform !== 'linux') return this.skip()
    expect(() => new NodeDisk({ root: '/proc/odradek/x' })).to.throw(DiskError, 'ENOENT')
  })
})
