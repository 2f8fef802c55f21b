import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { CleanerPace } from '../../lib/log/cleaner-pace.js'
import * as header from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import { compact, consumed } from './support/compaction.js'
import { makeLog, START_MS, type TestLog } from './support/harness.js'
import { encodeEndTxn } from './support/transactions.js'

const CONFIG = { cleanupCompact: true, cleanupDelete: false }
const file = (base: number, suffix: string): string => `t-0/${String(base).padStart(20, '0')}${suffix}`
const unclean = { recoveryPoint: 0, logStartOffset: 0, clean: false }

describe('compaction, and then a loss of power', () => {
  let disk: FaultyDisk
  let t: TestLog

  beforeEach(() => {
    disk = new FaultyDisk({ seed: 2, views: false }, { disk: new MemoryDisk() })
    t = makeLog(disk, CONFIG, 0)
  })
  afterEach(() => t.log.close())

  const produce = (producerId: number, baseSequence: number, key: string, transactional = false): ErrorCode =>
    t.produce([{ key, value: `${baseSequence}` }], { producerId, producerEpoch: 0, baseSequence, transactional })
      .errorCode
  const mark = (type: 'abort' | 'commit') =>
    t.log.append(encodeEndTxn(4, 0, type), { origin: 'coordinator', leaderEpoch: 0, now: START_MS })

  /** Of producer 4 compaction leaves an older batch, of 5 nothing: both have a newer batch by the time it asks. */
  async function compactWhileTheyGoOn(): Promise<void> {
    const pace = new CleanerPace(t.clock, () => Number.POSITIVE_INFINITY)
    let goOn = (): void => {
      expect([produce(4, 2, 'x'), produce(5, 1, 'y')]).to.deep.equal([ErrorCode.NONE, ErrorCode.NONE])
      goOn = () => {}
    }
    pace.rest = () => {
      goOn()
      return null
    }
    t.log.onHighWatermark(t.log.endOffset)
    await compact(t, { pace })
    expect((await consumed(t.log, 'uncommitted')).map(({ offset }) => offset)).to.deep.equal([0, 3, 4, 5, 6])
  }

  async function loseThePower(): Promise<void> {
    disk.crash()
    t = makeLog(disk, CONFIG, 0)
    await t.reopen(unclean)
  }

  async function twoProducers(): Promise<void> {
    produce(4, 0, 'a')
    produce(4, 1, 'b')
    produce(5, 0, 'c')
    t.produce([
      { key: 'b', value: 'newer' },
      { key: 'c', value: 'newer' },
    ])
    t.log.roll(t.clock.now())
    await t.log.flush()
  }

  function expectTheyGoOn(): void {
    expect(t.log.endOffset).to.equal(5)
    expect(t.log.producers.get(4)!.batches.at(-1)).to.include({ lastSequence: 1, lastOffset: 1 })
    expect(t.log.producers.get(5)!.batches.at(-1)).to.include({ lastSequence: 0, lastOffset: 2 })
    expect([produce(4, 2, 'x'), produce(5, 1, 'y')]).to.deep.equal([ErrorCode.NONE, ErrorCode.NONE])
  }

  it('a producer whose newest batch is lost goes on behind one that compaction had dropped for it', async () => {
    await twoProducers()
    await compactWhileTheyGoOn()
    await loseThePower()
    expectTheyGoOn()
  })

  it('also when the snapshot that knows it was lost before', async () => {
    await twoProducers()
    disk.remove(file(5, '.snapshot'))
    await t.reopen(unclean)
    await t.log.flush()
    await compactWhileTheyGoOn()
    await loseThePower()
    expectTheyGoOn()
  })

  it('a producer of which compaction has left only a marker is known by the snapshot', async () => {
    produce(4, 0, 'a', true)
    mark('abort')
    t.log.roll(t.clock.now())
    await t.log.flush()
    const bytes = disk.readFile(file(0, '.log'))!
    disk.writeFile(file(0, '.log'), bytes.subarray(header.sizeInBytes(bytes)))
    await t.reopen(unclean)
    expect(produce(4, 1, 'a', true)).to.equal(ErrorCode.NONE)
  })

  it('what a segment has lost at its end is not taken out of a snapshot, now or later', async () => {
    produce(4, 0, 'a')
    produce(4, 1, 'b')
    t.log.roll(t.clock.now())
    t.produce([{ key: 'c', value: '' }])
    await t.log.flush()
    const bytes = disk.readFile(file(0, '.log'))!
    disk.writeFile(file(0, '.log'), bytes.subarray(0, header.sizeInBytes(bytes)))
    for (const recoveryPoint of [0, 2]) {
      await t.reopen({ ...unclean, recoveryPoint })
      expect(t.log.producers.get(4)!.batches.at(-1)).to.include({ lastSequence: 0 })
    }
    const { errorCode, baseOffset } = t.produce([{ key: 'b', value: '' }], {
      producerId: 4,
      producerEpoch: 0,
      baseSequence: 1,
    })
    expect([errorCode, baseOffset]).to.deep.equal([ErrorCode.NONE, 3])
  })

  it('nothing goes for a transaction whose commit could still be lost', async () => {
    t.produce([{ key: 'a', value: 'old' }])
    produce(4, 0, 'a', true)
    t.log.roll(t.clock.now())
    await t.log.flush()
    mark('commit')
    t.log.onHighWatermark(t.log.endOffset)
    await compact(t)
    await loseThePower()
    t.log.onHighWatermark(t.log.endOffset)
    expect((await consumed(t.log, 'committed')).map(({ offset }) => offset)).to.deep.equal([1])
  })
})
