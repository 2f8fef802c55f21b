import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { START_MS } from './support/harness.js'

const FILE = 'cleaner-offset-checkpoint'

describe('cleaner-offset-checkpoint', () => {
  it('says at the next start how far compaction had come; a log made anew begins from nothing', async () => {
    const disk = new MemoryDisk()
    const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)]
    const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
    const config = defaultLogConfig({ cleanupCompact: true })
    const open = async (): Promise<LogStore> => {
      const store = new LogStore({}, ports)
      await store.open(() => ({ topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitionCount: 3, config }))
      return store
    }
    const first = await open()
    for (let partition = 0; partition < 3; partition++) {
      const log = first.create('t', partition, config)
      log.append(buildBatch([{ key: 'k', value: 'v' }]), { origin: 'client', leaderEpoch: 0, now: START_MS })
      if (partition > 0) log.body.cleanedOffset = 1
    }
    await first.checkpointCleaned()
    expect(String(disk.readFile(FILE))).to.equal('0\n2\nt 1 1\nt 2 1\n')
    await first.close()

    const second = await open()
    const cleaned = [0, 1, 2].map((partition) => second.get('t', partition)!.body.cleanedOffset)
    expect(cleaned).to.deep.equal([null, 1, 1])
    await second.delete('t', 1)
    expect(second.create('t', 1, config).body.cleanedOffset).to.equal(null)
    await second.close()
    expect(String(disk.readFile(FILE))).to.equal('0\n1\nt 2 1\n')
  })

  it('goes down with a cut log, and its start: what comes there was never compacted, or deleted', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)]
    const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
    const store = new LogStore({}, ports)
    await store.open(() => null)
    const log = store.create('t', 0, defaultLogConfig({ cleanupCompact: true }))
    const append = (keys: readonly string[]) =>
      log.append(buildBatch(keys.map((key) => ({ key, value: 'v' }))), {
        origin: 'client',
        leaderEpoch: 0,
        now: START_MS,
      })
    for (let i = 0; i < 3; i++) append(['a', 'b', 'c'])
    log.deleteRecordsTo(4)
    await store.checkpointLogStarts()
    log.body.cleanedOffset = 9
    await log.flush()
    await store.checkpointCleaned()
    const noted = () => [FILE, 'log-start-offset-checkpoint'].map((file) => String(disk.readFile(file)).split('\n')[2])
    expect(noted()).to.deep.equal(['t 0 9', 't 0 4'])
    await log.truncateTo(7)
    expect([log.endOffset, log.body.cleanedOffset, ...noted()]).to.deep.equal([6, 6, 't 0 6', 't 0 4'])
    await log.truncateFullyAndStartAt(2)
    expect([log.body.cleanedOffset, ...noted()]).to.deep.equal([null, '', 't 0 2'])
    append(['a', 'b', 'c'])
    log.deleteRecordsTo(5)
    await store.checkpointLogStarts()
    await log.truncateFullyAndStartAt(3)
    expect(noted()).to.deep.equal(['', 't 0 3'])
    await store.close()
  })
})
