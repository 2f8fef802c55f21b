import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { ErrorCode } from '../../protocol/errors.js'
import { disks, makeLog, type TestDisk, type TestLog } from './support/harness.js'

const CLEAN = { recoveryPoint: 0, logStartOffset: 0, clean: true }
const UNCLEAN = { ...CLEAN, clean: false }

describe('log/producer-replay', () => {
  for (const kind of disks) {
    describe(`on a ${kind.name}`, () => {
      let where: TestDisk
      let t: TestLog

      beforeEach(() => {
        where = kind.make()
        t = makeLog(where.disk, { segmentBytes: 100_000 })
      })
      afterEach(async () => {
        await t.log.close()
        where.remove()
      })

      const send = (baseSequence: number) =>
        t.produce([{ value: 'x' }], { producerId: 7, producerEpoch: 0, baseSequence })
      /** What each of them is told when it comes again: its offset. */
      const again = (...sequences: number[]) =>
        sequences.map((sequence) => {
          const { errorCode, baseOffset } = send(sequence)
          return errorCode === ErrorCode.NONE ? baseOffset : `error ${errorCode}`
        })
      const GAP = `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`

      function six(): void {
        for (let sequence = 0; sequence < 6; sequence++) send(sequence)
      }

      it('a log that is cut where a segment begins knows the five batches below, all of them', async () => {
        six()
        t.produce([{ value: 'y'.repeat(99_900) }])
        t.produce([{ value: 'z' }])
        await t.log.truncateTo(6)
        expect(t.log.endOffset).to.equal(6)
        expect(again(1, 2, 3, 4, 5)).to.deep.equal([1, 2, 3, 4, 5])
        expect(again(0)).to.deep.equal([GAP])
        expect(send(6)).to.include({ errorCode: ErrorCode.NONE, baseOffset: 6 })
      })

      it('batches that were cut are forgotten, those below them not', async () => {
        six()
        await t.log.truncateTo(4)
        expect(t.log.endOffset).to.equal(4)
        expect(again(0, 1, 2, 3)).to.deep.equal([0, 1, 2, 3])
        expect(send(4)).to.include({ errorCode: ErrorCode.NONE, baseOffset: 4 })
      })

      it('one that is opened again knows them', async () => {
        six()
        await t.reopen(kind.name === 'node disk' ? CLEAN : undefined)
        expect(again(1, 2, 3, 4, 5)).to.deep.equal([1, 2, 3, 4, 5])
        expect(again(0)).to.deep.equal([GAP])
      })
    })
  }

  it('one that was killed knows what lies before the snapshot it begins with, in the segment before', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const t = makeLog(disk, { segmentBytes: 100_000 }, 0)
    const send = (baseSequence: number, bytes = 10) =>
      t.produce([{ value: 'x'.repeat(bytes) }], { producerId: 7, producerEpoch: 0, baseSequence })
    for (let sequence = 0; sequence < 5; sequence++) send(sequence)
    t.produce([{ value: 'y'.repeat(99_000) }])
    send(5, 2000)
    await t.reopen({ ...UNCLEAN, recoveryPoint: 7 })
    for (const sequence of [1, 2, 3, 4]) expect(send(sequence).baseOffset).to.equal(sequence)
    await t.log.close()
  })

  it('takes no batch of another epoch, and none beyond a gap', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const t = makeLog(disk, {}, 0)
    const send = (baseSequence: number, producerEpoch: number) =>
      t.produce([{ value: 'x' }], { producerId: 7, producerEpoch, baseSequence }).errorCode
    send(0, 0)
    send(1, 0)
    send(0, 1)
    send(1, 1)
    await t.reopen(CLEAN)
    expect(send(1, 0)).to.equal(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(send(0, 1)).to.equal(ErrorCode.NONE)
    expect(t.log.endOffset).to.equal(4)
    await t.log.close()
  })
})
