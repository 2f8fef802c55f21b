import { expect } from 'chai'
import { buildBatch } from '../../protocol/batch/builder.js'
import { ErrorCode } from '../../protocol/errors.js'
import { disks, makeLog, readAll, type TestDisk } from './support/harness.js'
import { encodeEndTxn, START } from './support/transactions.js'

for (const kind of disks) {
  describe(`the life of a log on a ${kind.name}`, () => {
    let disk: TestDisk
    beforeEach(() => {
      disk = kind.make()
    })
    afterEach(() => disk.remove())

    it('rolls by size, by record time, by wall time without record time, and when an index is full', () => {
      const bySize = makeLog(disk.disk, { segmentBytes: 200 })
      for (let i = 0; i < 3; i++) bySize.produce([{ value: 'x'.repeat(80) }])
      expect(bySize.log.segmentCount).to.equal(3)

      const other = kind.make()
      const byTime = makeLog(other.disk, { segmentMs: 1000 })
      byTime.produce([{ value: 'a' }])
      byTime.produce([{ value: 'b', timestamp: START + 1000 }])
      expect(byTime.log.segmentCount).to.equal(1)
      byTime.produce([{ value: 'c', timestamp: START + 1001 }])
      expect(byTime.log.segmentCount).to.equal(2)
      other.remove()

      const third = kind.make()
      const byClock = makeLog(third.disk, { segmentMs: 1000 })
      byClock.produce([{ value: 'a' }], { baseTimestamp: -1 })
      byClock.clock.advance(1001)
      byClock.produce([{ value: 'b' }], { baseTimestamp: -1 })
      expect(byClock.log.segmentCount).to.equal(2)
      third.remove()

      const fourth = kind.make()
      const byIndex = makeLog(fourth.disk, { indexIntervalBytes: 0, segmentIndexBytes: 24 })
      for (let i = 0; i < 5; i++) byIndex.produce([{ value: 'a' }])
      expect(byIndex.log.segmentCount).to.equal(3)
      fourth.remove()
    })

    it('deletes by retention, all of it if need be, and goes on where it was', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 200, retentionMs: 5000 })
      for (let i = 0; i < 3; i++) {
        t.produce([{ value: 'x'.repeat(80) }])
        t.clock.advance(1000)
      }
      t.log.flushPending()
      t.clock.advance(2001)
      expect(t.log.applyRetention(t.clock.now(), 0), 'nothing below the high watermark').to.equal(0)
      expect(t.log.applyRetention(t.clock.now(), 3)).to.equal(1)
      expect(t.log.logStartOffset).to.equal(1)
      t.clock.advance(10_000)
      expect(t.log.applyRetention(t.clock.now(), 3)).to.equal(2)
      expect([t.log.logStartOffset, t.log.endOffset, t.log.sizeInBytes]).to.deep.equal([3, 3, 0])
      expect(t.produce([{ value: 'next' }]).baseOffset).to.equal(3)
      await t.reopen()
      expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([3, 4])
      await t.log.close()
    })

    it('an emptied log keeps its place over a restart', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'a' }])
      await t.log.truncateFullyAndStartAt(500)
      await t.reopen()
      expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([500, 500])
      await t.log.close()
    })

    it('answers a duplicate with the old offset and time, also after a restart', async () => {
      const t = makeLog(disk.disk)
      const batch = { producerId: 9, producerEpoch: 0, baseSequence: 0 }
      expect(t.produce([{ value: 'a' }, { value: 'b' }], batch)).to.include({ baseOffset: 0, duplicate: false })
      t.produce([{ value: 'other' }])
      for (let round = 0; round < 2; round++) {
        expect(t.produce([{ value: 'a' }, { value: 'b' }], batch)).to.include({
          errorCode: ErrorCode.NONE,
          baseOffset: 0,
          lastOffset: 1,
          duplicate: true,
          logAppendTimeMs: START,
        })
        expect(t.log.endOffset).to.equal(3)
        await t.reopen()
      }
      const gap = t.produce([{ value: 'c' }], { ...batch, baseSequence: 5 })
      expect(gap.errorCode).to.equal(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(gap.errorMessage).to.contain('sequence 5')
      await t.log.close()
    })

    it('knows aborted transactions and the first unstable offset, also after a restart and a truncation', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 400 })
      const produce = (producerId: number, baseSequence: number) =>
        t.produce([{ value: 'x' }], { producerId, producerEpoch: 0, baseSequence, transactional: true })
      produce(1, 0) // 0
      produce(2, 0) // 1
      t.produce([{ value: 'plain' }]) // 2
      t.log.append(encodeEndTxn(1, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START }) // 3
      t.log.append(encodeEndTxn(2, 0, 'commit'), { origin: 'coordinator', leaderEpoch: 0, now: START }) // 4
      produce(1, 1) // 5
      t.produce([{ value: 'plain' }]) // 6
      const aborted = async (from: number, upperBound = t.log.endOffset) =>
        (await t.log.read(from, { maxBytes: 1, upperBound, minOneMessage: true })).abortedTransactions
      for (let round = 0; round < 2; round++) {
        expect(t.log.firstUnstableOffset).to.equal(0)
        t.log.onHighWatermark(t.log.endOffset)
        expect(t.log.firstUnstableOffset).to.equal(5)
        expect(await aborted(0)).to.deep.equal([{ producerId: 1, firstOffset: 0 }])
        expect(await aborted(4)).to.deep.equal([])
        await t.reopen()
      }
      await t.log.truncateTo(3)
      expect(t.log.firstUnstableOffset).to.equal(0)
      expect(await aborted(0)).to.deep.equal([])
      expect((await readAll(t.log)).length).to.equal(3)
      await t.log.close()
    })

    it('a transaction below the high watermark stays stable when what came behind it is cut', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'x' }], { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true })
      t.log.append(encodeEndTxn(1, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START })
      t.log.onHighWatermark(2)
      t.produce([{ value: 'plain' }])
      await t.log.truncateTo(2)
      // Nobody will tell the high watermark again: it has not changed.
      expect(t.log.firstUnstableOffset).to.equal(null)
      await t.log.close()
    })

    it('a cut below where deletion has moved the start takes the start along: what comes from there is to be had', async () => {
      const t = makeLog(disk.disk)
      for (let i = 0; i < 8; i++) t.produce([{ value: `${i}` }])
      expect(t.log.deleteRecordsTo(6)).to.equal(ErrorCode.NONE)
      await t.log.truncateTo(3)
      expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([3, 3])
      t.produce([{ value: 'other' }], {}, 1)
      expect((await readAll(t.log)).map(({ offset }) => offset)).to.deep.equal([3])
      expect(t.log.latestEpoch).to.equal(1)
      await t.reopen()
      expect((await readAll(t.log)).map(({ offset }) => offset)).to.deep.equal([3])
      await t.log.close()
    })

    it('a cut at the end takes an epoch away that has no record', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'a' }])
      const { latestEpoch } = t.log
      t.log.assignLeaderEpoch(latestEpoch + 3)
      expect(t.log.latestEpoch).to.equal(latestEpoch + 3)
      await t.log.truncateTo(t.log.endOffset)
      expect([t.log.latestEpoch, t.log.endOffset]).to.deep.equal([latestEpoch, 1])
      await t.log.close()
    })

    it('lists aborted transactions by their first offsets, however they ended', async () => {
      const t = makeLog(disk.disk)
      for (const producerId of [1, 2]) {
        t.produce([{ value: 'x' }], { producerId, producerEpoch: 0, baseSequence: 0, transactional: true })
      }
      for (const producerId of [2, 1]) {
        t.log.append(encodeEndTxn(producerId, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START })
      }
      const { abortedTransactions } = await t.log.read(0, { maxBytes: 1000, upperBound: 4, minOneMessage: true })
      expect(abortedTransactions).to.deep.equal([
        { producerId: 1, firstOffset: 0 },
        { producerId: 2, firstOffset: 1 },
      ])
      await t.log.close()
    })

    it('forgets on truncation an epoch in which it led and appended nothing, although no record has to go', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'a' }, { value: 'b' }])
      t.log.assignLeaderEpoch(1)
      expect(t.log.latestEpoch).to.equal(1)
      await t.log.truncateTo(2)
      expect(t.log.latestEpoch).to.equal(0)
      expect(t.log.endOffset).to.equal(2)
      await t.log.close()
    })

    it('takes what a leader sent as it is, and only if it continues the log', async () => {
      const t = makeLog(disk.disk)
      const follow = (records: Buffer) => t.log.append(records, { origin: 'replication', leaderEpoch: -1, now: START })
      const batch = (baseOffset: number, partitionLeaderEpoch: number) =>
        buildBatch([{ value: 'a' }, { value: 'b' }], { baseOffset, partitionLeaderEpoch, baseTimestamp: START })
      const info = follow(Buffer.concat([batch(0, 3), batch(2, 4), batch(10, 4), batch(12, 4).subarray(0, 70)]))
      expect(info).to.include({ errorCode: ErrorCode.NONE, baseOffset: 0, lastOffset: 11 })
      expect(t.log.leaderEpochs).to.deep.equal([
        { epoch: 3, startOffset: 0 },
        { epoch: 4, startOffset: 2 },
      ])
      expect(t.log.endOffsetForEpoch(3)).to.deep.equal({ leaderEpoch: 3, endOffset: 2 })
      expect(follow(batch(11, 4)).errorCode).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
      const damaged = batch(12, 4)
      damaged[70]! ^= 1
      expect(follow(damaged).errorCode).to.equal(ErrorCode.CORRUPT_MESSAGE)
      expect(t.log.endOffset).to.equal(12)
      expect((await readAll(t.log, 5)).map((record) => record.offset)).to.deep.equal([10, 11])
      await t.log.close()
    })

    for (const how of ['as it comes', 'after a crash', 'from trusted segments, without its file']) {
      it(`lets an epoch begin where the log ended before a gap of compaction: ${how} (make sim SEED=60179 PROFILE=cluster)`, async () => {
        const t = makeLog(disk.disk, { cleanupCompact: true })
        const follow = (records: Buffer) =>
          t.log.append(records, { origin: 'replication', leaderEpoch: -1, now: START })
        const batch = (baseOffset: number, partitionLeaderEpoch: number) =>
          buildBatch([{ key: 'k', value: 'a' }], { baseOffset, partitionLeaderEpoch, baseTimestamp: START })
        follow(batch(2, 0))
        t.log.roll(START)
        follow(Buffer.concat([batch(8, 1), batch(9, 1)]))
        t.log.roll(START)
        follow(batch(12, 3))
        if (how !== 'as it comes') {
          await t.log.close()
          disk.disk.remove('t-0/leader-epoch-checkpoint')
          const isClean = how !== 'after a crash'
          await t.reopen({ recoveryPoint: isClean ? 13 : 0, logStartOffset: 0, clean: isClean })
        }
        // Whoever has offsets 3 to 7 of epoch 0 may have something else there than this log had.
        expect(t.log.endOffsetForEpoch(0)).to.deep.equal({ leaderEpoch: 0, endOffset: 3 })
        expect(t.log.endOffsetForEpoch(1)).to.deep.equal({ leaderEpoch: 1, endOffset: 10 })
        await t.log.close()
      })
    }

    it('begins with the batch that its start lies in, after its leader has deleted records up to there', async () => {
      const t = makeLog(disk.disk)
      const follow = (records: Buffer) => t.log.append(records, { origin: 'replication', leaderEpoch: -1, now: START })
      const batch = (baseOffset: number) =>
        buildBatch([{ value: 'a' }, { value: 'b' }, { value: 'c' }], { baseOffset, baseTimestamp: START })
      await t.log.truncateFullyAndStartAt(11)
      expect(follow(Buffer.concat([batch(10), batch(13)]))).to.include({ errorCode: ErrorCode.NONE, lastOffset: 15 })
      expect(t.log.logStartOffset).to.equal(11)
      expect((await readAll(t.log, 11)).map((record) => record.offset)).to.include.members([11, 12, 13, 14, 15])
      // Not when there is something: that would be lost.
      expect(follow(batch(14)).errorCode).to.equal(ErrorCode.UNKNOWN_SERVER_ERROR)
      await t.log.close()
    })

    it('forgets an epoch in which nothing was written when it is cut where it ends', async () => {
      const t = makeLog(disk.disk)
      t.produce([{ value: 'a' }])
      t.log.assignLeaderEpoch(7)
      expect(t.log.latestEpoch).to.equal(7)
      await t.log.truncateTo(1)
      expect(t.log.endOffset).to.equal(1)
      expect(t.log.latestEpoch).to.be.below(7)
      expect(t.log.leaderEpochs).to.have.length(1)
      await t.log.close()
    })

    it('finds the record with the largest timestamp, and none in an empty log', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 300 })
      expect(await t.log.maxTimestampOffset()).to.equal(null)
      expect(await t.log.offsetForTimestamp(0)).to.equal(null)
      t.produce([{ value: 'a', timestamp: START - 5 }])
      t.produce(
        [
          { value: 'b', timestamp: START - 2 },
          { value: 'c', timestamp: START },
          { value: 'd', timestamp: START },
        ],
        {},
        6,
      )
      t.produce([{ value: 'e', timestamp: START - 9 }], {}, 6)
      expect(await t.log.maxTimestampOffset()).to.deep.equal({ timestamp: START, offset: 2, leaderEpoch: 6 })
      expect(await t.log.offsetForTimestamp(START + 1)).to.equal(null)
      await t.log.close()
    })

    it('finds the first record where none has a timestamp', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 300 })
      for (const value of ['a', 'b'.repeat(200), 'c']) t.produce([{ value, timestamp: -1 }])
      const at = (offset: number) => ({ timestamp: -1, offset, leaderEpoch: 0 })
      expect(await t.log.maxTimestampOffset()).to.deep.equal(at(0))
      t.log.deleteRecordsTo(2)
      expect(await t.log.maxTimestampOffset()).to.deep.equal(at(2))
      t.log.deleteRecordsTo(3)
      expect(await t.log.maxTimestampOffset()).to.equal(null)
      await t.log.close()
    })

    it('finds the largest timestamp of what is left when the record that had it was deleted', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 400 })
      t.produce([
        { value: 'a', timestamp: START + 9 },
        { value: 'b', timestamp: START + 8 },
        { value: 'c', timestamp: START + 1 },
        { value: 'd', timestamp: START + 2 },
      ])
      t.produce([{ value: 'e', timestamp: START }])
      const at = (offset: number, ms: number) => ({ timestamp: START + ms, offset, leaderEpoch: 0 })
      t.log.deleteRecordsTo(1)
      expect(await t.log.maxTimestampOffset()).to.deep.equal(at(1, 8))
      t.log.deleteRecordsTo(2)
      expect(await t.log.maxTimestampOffset()).to.deep.equal(at(3, 2))
      t.log.deleteRecordsTo(4)
      expect(await t.log.maxTimestampOffset()).to.deep.equal(at(4, 0))
      t.log.deleteRecordsTo(5)
      expect(await t.log.maxTimestampOffset()).to.equal(null)
      t.produce([{ value: 'f'.repeat(300), timestamp: START + 3 }])
      expect(t.log.segmentCount).to.equal(2)
      t.log.deleteRecordsTo(5)
      expect(await t.log.maxTimestampOffset(), 'of a later segment').to.deep.equal(at(5, 3))
      await t.log.close()
    })

    it('is gone with its files after delete', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 200 })
      for (let i = 0; i < 3; i++) t.produce([{ value: 'x'.repeat(80) }])
      await t.log.delete()
      expect(disk.disk.list('')).to.deep.equal([])
      expect(t.produce([{ value: 'late' }]).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    })

    it('leaves alone, once it is deleted, what another log has in its folder', async () => {
      const t = makeLog(disk.disk, { segmentBytes: 200 })
      for (let i = 0; i < 3; i++) t.produce([{ value: 'x'.repeat(80) }])
      const { log: old } = t
      await old.delete()
      await t.reopen()
      for (let i = 0; i < 3; i++) t.produce([{ value: 'y'.repeat(80) }])
      await t.log.flush()
      const before = disk.disk.list('t-0')
      await old.truncateTo(1)
      await old.truncateFullyAndStartAt(7)
      expect(disk.disk.list('t-0')).to.deep.equal(before)
      expect((await readAll(t.log)).map(({ value }) => value[0])).to.deep.equal(['y', 'y', 'y'])
      await t.log.close()
    })
  })
}
