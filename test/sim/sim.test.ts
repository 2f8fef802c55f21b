import { expect } from 'chai'
import { CLUSTER_PROFILES, PROFILES } from './profile.js'
import { runSeed } from './run.js'

describe('the simulator', function () {
  this.timeout(60_000)

  for (const { name } of CLUSTER_PROFILES) {
    it(`runs a seed of several brokers twice with the same trace (${name})`, async () => {
      const first = await runSeed({ seed: 1, profile: name })
      expect(first.failure?.sentence).to.equal(undefined)
      expect((await runSeed({ seed: 1, profile: name })).traceHash).to.equal(first.traceHash)
      expect(first.counts['acked']).to.be.above(20)
      expect(first.counts['checks']).to.equal(2)
    })
  }

  for (const { name, transactions } of PROFILES) {
    it(`runs a seed twice with the same trace (${name})`, async () => {
      const first = await runSeed({ seed: 7, profile: name })
      const lines: string[] = []
      const second = await runSeed({ seed: 7, profile: name, sink: (line) => lines.push(line) })
      expect(first.failure).to.equal(null)
      expect(second.traceHash).to.equal(first.traceHash)
      expect(lines).to.have.length(first.events)
      expect((await runSeed({ seed: 8, profile: name })).traceHash).not.to.equal(first.traceHash)
    })

    it(`finds nothing in a few seeds, in which a lot happens (${name})`, async () => {
      const sums: Record<string, number> = {}
      for (let seed = 1; seed <= 8; seed++) {
        const { failure, counts } = await runSeed({ seed, profile: name })
        expect(failure?.sentence).to.equal(undefined)
        for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count
      }
      expect(sums['acked']).to.be.above(150)
      expect(sums['read']).to.be.above(150)
      expect(sums['commits']).to.be.above(8)
      expect(sums['transactions']).to.be.above(transactions ? 8 : -1)
      expect(sums['checks']).to.be.at.least(8)
    })
  }
})
