import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import { PartitionLog } from '../../lib/log/partition-log.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { makeLog, START_MS } from './support/harness.js'

const onDisk = (): FaultyDisk => new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })

describe('a cut that comes to no end', () => {
  it('leaves no hole behind, whichever segment was to go next', async () => {
    for (let left = 0; ; left++) {
      const disk = onDisk()
      const t = makeLog(disk, { segmentBytes: 250 }, 0)
      for (let i = 0; i < 8; i++) t.produce([{ key: `${i}`, value: 'v'.repeat(50) }])
      await t.log.flush()
      expect(t.log.body.segments.all.map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 2, 4, 6])
      let removals = 0
      const remove = disk.remove.bind(disk)
      disk.remove = (path) => {
        if (path.endsWith('.log') && removals++ === left) throw new DiskError('EIO', path, 'The process is killed.')
        remove(path)
      }
      await t.log.truncateTo(1)
      const isKilled = t.log.offline
      disk.remove = remove
      const known = { recoveryPoint: 3, logStartOffset: 0, clean: false }
      const again = await PartitionLog.open({ ...t.options, known }, t.ports)
      expect([again.offline, again.endOffset], `after ${left}`).to.deep.equal([false, isKilled ? 8 - 2 * left : 1])
      await again.close()
      if (!isKilled) break
    }
  })

  it('is a log offline like others, when the process had no descriptor left to begin anew', async () => {
    const disk = onDisk()
    const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)]
    const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
    const store = new LogStore({}, ports)
    await store.open(() => null)
    const log = store.create('t', 0, defaultLogConfig())
    log.append(buildBatch([{ key: 'k', value: 'v' }]), { origin: 'client', leaderEpoch: 0, now: START_MS })
    await log.flush()
    const list = disk.list.bind(disk)
    disk.list = (folder) => {
      throw new DiskError('EMFILE', folder, 'Too many files are open.')
    }
    await log.truncateFullyAndStartAt(5)
    expect(log.offline).to.equal(true)
    disk.list = list
    await store.checkpointRecoveryPoints()
    await store.delete('t', 0)
    expect(disk.exists('t-0')).to.equal(false)
    await store.close()
  })
})
