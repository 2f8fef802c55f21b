import { expect } from 'chai'
import fc from 'fast-check'
import { fixedStruct } from '../../../protocol/wire/layout.js'

describe('layout', () => {
  const pair = fixedStruct({ small: 'int16', wide: 'int64', tiny: 'uint8' })

  it('knows offsets and size', () => {
    expect(pair.sizeInBytes).to.equal(11)
    expect(pair.offsetOf('small')).to.equal(0)
    expect(pair.offsetOf('wide')).to.equal(2)
    expect(pair.offsetOf('tiny')).to.equal(10)
  })

  it('keeps all 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (wide) => {
        const b = Buffer.alloc(20)
        const value = (Number.isSafeInteger(Number(wide)) ? Number(wide) : wide) as number
        pair.encode({ small: -2, wide: value, tiny: 255 }, b, 3)
        expect(b.readBigInt64BE(5)).to.equal(wide)
        expect(pair.decode(b, 3)).to.deep.equal({ small: -2, wide: value, tiny: 255 })
      }),
    )
  })

  it('refuses a short buffer', () => {
    expect(() => pair.decode(Buffer.alloc(10))).to.throw(RangeError)
  })
})
