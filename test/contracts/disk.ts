import { Buffer } from 'node:buffer'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Disk, DiskError, type DiskFile } from '../../lib/host/disk.js'

/** What every implementation of the Disk port promises. `make` gives a fresh, empty disk. */
export function diskContract(name: string, make: () => Disk): void {
  const content = (file: DiskFile): string => {
    const target = Buffer.alloc(file.size)
    expect(file.read(target, 0)).to.equal(file.size)
    return target.toString()
  }
  const codeOf = (action: () => unknown): string => {
    try {
      action()
    } catch (error) {
      expect(error).to.be.instanceOf(DiskError)
      expect((error as DiskError).message).to.match(/^Cannot .*\(E[A-Z]+\)\.$|^The path /)
      return (error as DiskError).code
    }
    return 'no error'
  }

  describe(`${name} keeps the Disk contract`, () => {
    let disk: Disk
    beforeEach(() => {
      disk = make()
    })

    it('opens what is there, creates only when asked, and makes the parent folder', () => {
      expect(codeOf(() => disk.open('t-0/a.log'))).to.equal('ENOENT')
      disk.open('t-0/a.log', { create: true }).close()
      expect(disk.exists('t-0/a.log')).to.equal(true)
      expect(disk.exists('t-0')).to.equal(true)
      expect(disk.list('t-0')).to.deep.equal(['a.log'])
      expect(disk.open('t-0/a.log').size).to.equal(0)
      expect(codeOf(() => disk.open('t-0'))).to.equal('EISDIR')
    })

    it('appends pieces in order, the empty ones too, and reads at any position', () => {
      const file = disk.open('a', { create: true })
      file.append([Buffer.from('hello'), Buffer.alloc(0), Buffer.from(' '), Buffer.from('world')])
      file.append([])
      file.append([Buffer.from('!')])
      expect(file.size).to.equal(12)
      expect(content(file)).to.equal('hello world!')
      const target = Buffer.alloc(5, '.')
      expect(file.read(target, 9)).to.equal(3)
      expect(target.toString()).to.equal('ld!..')
      expect(file.read(target, 12)).to.equal(0)
      expect(file.read(target, 100)).to.equal(0)
    })

    it('gives views of exactly the range asked for, or null', () => {
      const file = disk.open('a', { create: true })
      for (const word of ['one', 'two', 'three', 'four']) file.append([Buffer.from(word)])
      const views = file.view(2, 7)
      if (views === null) return
      expect(Buffer.concat(views).toString()).to.equal('etwothr')
      expect(Buffer.concat(file.view(13, 100) ?? []).toString()).to.equal('ur')
      expect(Buffer.concat(file.view(15, 1) ?? []).length).to.equal(0)
    })

    it('appends and reads through promises', async () => {
      const file = disk.open('a', { create: true })
      await file.appendAsync([Buffer.from('ab'), Buffer.from('cd')])
      await file.appendAsync([Buffer.alloc(300_000, 'x')])
      expect(file.size).to.equal(300_004)
      const target = Buffer.alloc(6)
      expect(await file.readAsync(target, 1)).to.equal(6)
      expect(target.toString()).to.equal('bcdxxx')
      expect(await file.readAsync(target, 300_001)).to.equal(3)
      await file.sync()
    })

    it('overwrites inside the file and nowhere else', () => {
      const file = disk.open('a', { create: true })
      file.append([Buffer.from('abc'), Buffer.from('def')])
      file.write(Buffer.from('XY'), 2)
      expect(content(file)).to.equal('abXYef')
      expect(codeOf(() => file.write(Buffer.from('zz'), 5))).to.equal('EINVAL')
      expect(content(file)).to.equal('abXYef')
    })

    it('truncates and goes on appending there', () => {
      const file = disk.open('a', { create: true })
      file.append([Buffer.from('abc'), Buffer.from('def'), Buffer.from('ghi')])
      file.truncate(4)
      expect(file.size).to.equal(4)
      file.append([Buffer.from('Z')])
      expect(content(file)).to.equal('abcdZ')
      file.truncate(3)
      expect(content(file)).to.equal('abc')
      file.truncate(0)
      expect(file.size).to.equal(0)
      file.append([Buffer.from('new')])
      expect(content(file)).to.equal('new')
      expect(() => file.truncate(9)).to.throw(RangeError)
    })

    it('a file is what was written, cut and overwritten, whatever the order', () => {
      const step = fc.oneof(
        fc.record({
          kind: fc.constant('append' as const),
          sizes: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 5 }),
        }),
        fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
        fc.record({ kind: fc.constant('write' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
        fc.record({ kind: fc.constant('reopen' as const) }),
      )
      let run = 0
      fc.assert(
        fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
          const path = `f-${run++}`
          let file = disk.open(path, { create: true })
          let model = Buffer.alloc(0)
          let stamp = 0
          for (const one of steps) {
            if (one.kind === 'append') {
              // Neighbours in one allocation, as the tail of a log makes them.
              const chunk = Buffer.alloc(one.sizes.reduce((sum, size) => sum + size, 0) || 1)
              let used = 0
              const pieces = one.sizes.map((size) => chunk.subarray(used, (used += size)).fill(++stamp & 0xff))
              model = Buffer.concat([model, ...pieces])
              file.append(pieces)
            } else if (one.kind === 'truncate') {
              model = model.subarray(0, Math.floor(one.share * model.length))
              file.truncate(model.length)
            } else if (one.kind === 'write') {
              const position = Math.floor(one.share * model.length)
              const bytes = Buffer.alloc(Math.min(7, model.length - position), ++stamp & 0xff)
              model = Buffer.from(model)
              bytes.copy(model, position)
              file.write(bytes, position)
            } else {
              file.close()
              file = disk.open(path)
            }
            expect(file.size).to.equal(model.length)
          }
          const target = Buffer.alloc(model.length)
          expect(file.read(target, 0)).to.equal(model.length)
          expect(target.equals(model)).to.equal(true)
          const from = model.length >> 1
          const views = file.view(from, model.length)
          if (views !== null) expect(Buffer.concat(views).equals(model.subarray(from))).to.equal(true)
          file.close()
        }),
        { numRuns: 40 },
      )
    })

    it('renames files and folders, replaces the target, and open files go along', () => {
      const file = disk.open('t-0/a', { create: true })
      file.append([Buffer.from('a')])
      disk.open('t-0/b', { create: true }).append([Buffer.from('b')])
      disk.rename('t-0/a', 't-0/b')
      expect(disk.list('t-0')).to.deep.equal(['b'])
      file.append([Buffer.from('2')])
      disk.rename('t-0', 't-0.deleted')
      file.append([Buffer.from('3')])
      expect(content(file)).to.equal('a23')
      expect(disk.exists('t-0')).to.equal(false)
      expect(disk.readFile('t-0.deleted/b')?.toString()).to.equal('a23')
      expect(codeOf(() => disk.rename('none', 'other'))).to.equal('ENOENT')
    })

    it('removes files and whole folders, and does not mind what is not there', () => {
      disk.open('t-0/deep/a', { create: true })
      disk.open('t-0/b', { create: true })
      disk.remove('t-0/b')
      expect(disk.list('t-0')).to.deep.equal(['deep'])
      disk.remove('t-0')
      expect(disk.exists('t-0/deep/a')).to.equal(false)
      expect(disk.list('')).to.deep.equal([])
      disk.remove('t-0')
      disk.remove('no/such/file')
    })

    it('lists sorted names; nothing for a folder that is not there', () => {
      disk.makeFolder('x/y')
      disk.makeFolder('x/y')
      for (const file of ['c', 'a', 'b']) disk.open(`x/${file}`, { create: true })
      expect(disk.list('x')).to.deep.equal(['a', 'b', 'c', 'y'])
      expect(disk.list('x/y')).to.deep.equal([])
      expect(disk.list('nowhere')).to.deep.equal([])
      expect(codeOf(() => disk.list('x/a'))).to.equal('ENOTDIR')
    })

    it('replaces small files as a whole', () => {
      expect(disk.readFile('meta.properties')).to.equal(null)
      const bytes = Buffer.from('version=1')
      disk.writeFile('dir/meta.properties', bytes)
      bytes.fill(0)
      expect(disk.readFile('dir/meta.properties')?.toString()).to.equal('version=1')
      disk.writeFile('dir/meta.properties', Buffer.from('2'))
      expect(disk.readFile('dir/meta.properties')?.toString()).to.equal('2')
      expect(disk.list('dir')).to.deep.equal(['meta.properties'])
    })

    it('refuses paths that leave its root', () => {
      for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a\0b', 'a\\..\\b']) {
        expect(
          codeOf(() => disk.open(path, { create: true })),
          path,
        ).to.equal('EACCES')
        expect(
          codeOf(() => disk.readFile(path)),
          path,
        ).to.equal('EACCES')
        expect(
          codeOf(() => disk.remove(path)),
          path,
        ).to.equal('EACCES')
      }
    })

    it('a closed file answers nothing but EBADF, closing twice is fine', async () => {
      const file = disk.open('a', { create: true })
      file.close()
      file.close()
      expect(codeOf(() => file.append([Buffer.from('x')]))).to.equal('EBADF')
      expect(codeOf(() => file.read(Buffer.alloc(1), 0))).to.equal('EBADF')
      expect(codeOf(() => file.truncate(0))).to.equal('EBADF')
      const error = await file.sync().then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).to.be.instanceOf(DiskError)
    })

    it('keeps a thousand open files', () => {
      const files: DiskFile[] = []
      for (let index = 0; index < 1000; index += 1) {
        const file = disk.open(`many/${index}`, { create: true })
        file.append([Buffer.from(`${index}`)])
        files.push(file)
      }
      for (const [index, file] of files.entries()) expect(content(file)).to.equal(`${index}`)
      for (const file of files) file.close()
    })

    it('says how much space there is', () => {
      const { totalBytes, usableBytes } = disk.space()
      expect(totalBytes).to.satisfy((bytes: number) => bytes === -1 || bytes >= usableBytes)
    })
  })
}
