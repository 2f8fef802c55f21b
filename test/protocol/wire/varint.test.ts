import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../../protocol/wire/error.js'
import * as varint from '../../../protocol/wire/varint.js'

const cursor = (bytes: Uint8Array): varint.Cursor => ({ buffer: bytes, at: 0, end: bytes.length })
const asNumber = (v: bigint): number => (Number.isSafeInteger(Number(v)) ? Number(v) : v) as number

function roundTrip(
  value: number,
  write: (b: Uint8Array, at: number, v: number) => number,
  read: (c: varint.Cursor) => number,
  sizeOf: (v: number) => number,
): void {
  const b = Buffer.alloc(12, 0xff)
  const end = write(b, 1, value)
  expect(end - 1).to.equal(sizeOf(value))
  expect(b[0]).to.equal(0xff)
  for (const room of [end, 12]) {
    const c = { buffer: b, at: 1, end: room }
    expect(read(c)).to.equal(value)
    expect(c.at).to.equal(end)
  }
  for (let short = 1; short < end; short++) {
    expect(() => read({ buffer: b, at: 1, end: short })).to.throw(ProtocolError)
  }
}

describe('varint', () => {
  it('round-trips every width, in place and at the very end of a buffer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(53), fc.boolean(), (raw, shift, negative) => {
        const v = Math.floor(raw / 2 ** shift) * (negative ? -1 : 1) + 0
        roundTrip(v | 0, varint.writeVarint, varint.readVarint, varint.sizeOfVarint)
        roundTrip(v >>> 0, varint.writeUnsignedVarint, varint.readUnsignedVarint, varint.sizeOfUnsignedVarint)
        roundTrip(v === 0 ? 0 : v, varint.writeVarlong, varint.readVarlong, varint.sizeOfVarlong)
        roundTrip(Math.abs(v), varint.writeUnsignedVarlong, varint.readUnsignedVarlong, varint.sizeOfUnsignedVarlong)
      }),
      { numRuns: 2000 },
    )
  })

  it('is exact for all of 64 bits: bigints beyond the safe integers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (v) => {
        roundTrip(asNumber(v), varint.writeVarlong, varint.readVarlong, varint.sizeOfVarlong)
        const u = asNumber(BigInt.asUintN(64, v))
        roundTrip(u, varint.writeUnsignedVarlong, varint.readUnsignedVarlong, varint.sizeOfUnsignedVarlong)
      }),
    )
    for (const edge of [2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 1n - 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      roundTrip(asNumber(edge), varint.writeVarlong, varint.readVarlong, varint.sizeOfVarlong)
    }
  })

  it('knows the bytes of ByteUtils', () => {
    const bytes = (v: number): string => {
      const b = Buffer.alloc(10)
      return b.subarray(0, varint.writeVarint(b, 0, v)).toString('hex')
    }
    expect([0, -1, 1, 63, -64, 64, -65, 2147483647, -2147483648].map(bytes)).to.deep.equal([
      '00',
      '01',
      '02',
      '7e',
      '7f',
      '8001',
      '8101',
      'feffffff0f',
      'ffffffff0f',
    ])
  })

  it('refuses numbers that do not end in time', () => {
    const long = Buffer.alloc(11, 0x80)
    for (const [read, code] of [
      [varint.readVarint, 'INVALID_VARINT'],
      [varint.readUnsignedVarint, 'INVALID_VARINT'],
      [varint.readVarlong, 'INVALID_VARINT'],
      [varint.readUnsignedVarlong, 'INVALID_VARINT'],
    ] as const) {
      expect(() => read(cursor(long)))
        .to.throw(ProtocolError)
        .with.property('code', code)
      expect(() => read(cursor(long.subarray(0, 3))))
        .to.throw(ProtocolError)
        .with.property('code', 'TRUNCATED')
      expect(() => read(cursor(long.subarray(0, 0))))
        .to.throw(ProtocolError)
        .with.property('code', 'TRUNCATED')
    }
  })
})
