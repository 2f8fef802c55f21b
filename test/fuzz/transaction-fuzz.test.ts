import { fuzzTransactions } from './transaction-fuzz.js'

/** A short run of what `make fuzz` runs for longer. `SEED=n` repeats one run. */
describe('transaction fuzz', () => {
  const { SEED } = process.env
  const seeds = SEED === undefined ? Array.from({ length: 60 }, (_, i) => i + 1) : [Number(SEED)]
  it(`holds its invariants for ${seeds.length} seeds`, async () => {
    for (const seed of seeds) await fuzzTransactions(seed)
  }).timeout(60_000)
})
