import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { START_MS } from './support/harness.js'

describe('recovery-point-offset-checkpoint', () => {
  const open = async (disk: FaultyDisk, batches = 3) => {
    const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)]
    const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
    const store = new LogStore({}, ports)
    const config = defaultLogConfig()
    await store.open(() => ({ topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitionCount: 1, config }))
    const log = store.create('t', 0, config)
    for (let baseSequence = 0; baseSequence < batches; baseSequence++) {
      const batch = buildBatch([{ key: 'k', value: 'v' }], { producerId: 5, producerEpoch: 0, baseSequence })
      log.append(batch, { origin: 'client', leaderEpoch: 0, now: START_MS })
    }
    if (batches === 0) return { store, log }
    await log.flush()
    await store.checkpointRecoveryPoints()
    return { store, log }
  }

  it('that cannot be written takes the log offline, and nothing else', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const { store, log } = await open(disk)
    const opened = disk.open.bind(disk)
    disk.open = (path, options) => {
      if (path.startsWith('recovery-point')) throw new DiskError('ENOSPC', path, 'Nothing more fits.')
      return opened(path, options)
    }
    // What producers have left is read from a disk that takes its time.
    const { reader } = log.body
    const run = reader.run.bind(reader)
    reader.run = async (walk) => {
      await new Promise((resolve) => setImmediate(resolve))
      return run(walk)
    }
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    await log.truncateTo(1)
    process.off('unhandledRejection', note)
    expect([log.offline, unhandled]).to.deep.equal([true, []])
    await store.close(null).catch(() => {})
  })

  it('names no offset that a cut has taken away: what comes there is not synced, and would not be looked at', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const { store, log } = await open(disk)
    const noted = () => String(disk.readFile('recovery-point-offset-checkpoint')).split('\n')[2]
    expect(noted()).to.equal('t 0 3')
    await log.truncateTo(1)
    expect(noted()).to.equal('t 0 1')
    await log.truncateFullyAndStartAt(0)
    expect(noted()).to.equal('t 0 0')
    await store.close()
  })

  it('names none either when the log has gone offline since: where a disk was full it ends in a torn batch', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    await (await open(disk)).store.close()
    const { store, log } = await open(disk, 0)
    await log.truncateTo(1)
    log.takeOffline(new DiskError('ENOSPC', 't-0', 'Nothing more fits.'))
    await store.checkpointRecoveryPoints()
    expect(String(disk.readFile('recovery-point-offset-checkpoint')).split('\n')[2]).to.equal('t 0 1')
    await store.close()
  })

  it('is kept for a log that could not be opened, as what else is known of it', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    await (await open(disk)).store.close(null)
    const files = ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint', 'cleaner-offset-checkpoint']
    const write = (one: LogStore) =>
      Promise.all([one.checkpointRecoveryPoints(), one.checkpointLogStarts(), one.checkpointCleaned()])
    const contents = () => files.map((file) => String(disk.readFile(file)).split('\n')[2])
    const again = await open(disk, 0)
    again.log.deleteRecordsTo(2)
    again.log.body.cleanedOffset = 2
    await write(again.store)
    expect(contents()).to.deep.equal(['t 0 3', 't 0 2', 't 0 2'])
    await again.store.close(null)
    disk.writeFile('t-0/00000000000000000000.log', Buffer.from('damaged'.repeat(40)))
    const damaged = await open(disk, 0)
    expect(damaged.log.offline).to.equal(true)
    await write(damaged.store)
    expect(contents()).to.deep.equal(['t 0 3', 't 0 2', 't 0 2'])
    await damaged.store.close(null)
  })
})
