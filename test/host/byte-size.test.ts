import { expect } from 'chai'
import { parseByteSize } from '../../lib/host/byte-size.js'

describe('host/byte-size', () => {
  it('reads sizes as people write them', () => {
    const texts = ['0', '512', '512B', '1kb', '1 KiB', '512MB', '1.5 GB', '2G', '1TB']
    const sizes = [0, 512, 512, 1024, 1024, 512 * 2 ** 20, 1.5 * 2 ** 30, 2 ** 31, 2 ** 40]
    expect(texts.map(parseByteSize)).to.deep.equal(sizes)
  })

  it('says that others are none', () => {
    for (const text of ['', 'MB', '-1', '1 IB', '1XB', '1,5GB', '1e9', '9999999TB', '12 34'])
      expect(parseByteSize(text), text).to.equal(null)
  })
})
