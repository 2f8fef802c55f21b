import { expect } from 'chai'
import { OffsetIndex } from '../../lib/log/offset-index.js'
import { TimeIndex } from '../../lib/log/time-index.js'
import { TxnIndex } from '../../lib/log/txn-index.js'

describe('offset index', () => {
  it('has the bytes of OffsetIndex: int32 relative offset, int32 position', () => {
    const index = new OffsetIndex(1000, 80)
    index.append(1001, 4100)
    index.append(1300, 70000)
    expect(index.content().toString('hex')).to.equal('0000000100001004' + '0000012c00011170')
  })

  it('finds floors by offset and by position', () => {
    const index = new OffsetIndex(100, 800)
    for (let i = 1; i <= 50; i++) index.append(100 + i * 10, i * 1000)
    expect(index.floorPosition(109)).to.equal(0)
    expect(index.floorPosition(110)).to.equal(1000)
    expect(index.floorPosition(355)).to.equal(25000)
    expect(index.floorPosition(99999)).to.equal(50000)
    expect(index.floorBatchStart(999)).to.equal(0)
    expect(index.floorBatchStart(31999)).to.equal(31000)
    index.truncateTo(31000, Number.MAX_SAFE_INTEGER)
    expect(index.entries).to.equal(30)
  })

  it('is full at its limit and loads only what makes sense', () => {
    const index = new OffsetIndex(0, 17)
    index.append(1, 0)
    expect(index.isFull).to.equal(false)
    index.append(2, 10)
    expect(index.isFull).to.equal(true)
    const copy = new OffsetIndex(0, 17)
    copy.load(Buffer.from(index.content()))
    expect(copy.isSane(11)).to.equal(true)
    expect(copy.isSane(10)).to.equal(false)
    copy.load(Buffer.alloc(16))
    expect(copy.isSane(100)).to.equal(false)
  })
})

describe('time index', () => {
  it('has the bytes of TimeIndex: int64 timestamp, int32 relative offset', () => {
    const index = new TimeIndex(5, 120)
    index.maybeAppend(1_700_000_000_123, 9)
    expect(index.content().toString('hex')).to.equal('0000018bcfe5687b' + '00000004')
  })

  it('only rises', () => {
    const index = new TimeIndex(0, 120)
    index.maybeAppend(-1, 0)
    index.maybeAppend(50, 3)
    index.maybeAppend(50, 7)
    index.maybeAppend(40, 8)
    index.maybeAppend(60, 9)
    expect(index.entries).to.equal(2)
    expect(index.floorEntry(49)).to.equal(null)
    expect(index.floorEntry(50)).to.deep.equal({ timestamp: 50, offset: 3 })
    expect(index.floorEntry(61)).to.deep.equal({ timestamp: 60, offset: 9 })
    expect(index.isSane(10)).to.equal(true)
    expect(index.isSane(9)).to.equal(false)
    index.truncateToOffset(9)
    expect(index.entries).to.equal(1)
  })

  it('keeps room for the entry that seals a segment', () => {
    const index = new TimeIndex(0, 24)
    expect(index.isFull).to.equal(false)
    index.maybeAppend(1, 1)
    expect(index.isFull).to.equal(true)
  })
})

describe('transaction index', () => {
  const first = { producerId: 7, firstOffset: 10, lastOffset: 20, lastStableOffset: 15 }
  const second = { producerId: 8, firstOffset: 15, lastOffset: 30, lastStableOffset: 31 }

  it('has the bytes of AbortedTxn: int16 version and four int64', () => {
    const index = new TxnIndex()
    index.append(first)
    expect(index.content().toString('hex')).to.equal(
      '0000' + '0000000000000007' + '000000000000000a' + '0000000000000014' + '000000000000000f',
    )
    const copy = new TxnIndex()
    expect(copy.load(index.content(), 0)).to.equal(true)
    expect(copy.entries).to.deep.equal([first])
    expect(copy.load(index.content().subarray(1), 0)).to.equal(false)
    const later = index.content()
    later.writeInt16BE(1, 0)
    expect(copy.load(later, 0), 'of a later version').to.equal(false)
  })

  it('collects what overlaps, and knows when no later segment can matter', () => {
    const index = new TxnIndex()
    index.append(first)
    index.append(second)
    const collect = (from: number, to: number) => {
      const found: { producerId: number; firstOffset: number }[] = []
      return { complete: index.collect(from, to, found), ids: found.map((entry) => entry.producerId) }
    }
    expect(collect(0, 10)).to.deep.equal({ complete: true, ids: [] })
    expect(collect(0, 15)).to.deep.equal({ complete: true, ids: [7] })
    expect(collect(0, 16)).to.deep.equal({ complete: true, ids: [7, 8] })
    expect(collect(21, 32)).to.deep.equal({ complete: false, ids: [8] })
    index.truncateTo(30)
    expect(index.entries).to.deep.equal([first])
  })
})
