import { expect } from 'chai'
import { PROFILES } from './profile.js'
import { runSeed } from './run.js'

describe('the simulator', () => {
  for (const { name } of PROFILES) {
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
      for (let seed = 1; seed <= 8; seed++) {
        const { failure, counts } = await runSeed({ seed, profile: name })
        expect(failure?.sentence).to.equal(undefined)
        expect(counts['acked']).to.be.above(20)
        expect(counts['read']).to.be.above(50)
        expect(counts['checks']).to.be.above(0)
      }
    })
  }
})
