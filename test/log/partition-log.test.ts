import { expect } from 'chai'
import { ErrorCode } from '../../protocol/errors.js'
import { disks, makeLog, readAll, recordsIn, type TestDisk } from './support/harness.js'

for (const kind of disks) {
  describe(`partition log on a ${kind.name}`, () => {
    let disk: TestDisk
    beforeEach(() => {
      disk = kind.make()
    })
    afterEach(() => disk.remove())

    it('accepts, writes and gives back', async () => {
      const t = makeLog(disk.disk)
      const first = t.produce([{ value: 'a' }, { value: 'b' }])
      expect(first.errorCode).to.equal(ErrorCode.NONE)
      expect([first.baseOffset, first.lastOffset]).to.deep.equal([0, 1])
      expect(t.produce([{ value: 'c' }]).baseOffset).to.equal(2)
      t.log.flushPending()
      expect(t.log.writtenOffset).to.equal(3)
      expect((await readAll(t.log)).map((r) => r.value)).to.deep.equal(['a', 'b', 'c'])
      await t.reopen()
      expect(t.log.endOffset).to.equal(3)
      expect((await readAll(t.log)).map((r) => r.value)).to.deep.equal(['a', 'b', 'c'])
      expect(t.produce([{ value: 'd' }]).baseOffset).to.equal(3)
      await t.log.close()
    })

    it('touches the disk only with the first record', () => {
      const t = makeLog(disk.disk)
      expect(disk.disk.list('')).to.deep.equal([])
      expect(t.log.read(0, { maxBytes: 1, upperBound: 0, minOneMessage: true })).to.include({
        errorCode: ErrorCode.NONE,
      })
    })

    it('returns the whole batch for an offset inside it, below the bound', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'a' }, { value: 'b' }, { value: 'c' }])
      t.produce([{ value: 'd' }, { value: 'e' }])
      const read = async (offset: number, upperBound: number, maxBytes = 10_000, minOneMessage = true) =>
        recordsIn(await t.log.read(offset, { maxBytes, upperBound, minOneMessage })).map((r) => r.offset)
      expect(await read(1, 5)).to.deep.equal([0, 1, 2, 3, 4])
      expect(await read(1, 4)).to.deep.equal([0, 1, 2])
      expect(await read(1, 2)).to.deep.equal([])
      expect(await read(3, 5, 1)).to.deep.equal([3, 4])
      expect(await read(3, 5, 1, false)).to.deep.equal([])
      expect(await read(5, 5)).to.deep.equal([])
      for (const offset of [-1, 6]) {
        const result = await t.log.read(offset, { maxBytes: 1, upperBound: 5, minOneMessage: true })
        expect(result.errorCode).to.equal(ErrorCode.OFFSET_OUT_OF_RANGE)
      }
    })
  })
}
