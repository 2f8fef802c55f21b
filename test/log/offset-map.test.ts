import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../lib/host/random-sources.js'
import { KeyHash } from '../../lib/log/key-hash.js'
import { OFFSET_MAP_ENTRY_BYTES, OffsetMap } from '../../lib/log/offset-map.js'

const map = (entries: number, loadFactor = 0.9, keysMax = 1_000_000) =>
  new OffsetMap({ memoryBytes: entries * OFFSET_MAP_ENTRY_BYTES, loadFactor, keysMax }, seededRandom(1))

describe('offset-map', () => {
  it('agrees with a plain map, until the first key that does not fit', () => {
    const keys = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 200 })
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 2, max: 150 }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (list, entries, load) => {
          const tested = map(entries, load)
          const plain = new Map<string, number>()
          for (const [index, key] of list.entries()) {
            const bytes = Buffer.concat([Buffer.of(7, 7), key, Buffer.of(7)])
            const name = Buffer.from(key).toString('hex')
            const fits = tested.put(bytes, 2, 2 + key.length, index * 3)
            expect(fits).to.equal(plain.has(name) || plain.size < tested.capacity)
            if (!fits) break
            plain.set(name, index * 3)
            expect([tested.latestOffset, tested.size]).to.deep.equal([index * 3, plain.size])
          }
          for (const key of list) {
            const name = Buffer.from(key).toString('hex')
            expect(tested.get(Buffer.from(key), 0, key.length)).to.equal(plain.get(name) ?? -1)
          }
          expect(tested.size).to.be.at.most(Math.max(1, Math.floor(entries * load)))
        },
      ),
    )
  })

  it('goes on over the ends of its pages of memory', () => {
    const many = map(40_000, 1)
    const bytes = Buffer.alloc(4)
    for (let i = 0; i < many.capacity; i++) {
      bytes.writeUInt32BE(i)
      if (!many.put(bytes, 0, 4, i * 2)) throw new Error(`key ${i} does not fit`)
    }
    for (let i = 0; i < many.capacity; i++) {
      bytes.writeUInt32BE(i)
      if (many.get(bytes, 0, 4) !== i * 2) throw new Error(`key ${i} is lost`)
    }
    bytes.writeUInt32BE(many.capacity)
    expect([many.get(bytes, 0, 4), many.put(bytes, 0, 4, 1)]).to.deep.equal([-1, false])
  })

  it('offset 0 is an offset, and the empty key a key', () => {
    const tested = map(10)
    expect(tested.get(Buffer.alloc(0), 0, 0)).to.equal(-1)
    expect(tested.put(Buffer.alloc(0), 0, 0, 0)).to.equal(true)
    expect(tested.get(Buffer.alloc(0), 0, 0)).to.equal(0)
    expect(tested.get(Buffer.of(0), 0, 1)).to.equal(-1)
  })

  it('speaks for what was looked at without a key, too', () => {
    const tested = map(10)
    expect(tested.latestOffset).to.equal(-1)
    tested.reach(5)
    tested.reach(3)
    expect(tested.latestOffset).to.equal(5)
  })

  it('takes no more memory than its keys can need', () => {
    const small = map(5_000_000, 0.9, 100)
    for (let i = 0; i < 100; i++) expect(small.put(Buffer.from(`${i}`), 0, `${i}`.length, i)).to.equal(true)
    expect(small.capacity).to.be.within(100, 105)
  })

  it('hashes as Chaskey’s authors do', () => {
    const key = [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39]
    const bytes = Buffer.alloc(16)
    for (const [index, word] of key.entries()) bytes.writeUInt32LE(word, index * 4)
    const hash = new KeyHash({ ...seededRandom(1), bytes: () => bytes })
    const message = Buffer.from(Array.from({ length: 64 }, (_, i) => i))
    const words = (length: number): string[] => {
      hash.hash(message, 0, length)
      return [...hash.words].map((word) => word.toString(16).padStart(8, '0'))
    }
    expect(words(0)).to.deep.equal(['792e8fe5', '75ce87aa', '2d1450b5', '1191970b'])
    expect(words(1)).to.deep.equal(['13a9307b', '50e62c89', '4577bd88', 'c0bbdc18'])
    expect(words(2)).to.deep.equal(['55df8922', '2c7ff577', '73809ef4', '4e5084c0'])
    const all = new Set(Array.from(message, (_, length) => words(length).join()))
    expect(all.size, 'every length has its own').to.equal(64)
  })
})
