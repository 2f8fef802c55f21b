import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../lib/host/random-sources.js'
import { type PlacementBroker, placeReplicas } from '../../lib/metadata/placement.js'

const brokers = (ids: number[], rack: (id: number) => string | null = () => null): PlacementBroker[] =>
  ids.map((brokerId) => ({ brokerId, rack: rack(brokerId), fenced: false }))

describe('metadata/placement', () => {
  it('gives distinct brokers and spreads leaders evenly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        (count, partitions, seed) => {
          const ids = Array.from({ length: count }, (_, i) => i)
          const replicationFactor = 1 + (Math.abs(seed) % count)
          const placed = placeReplicas({ partitions, replicationFactor }, brokers(ids), seededRandom(seed))
          expect(placed.problem).to.equal(null)
          const leads = new Map<number, number>()
          for (const replicas of placed.assignments ?? []) {
            expect(new Set(replicas).size).to.equal(replicationFactor)
            leads.set(replicas[0]!, (leads.get(replicas[0]!) ?? 0) + 1)
          }
          const counts = ids.map((id) => leads.get(id) ?? 0)
          expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1)
        },
      ),
      { numRuns: 80 },
    )
  })

  it('uses every rack before any rack twice', () => {
    const racks = brokers([0, 1, 2, 3, 4, 5], (id) => `r${id % 3}`)
    const placed = placeReplicas({ partitions: 30, replicationFactor: 3 }, racks, seededRandom(1))
    for (const replicas of placed.assignments ?? []) expect(new Set(replicas.map((id) => id % 3)).size).to.equal(3)
    const leads = new Set((placed.assignments ?? []).map((replicas) => replicas[0]))
    expect(leads.size).to.equal(6)
  })

  it('lets fenced brokers follow only when needed, and never lead', () => {
    const some = [...brokers([0, 1]), { brokerId: 2, rack: null, fenced: true }]
    const two = placeReplicas({ partitions: 10, replicationFactor: 2 }, some, seededRandom(1))
    for (const replicas of two.assignments ?? []) expect(replicas).to.not.include(2)
    const three = placeReplicas({ partitions: 10, replicationFactor: 3 }, some, seededRandom(1))
    for (const replicas of three.assignments ?? []) expect(replicas[2]).to.equal(2)
  })

  it('says why it cannot', () => {
    expect(placeReplicas({ partitions: 1, replicationFactor: 2 }, brokers([1]), seededRandom(1)).problem).to.include(
      'only 1',
    )
    expect(placeReplicas({ partitions: 1, replicationFactor: 1 }, [], seededRandom(1)).problem).to.be.a('string')
  })
})
