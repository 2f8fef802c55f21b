import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import type { Disk } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { ErrorCode } from '../../protocol/errors.js'
import { makeLog } from './support/harness.js'

/** Syncs of such files wait until they are let through. */
function slowSyncs(suffix = '.log'): { disk: Disk; synced: string[]; open(): void; release(): void } {
  const inner = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
  let waiting: (() => void)[] = []
  let isOpen = false
  const slow = {
    synced: [] as string[],
    /** Lets all through from now on. */
    open() {
      isOpen = true
      slow.release()
    },
    release() {
      for (const go of waiting) go()
      waiting = []
    },
    disk: new Proxy(inner, {
      get(target, name) {
        if (name !== 'open') {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        }
        return (path: string, options?: { create?: boolean }) => {
          const file = target.open(path, options)
          const sync = file.sync.bind(file)
          file.sync = async () => {
            slow.synced.push(path)
            if (path.endsWith(suffix) && !isOpen) await new Promise<void>((go) => waiting.push(go))
            await sync()
          }
          return file
        }
      },
    }) as Disk,
  }
  return slow
}

/** All that microtasks can do. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('log/durability', () => {
  it('says when sealed segments are durable, and not before', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, {}, 0)
    let said = 0
    t.ports.shared!.onSealedSynced = () => void said++
    t.produce([{ value: 'a' }])
    t.log.roll(t.clock.now())
    t.produce([{ value: 'b' }])
    for (let turn = 0; turn < 20; turn++) await settled()
    expect([said, t.log.body.recoveryPoint]).to.deep.equal([0, 0])
    slow.open()
    for (let turn = 0; turn < 20; turn++) await settled()
    expect(said).to.equal(1)
    expect(t.log.body.recoveryPoint).to.be.at.least(1)
    await t.log.close()
  })

  it('flush.messages=1: acknowledges behind a sync that everybody who came meanwhile shares', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, { flushMessages: 1 })
    const released: number[] = []
    t.log.onWritten = (offset) => released.push(offset)
    t.produce([{ value: 'a' }])
    t.log.flushPending()
    await settled()
    expect([t.log.writtenOffset, t.log.recoveryPoint, t.log.endOffset]).to.deep.equal([0, 0, 1])
    for (let i = 0; i < 5; i++) {
      t.produce([{ value: 'b' }])
      t.log.flushPending()
    }
    await settled()
    slow.release()
    await settled()
    expect([t.log.writtenOffset, t.log.recoveryPoint]).to.deep.equal([1, 1])
    slow.release()
    await settled()
    expect([t.log.writtenOffset, t.log.recoveryPoint]).to.deep.equal([6, 6])
    expect(released).to.deep.equal([1, 6])
    expect(slow.synced.filter((path) => path.endsWith('.log')).length, 'syncs of the log').to.equal(2)
    slow.open()
    await t.log.close()
  })

  it('the first sync makes durable whose log it is, and no later one does', async () => {
    const slow = slowSyncs()
    slow.open()
    const note = slow.disk.open('t-0/partition.metadata', { create: true })
    note.append([Buffer.from('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ')])
    note.close()
    const t = makeLog(slow.disk, { flushMessages: 1 })
    for (const value of ['a', 'b']) {
      t.produce([{ value }])
      await t.log.flush()
    }
    const of = (suffix: string) => slow.synced.filter((path) => path.endsWith(suffix)).length
    expect([of('partition.metadata'), of('.log')]).to.deep.equal([1, 2])
    expect(slow.synced[0]).to.equal('t-0/partition.metadata')
    await t.log.close()
  })

  it('flush.messages=3: two records may be ahead of the sync', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, { flushMessages: 3 })
    const produce = () => {
      t.produce([{ value: 'a' }])
      t.log.flushPending()
      return t.log.writtenOffset
    }
    expect([produce(), produce(), produce(), produce()]).to.deep.equal([1, 2, 2, 2])
    await settled()
    slow.release()
    await settled()
    expect([t.log.writtenOffset, t.log.recoveryPoint]).to.deep.equal([4, 4])
    expect(produce()).to.equal(5)
    t.log.updateConfig(defaultLogConfig({ flushMessages: 1 }))
    await settled()
    slow.release()
    await settled()
    expect(t.log.recoveryPoint).to.equal(5)
    slow.open()
    await t.log.close()
  })

  it('flush.ms: syncs that long after the first write', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const t = makeLog(disk, { flushMs: 100 })
    t.produce([{ value: 'a' }])
    t.log.flushPending()
    t.clock.advance(60)
    t.produce([{ value: 'b' }])
    t.log.flushPending()
    t.clock.advance(39)
    await settled()
    expect([t.log.writtenOffset, t.log.recoveryPoint]).to.deep.equal([2, 0])
    t.clock.advance(1)
    await settled()
    expect(t.log.recoveryPoint).to.equal(2)
    await t.log.close()
  })

  it('syncs sealed segments and their indexes in the background, the epochs first', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, { indexIntervalBytes: 0 })
    t.produce([{ value: 'a' }], { producerId: 1, producerEpoch: 0, baseSequence: 0 }, 3)
    t.produce([{ value: 'a' }], {}, 3)
    t.log.roll(t.clock.now())
    t.produce([{ value: 'b' }], {}, 4)
    t.log.flushPending()
    await settled()
    slow.release()
    await settled()
    slow.release()
    await settled()
    expect(t.log.recoveryPoint).to.equal(3)
    const names = slow.synced.map((path) => path.slice('t-0/'.length))
    expect(names.slice(0, 5)).to.deep.equal([
      'leader-epoch-checkpoint.tmp',
      '00000000000000000002.snapshot',
      '00000000000000000000.log',
      '00000000000000000000.index',
      '00000000000000000000.timeindex',
    ])
    expect(slow.disk.readFile('t-0/leader-epoch-checkpoint')!.toString()).to.equal('0\n2\n3 0\n4 2\n')
    slow.open()
    await t.log.close()
  })

  it('proves nothing about what was written after a cut', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk)
    for (let i = 0; i < 4; i++) t.produce([{ value: 'a' }])
    t.log.flushPending()
    const flushed = t.log.flush()
    await settled()
    await t.log.truncateTo(1)
    t.produce([{ value: 'other' }])
    t.log.flushPending()
    slow.release()
    await settled()
    expect(t.log.recoveryPoint).to.equal(1)
    slow.release()
    await flushed
    expect(t.log.recoveryPoint).to.equal(2)
    slow.open()
    await t.log.close()
  })

  it('says that it is written when it is synced, where the config asks for that: a follower claims no less', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, { flushMessages: 1 })
    t.produce([{ value: 'a' }])
    let written = false
    const whenWritten = t.log.whenWritten().then(() => (written = true))
    await settled()
    expect(written).to.equal(false)
    slow.open()
    await whenWritten
    expect(t.log.writtenOffset).to.equal(1)
    await t.log.close()
  })

  it('is not synced by being cut', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk, { flushMessages: 1 })
    for (let i = 0; i < 4; i++) t.produce([{ value: 'a' }])
    t.log.flushPending()
    await settled()
    await t.log.truncateTo(2)
    expect(t.log.endOffset).to.equal(2)
    expect(t.log.writtenOffset).to.equal(0)
    slow.open()
    await t.log.whenWritten()
    expect(t.log.writtenOffset).to.equal(2)
    await t.log.close()
  })

  it('closes only when a sync under way has ended: both write the same files', async () => {
    const slow = slowSyncs('.tmp')
    const t = makeLog(slow.disk)
    t.produce([{ value: 'a' }], {}, 3)
    t.produce([{ value: 'b' }], {}, 4)
    const flushed = t.log.flush()
    await settled()
    slow.release()
    await flushed
    await t.log.truncateTo(1)
    const closed = t.log.close()
    await settled()
    expect(slow.synced.filter((path) => path.endsWith('.tmp')).length).to.equal(2)
    slow.open()
    await closed
    expect(slow.disk.readFile('t-0/leader-epoch-checkpoint')!.toString()).to.equal('0\n1\n3 0\n')
  })

  it('takes nothing more while it is being closed: the indexes are written already (make sim SEED=30799 PROFILE=cluster)', async () => {
    const slow = slowSyncs()
    const t = makeLog(slow.disk)
    t.produce([{ value: 'a' }])
    const closed = t.log.close()
    await settled()
    expect(t.produce([{ value: 'b' }]).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(t.log.endOffset).to.equal(1)
    slow.open()
    await closed
  })

  it('goes offline when a sync fails, and never tries again', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const t = makeLog(disk, { flushMessages: 1 })
    let offline: unknown = null
    t.log.onOffline = (error) => {
      offline = error
    }
    t.produce([{ value: 'a' }])
    await t.log.flush()
    t.produce([{ value: 'b' }])
    disk.failNext('sync', 'EIO')
    await t.log.flush().then(
      () => expect.fail('flush should fail'),
      (error: Error) => expect(error.message).to.match(/sync/),
    )
    expect(offline).to.be.an('error')
    expect([t.log.writtenOffset, t.log.recoveryPoint, t.log.offline]).to.deep.equal([1, 1, true])
    expect(t.produce([{ value: 'c' }]).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
    await t.log.close()
  })
})
