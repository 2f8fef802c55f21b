import { expect } from 'chai'
import { emptyImage } from '../../lib/metadata/image.js'
import { MetadataCache, metadataCacheKey } from '../../lib/server/metadata-cache.js'

const KEY = metadataCacheKey(9, 'PLAINTEXT', '127.0.0.1', Buffer.from('ff00', 'hex'))!

describe('server/metadata-cache', () => {
  it('gives back what was put for this very image', () => {
    const cache = new MetadataCache()
    const [one, two] = [emptyImage('c'), emptyImage('c')]
    const body = cache.put(one, KEY, Buffer.from('answer'))
    expect(cache.get(one, KEY)).to.equal(body)
    expect(cache.get(two, KEY)).to.equal(null)
    cache.put(two, 'other', Buffer.from('x'))
    expect(cache.get(two, KEY)).to.equal(null)
    expect(cache.get(one, KEY)).to.equal(null)
  })

  it('tells requests apart by everything that their answers depend on', () => {
    const body = Buffer.from([0xff, 0])
    const keys = [
      metadataCacheKey(9, 'PLAINTEXT', '127.0.0.1', body),
      metadataCacheKey(10, 'PLAINTEXT', '127.0.0.1', body),
      metadataCacheKey(9, 'OTHER', '127.0.0.1', body),
      metadataCacheKey(9, 'PLAINTEXT', '10.0.0.1', body),
      metadataCacheKey(9, 'PLAINTEXT', '127.0.0.1', Buffer.from([0xfe, 0])),
    ]
    expect(new Set(keys).size).to.equal(keys.length)
    expect(keys[0]).to.equal(KEY)
  })

  it('remembers no long requests', () => {
    expect(metadataCacheKey(9, 'L', 'a', Buffer.alloc(16 * 1024))).to.be.a('string')
    expect(metadataCacheKey(9, 'L', 'a', Buffer.alloc(16 * 1024 + 1))).to.equal(null)
  })

  it('is bounded: by the number of answers and by their bytes', () => {
    const image = emptyImage('c')
    const held = (cache: MetadataCache, count: number) =>
      Array.from({ length: count }, (_, i) => cache.get(image, `${i}`)).filter((body) => body !== null)
    const many = new MetadataCache()
    for (let i = 0; i < 1000; i++) many.put(image, `${i}`, Buffer.from('x'))
    expect(held(many, 1000).length).to.be.within(1, 256)
    expect(many.get(image, '999')).to.not.equal(null)
    const large = new MetadataCache()
    for (let i = 0; i < 20; i++) large.put(image, `${i}`, Buffer.alloc(3 << 20))
    const bytes = held(large, 20).reduce((sum, body) => sum + body!.bytes.length, 0)
    expect(bytes).to.be.within(1, 16 << 20)
    // One that could never fit is answered all the same.
    const huge = large.put(image, 'huge', Buffer.alloc((16 << 20) + 1))
    expect(huge.bytes.length).to.equal((16 << 20) + 1)
    expect(large.get(image, 'huge')).to.equal(null)
  })
})
