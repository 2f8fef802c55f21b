import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { buildBatch, buildEndTxnMarker } from '../../protocol/index.js'
import { Verdict } from '../crash/checker.js'
import { compareReplicas } from './replicas.js'

interface Plain {
  readonly value: string | null
  readonly key?: string
  /** Of the transaction's producer; without one, it is written at once. */
  readonly producer?: number
}
type Entry = Plain | { readonly end: 'commit' | 'abort'; readonly producer: number } | null

/** One batch per entry, from offset 0 on; null was removed by compaction. */
function log(entries: readonly Entry[]): Buffer {
  const batches = entries.map((entry, baseOffset) => {
    if (entry === null) return Buffer.alloc(0)
    const producer = { producerId: entry.producer ?? -1, producerEpoch: entry.producer === undefined ? -1 : 0 }
    if ('end' in entry) {
      return buildEndTxnMarker({ type: entry.end, coordinatorEpoch: 0, timestamp: 1, baseOffset, ...producer })
    }
    const transactional = entry.producer !== undefined
    const record = { key: Buffer.from(entry.key ?? 'k'), value: entry.value === null ? null : Buffer.from(entry.value) }
    return buildBatch([record], { baseOffset, baseSequence: transactional ? 0 : -1, transactional, ...producer })
  })
  return Buffer.concat(batches)
}

describe('replicas of a chaos run', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-replicas-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** What is said when the brokers 1, 2, ... hold these; undefined: the broker has no such folder. */
  async function violations(name: string, logs: readonly (readonly Entry[] | undefined)[], committed = 0) {
    const brokers = logs.map((entries, index) => {
      const dataFolder = join(folder, `broker-${index + 1}`)
      rmSync(dataFolder, { recursive: true, force: true })
      mkdirSync(dataFolder, { recursive: true })
      if (entries !== undefined) {
        mkdirSync(join(dataFolder, name))
        writeFileSync(join(dataFolder, name, '00000000000000000000.log'), log(entries))
      }
      return { id: index + 1, dataFolder }
    })
    const verdict = new Verdict()
    await compareReplicas(brokers, { copies: logs.length, committed: new Map([[name, committed]]) }, verdict)
    expect(verdict.checks.get('replicas')).to.be.above(0)
    return verdict.violations.join('; ')
  }
  const a: Entry = { value: 'a' }
  const b: Entry = { value: 'b' }

  it('are all there, with everything that was committed', async () => {
    expect(
      await violations(
        't-0',
        [
          [a, b],
          [a, b],
        ],
        2,
      ),
    ).to.equal('')
    expect(await violations('t-0', [[a, b], undefined], 2)).to.equal('t-0 is held by 1, not by 2 brokers')
    expect(await violations('t-0', [[a, b], [a]], 2)).to.equal('t-0: broker 2 ends at 1, but 2 was committed')
  })

  it('have the same bytes, as far as both go', async () => {
    expect(
      await violations(
        't-0',
        [
          [a, b, a],
          [a, b],
        ],
        2,
      ),
    ).to.equal('')
    expect(
      await violations(
        't-0',
        [
          [a, b],
          [a, a],
        ],
        2,
      ),
    ).to.match(/brokers 1 and 2 differ: offsets 1-1/)
  })

  it('have the same last values where compaction removed what it wanted', async () => {
    for (const name of ['compacted-0', 'streams-words-changelog-0', '__consumer_offsets-3']) {
      expect(
        await violations(name, [
          [a, b],
          [null, b],
        ]),
      ).to.equal('')
      expect(
        await violations(name, [
          [a, { value: null }, b],
          [null, null, b],
        ]),
      ).to.equal('')
      expect(
        await violations(name, [
          [b, a],
          [a, b],
        ]),
      ).to.match(/different last values of key 6b/)
    }
  })

  it('count what transactions wrote by how they ended', async () => {
    const [inside, commit, abort] = [
      { value: 'b', producer: 7 },
      { end: 'commit', producer: 7 },
      { end: 'abort', producer: 7 },
    ] as const
    const compare = (one: readonly Entry[], other: readonly Entry[]) => violations('x-changelog-0', [one, other])
    expect(await compare([a, inside, commit], [null, inside, commit])).to.equal('')
    expect(await compare([a, inside, abort], [a, null, abort])).to.equal('')
    expect(await compare([a, inside, commit], [a, inside, abort])).to.match(/different last values/)
    expect(await compare([a, inside, commit], [a, null, commit])).to.match(/different last values/)
    // What came in between counts by its offset, not by the marker.
    expect(await compare([inside, a, commit], [null, a, commit])).to.equal('')
    // The end of the transaction is not there yet.
    expect(await compare([a, inside], [null, inside])).to.equal('')
  })
})
