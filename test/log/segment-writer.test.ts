import { expect } from 'chai'
import type { DiskFile } from '../../lib/host/disk.js'
import { NodeDisk } from '../../lib/host/node-disk.js'
import type { Segment } from '../../lib/log/segment.js'
import { SegmentWriter } from '../../lib/log/segment-writer.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { disks, makeLog } from './support/harness.js'

const batchOf = (index: number, bytes: number): Buffer =>
  buildBatch([{ key: `${index}`, value: Buffer.alloc(bytes, index) }], { baseOffset: index })

describe('segment-writer', () => {
  for (const kind of disks) {
    it(`writes all in order while more is gathered, on a ${kind.name}`, async () => {
      const made = kind.make()
      const t = makeLog(made.disk, {}, 0)
      const segment = t.log.body.newSegment(0, 0, '.cleaned')
      const writer = new SegmentWriter(segment, 0)
      const batches = Array.from({ length: 60 }, (_, i) => batchOf(i, i % 7 === 0 ? 1_200_000 : 90_000))
      let bytes = 0
      for (const batch of batches) {
        writer.add(batch, 0, batch.length)
        if (writer.isFull) bytes += await writer.flush()
      }
      bytes += await writer.flush()
      await writer.finish()
      const all = Buffer.concat(batches)
      expect([bytes, segment.writtenBytes, segment.sizeInBytes]).to.deep.equal([all.length, all.length, all.length])
      const read = Buffer.alloc(all.length)
      expect(await segment.readAsync(read, 0)).to.equal(all.length)
      expect(read.equals(all)).to.equal(true)
      segment.remove()
      await t.log.close()
      made.remove()
    })
  }

  it('throws at the next flush, or at the end, what failed beside the work', async () => {
    const made = disks[1]!.make()
    const t = makeLog(made.disk, {}, 0)
    expect(made.disk).to.be.instanceOf(NodeDisk)
    for (const last of ['flush', 'finish'] as const) {
      const segment = t.log.body.newSegment(0, 0, '.cleaned')
      const writer = new SegmentWriter(segment, 0)
      refuseWrites(segment)
      writer.add(batchOf(0, 1000), 0, batchOf(0, 1000).length)
      await writer.flush()
      writer.add(batchOf(1, 1000), 0, batchOf(1, 1000).length)
      const outcome = await writer[last]().then(
        () => 'nothing',
        (error: Error) => error.message,
      )
      expect(outcome, last).to.equal('no space left')
      await writer.settle()
      expect(segment.writtenBytes, last).to.equal(0)
      segment.remove()
    }
    await t.log.close()
    made.remove()
  })
})

function refuseWrites(segment: Segment): void {
  const file = segment.openLog()
  const refusing = { appendAsync: () => Promise.reject(new Error('no space left')) } as unknown as DiskFile
  segment.openLog = () => refusing
  expect(file.size).to.equal(0)
}
