import { expect } from 'chai'
import { secureRandom, seededRandom } from '../../lib/host/random-sources.js'

describe('random sources', () => {
  for (const [name, random] of [
    ['secure', secureRandom],
    ['seeded', seededRandom(1)],
  ] as const) {
    it(`${name}: integers stay below their bound and reach every value`, () => {
      const seen = new Set(Array.from({ length: 2000 }, () => random.integer(7)))
      expect([...seen].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
      expect(random.integer(1)).to.equal(0)
      for (let round = 0; round < 100; round += 1) {
        expect(random.integer(Number.MAX_SAFE_INTEGER)).to.satisfy(Number.isSafeInteger).and.to.be.at.least(0)
      }
      for (const bad of [0, -1, 1.5, Number.NaN]) expect(() => random.integer(bad)).to.throw(RangeError)
    })

    it(`${name}: ids have Kafka's and RFC 4122's form`, () => {
      for (let round = 0; round < 500; round += 1) {
        expect(random.topicId()).to.match(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
        expect(random.uuid()).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
      expect(random.bytes(7)).to.have.length(7)
    })
  }

  it('the same seed gives the same numbers, another seed others', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed)
      return [random.integer(1e9), random.uuid(), random.topicId(), random.bytes(5).toString('hex')]
    }
    expect(draw(42)).to.deep.equal(draw(42))
    expect(draw(42)).to.not.deep.equal(draw(43))
  })
})
