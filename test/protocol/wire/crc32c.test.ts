import { expect } from 'chai'
import fc from 'fast-check'
import { crc32, crc32c, crc32cMode, crc32cTable } from '../../../protocol/wire/crc32c.js'

/** Bit by bit: slow, and obviously right. */
function reference(b: Uint8Array, polynomial: number): number {
  let crc = ~0
  for (const byte of b) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ polynomial : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  it('gives the check values of both polynomials', () => {
    const check = Buffer.from('123456789')
    expect(crc32c(check)).to.equal(0xe3069283)
    expect(crc32(check)).to.equal(0xcbf43926)
    expect(crc32c(Buffer.alloc(0))).to.equal(0)
  })

  it('agrees with a bitwise computation, native or not, on any range', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(40), fc.nat(40), (bytes, skip, drop) => {
        const b = Buffer.from(bytes)
        const start = Math.min(skip, b.length)
        const end = Math.max(start, b.length - drop)
        const part = b.subarray(start, end)
        const expected = reference(part, 0x82f63b78)
        expect(crc32c(b, start, end)).to.equal(expected)
        expect(crc32cTable(b, start, end)).to.equal(expected)
        expect(crc32(b, start, end)).to.equal(reference(part, 0xedb88320))
      }),
      { numRuns: 200 },
    )
  })

  it('says which code it runs', () => {
    expect(crc32cMode()).to.be.oneOf(['native', 'javascript'])
  })
})
