import { expect } from 'chai'
import { FaultyDisk } from '../../lib/faults/faulty-disk.js'
import { DiskError } from '../../lib/host/disk.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import type { PartitionLog } from '../../lib/log/partition-log.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { START_MS } from './support/harness.js'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg'

/** A store over /a and /b, whose disks have to read. */
async function opened() {
  const [a, b] = ['Q', 'g'].map(() => new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() }))
  const at = (path: string, letter: string, disk: FaultyDisk) =>
    new LogDir({ path, id: `AAAAAAAAAAAAAAAAAAAAA${letter}` }, disk)
  const [inA, inB] = [at('/a', 'Q', a!), at('/b', 'g', b!)]
  const ports = { directories: [inA, inB], clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
  const store = new LogStore({}, ports)
  await store.open(() => null)
  return { a: a!, b: b!, inA, inB, store }
}

function produce(log: PartitionLog): void {
  const options = { origin: 'client', leaderEpoch: 0, now: START_MS } as const
  log.append(buildBatch([{ key: 'k', value: 'v' }]), options)
  log.flushPending()
}

describe('a store of two directories', () => {
  it('ends cleanly but for the one whose disk fails under a copy that is closed', async () => {
    const { a, b, inB, store } = await opened()
    const log = store.create('t', 0, defaultLogConfig(), TOPIC_ID)
    produce(log)
    produce(store.beginFuture(log, inB, TOPIC_ID))
    b.failNext('sync', 'EIO')
    const error = await store.close(7).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(DiskError)
    expect([a, b].map((disk) => disk.exists('.kafka_cleanshutdown'))).to.deep.equal([true, false])
  })

  it('gives up the copies to a directory that has failed', async () => {
    const { b, inB, store } = await opened()
    const log = store.create('t', 0, defaultLogConfig(), TOPIC_ID)
    const inFailing = store.create('u', 0, defaultLogConfig(), TOPIC_ID)
    expect(store.directoryOf('u', 0)).to.equal(inB)
    const future = store.beginFuture(log, inB, TOPIC_ID)
    b.failNext('append', 'EIO')
    produce(inFailing)
    expect([inB.failure !== null, inFailing.offline, future.offline]).to.deep.equal([true, true, true])
    expect(log.offline).to.equal(false)
    await store.close()
  })
})
