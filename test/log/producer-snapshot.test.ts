import { expect } from 'chai'
import { silentLogger } from '../../lib/host/logger.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { decodeSnapshot, encodeSnapshot, ProducerSnapshots } from '../../lib/log/producer-snapshot.js'
import { ProducerStates } from '../../lib/log/producer-state.js'
import { crc32c } from '../../protocol/wire/crc32c.js'
import { ProtocolError } from '../../protocol/wire/error.js'

const empty = () => new ProducerStates({ expirationMs: 1000, maxProducers: 100 })

/** One plain producer whose sequence has wrapped, one with a transaction open, one that is known by a marker only. */
function three(): ProducerStates {
  const producers = empty()
  producers.record(1, 2, 0x7fffffff, 10, 12, 500, false)
  producers.record(7, 0, 0, 13, 13, 501, true)
  producers.record(7, 0, 1, 14, 15, 502, true)
  producers.recordMarker({ producerId: 9, producerEpoch: 4, coordinatorEpoch: 3, abort: false }, 16, 503)
  return producers
}

describe('log/producer-snapshot', () => {
  it("has Kafka's bytes: version, CRC-32C of what follows, entries of 46 bytes", () => {
    const bytes = encodeSnapshot(three())
    expect(bytes.length).to.equal(2 + 4 + 4 + 3 * 46)
    expect([bytes.readInt16BE(0), bytes.readUInt32BE(2), bytes.readInt32BE(6)]).to.deep.equal([1, crc32c(bytes, 6), 3])
    const second = bytes.subarray(10 + 46)
    expect([
      second.readBigInt64BE(0),
      second.readInt16BE(8),
      second.readInt32BE(10),
      second.readBigInt64BE(14),
      second.readInt32BE(22),
      second.readBigInt64BE(26),
      second.readInt32BE(34),
      second.readBigInt64BE(38),
    ]).to.deep.equal([7n, 0, 2, 15n, 1, 502n, -1, 13n])
  })

  it('gives back the last batch of each producer and the open transactions', () => {
    const producers = empty()
    producers.restore(decodeSnapshot(encodeSnapshot(three())))
    expect(producers.get(1)).to.deep.include({ producerEpoch: 2, coordinatorEpoch: -1, lastTimestamp: 500 })
    expect(producers.get(1)!.batches).to.deep.equal([
      { baseSequence: 0x7fffffff, lastSequence: 1, baseOffset: 10, lastOffset: 12, timestamp: 500 },
    ])
    expect(producers.get(7)!.batches.map((batch) => batch.baseOffset)).to.deep.equal([14])
    expect(producers.transactions.firstOffsetOf(7)).to.equal(13)
    expect(producers.transactions.firstUnstableOffset).to.equal(13)
    expect(producers.get(9)).to.deep.include({ producerEpoch: 4, coordinatorEpoch: 3, batches: [] })
    expect(encodeSnapshot(producers).equals(encodeSnapshot(three()))).to.equal(true)
  })

  it('refuses what is not whole', () => {
    const good = encodeSnapshot(three())
    for (let length = 0; length < good.length; length++) {
      expect(() => decodeSnapshot(good.subarray(0, length)), `${length} bytes`).to.throw(ProtocolError)
    }
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at]! ^= 0x10
      expect(() => decodeSnapshot(bad), `byte ${at}`).to.throw(ProtocolError)
    }
  })

  it('finds the newest good one, and keeps those that Kafka keeps', () => {
    const disk = new MemoryDisk()
    const said: string[] = []
    const files = new ProducerSnapshots(disk, 't-0', { ...silentLogger, warn: (message) => void said.push(message) })
    for (const offset of [10, 20, 25, 30, 35]) files.take(offset, three())
    disk.writeFile('t-0/00000000000000000030.snapshot', Buffer.from('garbage'))
    const producers = empty()
    expect(files.restore(0, 34, producers)).to.equal(25)
    expect(said).to.have.length(1)
    expect(said[0]).to.match(/00000000000000000030\.snapshot is damaged and not used/)
    expect(producers.size).to.equal(3)
    expect(files.restore(11, 19, empty())).to.equal(-1)
    const left = () => disk.list('t-0').map((name) => Number(name.split('.')[0]))
    files.removeStray(new Set([10, 20, 30]), 30)
    expect(left(), 'bases, and the newest').to.deep.equal([10, 20, 35])
    files.removeStray(new Set([20, 40]), 40)
    expect(left(), 'the newest lies below the last base').to.deep.equal([20])
    files.removeAbove(19)
    expect(left()).to.deep.equal([])
    files.take(35, three())
    expect(left()).to.deep.equal([35])
  })
})
