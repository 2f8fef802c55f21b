import { expect } from 'chai'
import { ReadBuffers } from '../../lib/log/read-buffers.js'

const KB = 1024

describe('log/read-buffers', () => {
  it('gives memory out again, also for what fetches of round sizes read', () => {
    const buffers = new ReadBuffers()
    // A read begins up to two index intervals before the offset.
    for (const bytes of [1, 64 * KB, 64 * KB + 8192, 256 * KB + 8192, 1024 * KB, 1024 * KB + 8192]) {
      const first = buffers.take(bytes)
      expect(first.length).to.be.at.least(bytes)
      buffers.give(first)
      expect(buffers.take(bytes)).to.equal(first)
    }
  })

  it('keeps few, and none that are larger than all classes', () => {
    const buffers = new ReadBuffers()
    const taken = Array.from({ length: 10 }, () => buffers.take(1024 * KB))
    expect(new Set(taken).size).to.equal(10)
    for (const buffer of taken) buffers.give(buffer)
    const again = Array.from({ length: 10 }, () => buffers.take(1024 * KB))
    expect(again.filter((buffer) => taken.includes(buffer))).to.have.length(4)
    const large = buffers.take(3000 * KB)
    expect(large.length).to.equal(3000 * KB)
    buffers.give(large)
    expect(buffers.take(3000 * KB)).not.to.equal(large)
  })
})
