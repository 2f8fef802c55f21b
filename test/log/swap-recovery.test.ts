import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { batchesOf, compact, consumed } from './support/compaction.js'
import { makeLog, type TestLog } from './support/harness.js'
import { encodeEndTxn, START } from './support/transactions.js'

class PowerLoss extends Error {}

/**
 * A disk that has to read, and whose process dies before its `stepsLeft`-th change: from then on nothing reaches it. What was not synced
 * by then is FaultyDisk's business.
 */
class MortalDisk {
  stepsLeft = Number.POSITIVE_INFINITY
  readonly disk: Disk

  constructor(inner: Disk) {
    this.disk = this.guarded(inner, ['rename', 'remove', 'writeFile'], (name, value) => {
      if (name !== 'open') return value
      return (path: string, options?: { create?: boolean }) => {
        if (!inner.exists(path)) this.step()
        const file = value.call(inner, path, options) as DiskFile
        return this.guarded(file, ['append', 'appendAsync', 'truncate', 'write', 'sync'], (member, original) =>
          member === 'view' ? () => null : original,
        )
      }
    })
  }

  private step(): void {
    if (this.stepsLeft-- <= 0) throw new PowerLoss('the power is gone')
  }

  private guarded<T extends object>(
    target: T,
    changes: readonly string[],
    replace: (name: string, value: (...args: unknown[]) => unknown) => unknown,
  ): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        const replaced = replace(String(name), value as () => unknown)
        if (replaced !== value) return replaced
        return (...args: unknown[]) => {
          if (changes.includes(String(name))) this.step()
          return value.apply(target, args)
        }
      },
    })
  }
}

const CONFIG = { segmentBytes: 600, indexIntervalBytes: 100, cleanupCompact: true, cleanupDelete: false }

const RECORDS = 30

/** Nine segments or so with five keys, the last one active; compaction makes groups of four out of them. */
async function filled(disk: Disk): Promise<TestLog> {
  const t = makeLog(disk, CONFIG, 0)
  for (let i = 0; i < RECORDS; i++) t.produce([{ key: `k${i % 5}`, value: `${i}`.padEnd(100, 'x') }])
  await t.log.flush()
  t.log.updateConfig({ ...t.log.config, segmentBytes: 2400 })
  return t
}

const rows = async (t: TestLog): Promise<string[]> => {
  const table = new Map((await consumed(t.log, 'committed')).map(({ key, value }) => [String(key), String(value)]))
  return [...table].map(([key, value]) => `${key}=${value}`).sort()
}

describe('a crash in the midst of compaction', () => {
  it('at whatever step: the next start has all that counts, and no leftovers', async () => {
    let crashes = 0
    for (let steps = 0; ; steps++) {
      const faulty = new FaultyDisk({ seed: steps, tornChance: 0.5 }, { disk: new MemoryDisk() })
      const mortal = new MortalDisk(faulty)
      const t = await filled(mortal.disk)
      const before = await rows(t)
      mortal.stepsLeft = steps
      const error = await compact(t).then(
        () => null,
        (reason: unknown) => reason,
      )
      if (error !== null) {
        expect(error).to.be.instanceOf(PowerLoss)
        crashes++
      }
      faulty.crash()
      mortal.stepsLeft = Number.POSITIVE_INFINITY
      const again = makeLog(mortal.disk, CONFIG, 0)
      await again.reopen()
      expect(await rows(again), `after ${steps} steps`).to.deep.equal(before)
      expect(again.log.endOffset).to.equal(RECORDS)
      const names = mortal.disk.list('t-0')
      expect(names.filter((name) => /\.(cleaned|swap|deleted)$/.test(name))).to.deep.equal([])
      expect(again.produce([{ key: 'k', value: 'v' }]).baseOffset).to.equal(RECORDS)
      await again.log.flush()
      await compact(again)
      expect((await consumed(again.log, 'committed')).length, 'it can be compacted again').to.be.below(RECORDS / 2)
      await again.log.close()
      if (error === null) break
    }
    expect(crashes).to.be.above(20)
  })

  it('at whatever step: what was aborted is known, or its marker would go before its last batch', async () => {
    for (let steps = 0; ; steps++) {
      const mortal = new MortalDisk(new MemoryDisk())
      const t = makeLog(mortal.disk, CONFIG, 0)
      const produce = (i: number): void => void t.produce([{ key: `k${i % 5}`, value: `${i}`.padEnd(100, 'x') }])
      for (let i = 0; i < 7; i++) produce(i)
      t.produce([{ key: 'a', value: 'b' }], { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
      t.log.append(encodeEndTxn(9, 0, 'abort'), { origin: 'coordinator', leaderEpoch: 0, now: START })
      for (let i = 7; i < 20; i++) produce(i)
      t.log.onHighWatermark(t.log.endOffset)
      await t.log.flush()
      t.log.updateConfig({ ...t.log.config, segmentBytes: 2400 })
      mortal.stepsLeft = steps
      const error = await compact(t).catch((reason: unknown) => reason)
      mortal.stepsLeft = Number.POSITIVE_INFINITY
      const { recoveryPoint, endOffset: highWatermark } = t.log
      const known = { recoveryPoint, highWatermark, logStartOffset: 0, clean: false }
      const again = await PartitionLog.open({ ...t.options, known }, t.ports)
      const { aborted } = await batchesOf(again)
      expect(aborted, `after ${steps} steps`).to.deep.equal([{ producerId: 9, firstOffset: 7 }])
      await again.close()
      if (!(error instanceof PowerLoss)) break
    }
  })

  it('keeps what a damaged swap file was made from', async () => {
    const disk = new MemoryDisk()
    const t = makeLog(new MortalDisk(disk).disk, CONFIG, 0)
    t.produce([{ key: 'k', value: 'v' }])
    await t.log.close()
    disk.writeFile(
      't-0/00000000000000000000.log.swap',
      Buffer.from('no batch at all, but long enough for a header of 61 bytes'),
    )
    const again = makeLog(disk, CONFIG)
    await again.reopen()
    expect(await rows(again)).to.deep.equal(['k=v'])
    expect(disk.list('t-0')).to.not.include('00000000000000000000.log.swap')
    await again.log.close()
  })

  it('finishes a swap of several segments, whichever of them are still there', async () => {
    const disk = new MemoryDisk()
    const t = await filled(new MortalDisk(disk).disk)
    const before = await rows(t)
    const old = t.log.body.segments.all.map((segment) => disk.readFile(segment.path('.log'))!)
    const bases = t.log.body.segments.all.map(({ baseOffset }) => String(baseOffset).padStart(20, '0'))
    await compact(t)
    const [first, second] = t.log.body.segments.all
    const made = disk.readFile(first!.path('.log'))!
    const count = bases.indexOf(String(second!.baseOffset).padStart(20, '0'))
    expect(count).to.be.above(1)
    await t.log.close()
    // As it was before the old ones were renamed: all are there, and the new one is complete.
    for (let i = 0; i < count; i++) disk.writeFile(`t-0/${bases[i]}.log`, old[i]!)
    disk.writeFile(`t-0/${bases[0]}.log.swap`, made)
    disk.writeFile(`t-0/${bases[0]}.index.swap`, Buffer.alloc(0))
    const again = makeLog(disk, CONFIG)
    await again.reopen()
    expect(await rows(again)).to.deep.equal(before)
    const logs = disk.list('t-0').filter((name) => name.endsWith('.log'))
    expect(logs).to.deep.equal(
      [`${bases[0]}.log`, ...bases.slice(count).map((base) => `${base}.log`)].filter((name) =>
        disk.exists(`t-0/${name}`),
      ),
    )
    expect(disk.readFile(`t-0/${bases[0]}.log`)!.equals(made)).to.equal(true)
    await again.log.close()
  })
})
