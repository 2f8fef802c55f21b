import { expect } from 'chai'
import fc from 'fast-check'
import * as header from '../../../protocol/batch/header.js'
import { batchHeader } from '../../../protocol/batch/header-layout.js'

describe('batch header', () => {
  it('has the offsets of the described struct', () => {
    expect(header.HEADER_BYTES).to.equal(batchHeader.sizeInBytes)
    const constants = {
      baseOffset: header.BASE_OFFSET,
      batchLength: header.BATCH_LENGTH,
      partitionLeaderEpoch: header.LEADER_EPOCH,
      magic: header.MAGIC,
      crc: header.CRC,
      attributes: header.ATTRIBUTES,
      lastOffsetDelta: header.LAST_OFFSET_DELTA,
      baseTimestamp: header.BASE_TIMESTAMP,
      maxTimestamp: header.MAX_TIMESTAMP,
      producerId: header.PRODUCER_ID,
      producerEpoch: header.PRODUCER_EPOCH,
      baseSequence: header.BASE_SEQUENCE,
      recordCount: header.RECORD_COUNT,
    } as const
    for (const [field, offset] of Object.entries(constants)) {
      expect(batchHeader.offsetOf(field as keyof typeof constants), field).to.equal(offset)
    }
  })

  it('peeks what the struct decodes', () => {
    const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
    const long = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(int(16), int(32), long, int(16), int(8), (attributes, int32, int64, epoch, magic) => {
        const b = Buffer.alloc(70)
        batchHeader.encode(
          {
            baseOffset: int64,
            batchLength: int32,
            partitionLeaderEpoch: int32,
            magic,
            crc: int32 >>> 0,
            attributes,
            lastOffsetDelta: int32,
            baseTimestamp: int64,
            maxTimestamp: -int64 + 0,
            producerId: int64,
            producerEpoch: epoch,
            baseSequence: int32,
            recordCount: int32,
          },
          b,
          5,
        )
        expect(header.baseOffset(b, 5)).to.equal(int64)
        expect(header.sizeInBytes(b, 5)).to.equal(int32 + 12)
        expect(header.leaderEpoch(b, 5)).to.equal(int32)
        expect(header.crc(b, 5)).to.equal(int32 >>> 0)
        expect(header.attributes(b, 5)).to.equal(attributes)
        expect(header.lastOffsetDelta(b, 5)).to.equal(int32)
        expect(header.baseTimestamp(b, 5)).to.equal(int64)
        expect(header.maxTimestamp(b, 5)).to.equal(-int64 + 0)
        expect(header.producerId(b, 5)).to.equal(int64)
        expect(header.producerEpoch(b, 5)).to.equal(epoch)
        expect(header.baseSequence(b, 5)).to.equal(int32)
        expect(header.recordCount(b, 5)).to.equal(int32)
        const poked = Buffer.alloc(8)
        header.pokeInt64(poked, 0, int64)
        expect(poked.equals(b.subarray(5, 13))).to.equal(true)
      }),
    )
  })
})
