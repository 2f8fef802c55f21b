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

describe('recovery-point-offset-checkpoint', () => {
  it('names no offset that a cut has taken away: what comes there is not synced, and would not be looked at', async () => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)]
    const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
    const store = new LogStore({}, ports)
    await store.open(() => null)
    const log = store.create('t', 0, defaultLogConfig())
    for (let i = 0; i < 3; i++) {
      log.append(buildBatch([{ key: 'k', value: 'v' }]), { origin: 'client', leaderEpoch: 0, now: START_MS })
    }
    const noted = () => String(disk.readFile('recovery-point-offset-checkpoint')).split('\n')[2]
    await log.flush()
    await store.checkpointRecoveryPoints()
    expect(noted()).to.equal('t 0 3')
    await log.truncateTo(1)
    expect(noted()).to.equal('t 0 1')
    await log.truncateFullyAndStartAt(0)
    expect(noted()).to.equal('t 0 0')
    await store.close()
  })
})
