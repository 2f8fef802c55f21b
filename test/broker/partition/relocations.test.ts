import { expect } from 'chai'
import type { Partition } from '../../../lib/broker/partition/partition.js'
import { Relocations } from '../../../lib/broker/partition/relocations.js'
import { FaultyDisk } from '../../../lib/faults/faulty-disk.js'
import type { Clock } from '../../../lib/host/clock.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { MemoryDisk } from '../../../lib/host/memory-disk.js'
import { seededRandom } from '../../../lib/host/random-sources.js'
import { VirtualClock } from '../../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../../lib/log/config.js'
import { LogDir } from '../../../lib/log/log-dir.js'
import { LogStore } from '../../../lib/log/log-store.js'
import type { PartitionLog } from '../../../lib/log/partition-log.js'
import { RateLimit } from '../../../lib/metrics/rate-limit.js'
import { buildBatch } from '../../../protocol/batch/builder.js'
import { readAll, START_MS } from '../../log/support/harness.js'

/** Moves a follower's log from /a to /b; `whenCopied` is called before the turn in which the copy, complete, would look again. */
async function moved(whenCopied: (log: PartitionLog) => void | Promise<void>) {
  const clock = new VirtualClock({ startMs: START_MS })
  const directories = ['a', 'b'].map((name) => {
    const disk = new FaultyDisk({ seed: 1, views: false }, { disk: new MemoryDisk() })
    return new LogDir({ path: `/${name}`, id: `AAAAAAAAAAAAAAAAAAAAA${name}` }, disk)
  })
  const store = new LogStore({}, { directories, clock, random: seededRandom(3) })
  await store.open(() => null)
  const log = store.create('t', 0, defaultLogConfig())
  for (let offset = 0; offset < 10; offset++) append(log, offset, 1)
  let arrive: (future: PartitionLog) => void
  const arrival = new Promise<PartitionLog>((resolve) => {
    arrive = resolve
  })
  const partition = {
    topic: 't',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAg',
    partition: 0,
    log,
    role: { kind: 'follower' },
    replaceLog: (future: PartitionLog) => arrive(future),
  } as unknown as Partition
  let isCopied = false
  const turn = async (resolve: () => void): Promise<void> => {
    const isFirst = !isCopied && store.futureOf('t', 0)?.log.endOffset === 10
    isCopied ||= isFirst
    if (isFirst) await whenCopied(log)
    resolve()
  }
  const turns: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer(_delayMs, resolve) {
      void turn(resolve)
      return { cancel() {} }
    },
  }
  const rate = new RateLimit({ windowMs: 1000, windows: 2 }, clock)
  const ports = { clock: turns, logger: silentLogger, logs: store, rate, find: () => partition }
  expect(new Relocations(ports).start('t', 0, '/b')).to.equal(0)
  return { store, arrived: await arrival }
}

function append(log: PartitionLog, baseOffset: number, epoch: number): void {
  const options = { baseOffset, partitionLeaderEpoch: epoch }
  const batch = buildBatch([{ key: 'k', value: `${baseOffset} of epoch ${epoch}` }], options)
  const { errorCode } = log.append(batch, { origin: 'replication', leaderEpoch: epoch, now: START_MS })
  expect(errorCode).to.equal(0)
}

describe('a move between directories', () => {
  it('copies what came in the place of records that the log had to give up', async () => {
    const { store, arrived } = await moved(async (log) => {
      await log.truncateTo(6)
      for (let offset = 6; offset < 12; offset++) append(log, offset, 2)
      log.flushPending()
    })
    const epochs = (await readAll(arrived)).map(({ value }) => value.at(-1))
    expect(epochs.join('')).to.equal('111111222222')
    expect(arrived.leaderEpochs).to.deep.equal([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 6 },
    ])
    await store.close()
  })

  it('takes the configuration along that the topic has when it arrives', async () => {
    const { store, arrived } = await moved((log) => log.updateConfig(defaultLogConfig({ retentionMs: 5 })))
    expect(arrived.config.retentionMs).to.equal(5)
    await store.close()
  })
})
