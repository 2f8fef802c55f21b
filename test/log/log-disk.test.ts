import { expect } from 'chai'
import { type Disk, DiskError, type DiskFile } from '../../lib/host/disk.js'
import { silentLogger } from '../../lib/host/logger.js'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { Chunks } from '../../lib/log/chunks.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { ErrorCode } from '../../protocol/errors.js'
import { disks, makeLog, readAll, recordsIn, START_MS, type TestDisk } from './support/harness.js'

const node = disks[1]!

/** A disk whose log files do as `hooks` say. Fault model: appends throw, or take their time. */
function hooked(disk: Disk, hooks: { append?(): void; appendAsync?(): Promise<void> }): Disk {
  const wrap = (file: DiskFile): DiskFile =>
    new Proxy(file, {
      get(target, name) {
        if (name === 'append') {
          return (pieces: readonly Buffer[]) => {
            hooks.append?.()
            target.append(pieces)
          }
        }
        if (name === 'appendAsync') {
          return async (pieces: readonly Buffer[]) => {
            await hooks.appendAsync?.()
            await target.appendAsync(pieces)
          }
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return new Proxy(disk, {
    get(target, name) {
      if (name === 'open') return (path: string, options?: { create?: boolean }) => wrap(target.open(path, options))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('a log and its disk', () => {
  let disk: TestDisk
  beforeEach(() => {
    disk = node.make()
  })
  afterEach(() => disk.remove())

  it('gathers the batches of one turn into one write', async () => {
    let writes = 0
    const t = makeLog(hooked(disk.disk, { append: () => void writes++ }))
    const written: number[] = []
    t.log.onWritten = (offset) => written.push(offset)
    for (let i = 0; i < 10; i++) t.produce([{ value: `${i}` }])
    expect([writes, t.log.writtenOffset, t.log.endOffset]).to.deep.equal([0, 0, 10])
    expect((await readAll(t.log)).length, 'readable before it is written').to.equal(10)
    await null
    expect([writes, t.log.writtenOffset]).to.deep.equal([1, 10])
    expect(written).to.deep.equal([10])
    t.produce([{ value: 'x' }])
    t.log.flushPending()
    expect([writes, t.log.writtenOffset]).to.deep.equal([2, 11])
    await t.log.close()
  })

  it('sends large gatherings through the thread pool, in order, and keeps them readable', async () => {
    const t = makeLog(disk.disk, { segmentBytes: 1_000_000 })
    const value = 'x'.repeat(100_000)
    const values: string[] = []
    for (let i = 0; i < 30; i++) {
      values.push(`${i}${value}`)
      expect(t.produce([{ value: values[i]! }]).errorCode).to.equal(ErrorCode.NONE)
      if (i % 7 === 0) t.log.flushPending()
    }
    expect(t.log.writtenOffset).to.be.below(30)
    expect((await readAll(t.log)).map((record) => record.value)).to.deep.equal(values)
    await t.log.flush()
    expect(t.log.writtenOffset).to.equal(30)
    await t.reopen()
    expect((await readAll(t.log)).map((record) => record.value)).to.deep.equal(values)
    await t.log.close()
  })

  it('truncates only after the write under way', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const t = makeLog(hooked(disk.disk, { appendAsync: () => held }))
    for (let i = 0; i < 4; i++) t.produce([{ value: `${i}`.repeat(100_000) }])
    t.log.flushPending()
    const truncated = t.log.truncateTo(2)
    expect(truncated).to.be.an.instanceOf(Promise)
    release()
    await truncated
    expect([t.log.endOffset, t.log.writtenOffset]).to.deep.equal([2, 2])
    expect((await readAll(t.log)).length).to.equal(2)
    await t.reopen()
    expect(t.log.endOffset).to.equal(2)
    await t.log.close()
  })

  for (const kind of disks) {
    it(`goes offline when a write fails, and keeps what was written (${kind.name})`, async () => {
      const own = kind.make()
      let full = false
      const t = makeLog(
        hooked(own.disk, {
          append() {
            if (full) throw new DiskError('ENOSPC', 't-0', 'the disk is full')
          },
        }),
      )
      let offline: unknown = null
      t.log.onOffline = (error) => {
        offline = error
      }
      t.produce([{ value: 'kept' }])
      t.log.flushPending()
      full = true
      t.produce([{ value: 'lost' }])
      t.log.flushPending()
      expect(offline).to.be.an.instanceOf(DiskError)
      expect(t.log.writtenOffset).to.equal(1)
      expect(t.produce([{ value: 'refused' }]).errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      const read = await t.log.read(0, { maxBytes: 1, upperBound: 1, minOneMessage: true })
      expect(read.errorCode).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      full = false
      await t.reopen()
      expect((await readAll(t.log)).map((record) => record.value)).to.deep.equal(['kept'])
      await t.log.close()
      own.remove()
    })

    it(`cuts a torn tail, wherever it is torn, and never a whole batch (${kind.name})`, async () => {
      const own = kind.make()
      const t = makeLog(own.disk)
      for (let i = 0; i < 3; i++) t.produce([{ value: `value ${i}` }])
      await t.log.close()
      const path = 't-0/00000000000000000000.log'
      const whole = own.disk.readFile(path)!
      const last = whole.length / 3
      for (let cut = 0; cut <= last; cut += 5) {
        own.disk.writeFile(path, whole.subarray(0, whole.length - cut))
        await t.reopen()
        expect(t.log.endOffset, `cut by ${cut}`).to.equal(cut === 0 ? 3 : 2)
        expect(t.produce([{ value: 'again' }]).errorCode).to.equal(ErrorCode.NONE)
        expect((await readAll(t.log)).length).to.equal(cut === 0 ? 4 : 3)
      }
      const damaged = Buffer.from(whole)
      damaged[last + 70]! ^= 1
      own.disk.writeFile(path, damaged)
      await t.reopen()
      expect(t.log.offline, 'a wrong CRC in the middle').to.equal(true)
      expect(own.disk.readFile(path)!.equals(damaged)).to.equal(true)
      await t.log.close()
      own.remove()
    })
  }

  it('writes index files that Kafka could read when a segment is sealed', async () => {
    const t = makeLog(disk.disk, { segmentBytes: 1000, indexIntervalBytes: 150 })
    for (let i = 0; i < 20; i++) t.produce([{ value: 'x'.repeat(50) }])
    t.log.flushPending()
    const batchBytes = t.log.sizeInBytes / 20
    const perSegment = Math.floor(1000 / batchBytes)
    const index = disk.disk.readFile('t-0/00000000000000000000.index')!
    const every = Math.floor(150 / batchBytes) + 1
    expect(index.length).to.equal(8 * Math.floor((perSegment - 1) / every))
    expect([index.readInt32BE(0), index.readInt32BE(4)]).to.deep.equal([every, every * batchBytes])
    const times = disk.disk.readFile('t-0/00000000000000000000.timeindex')!
    expect(times.length).to.equal(12)
    expect([times.readBigInt64BE(0), times.readInt32BE(8)]).to.deep.equal([BigInt(START_MS), 0])
    await t.log.close()
  })

  it('uses tail memory again, but never under a reader', async () => {
    const t = makeLog(disk.disk, {}, 0)
    t.produce([{ value: 'first' }])
    t.log.flushPending()
    const result = await t.log.read(0, { maxBytes: 1000, upperBound: 1, minOneMessage: true })
    for (let i = 0; i < 300; i++) {
      t.produce([{ value: 'x'.repeat(50_000) }])
      t.log.flushPending()
      await t.log.flush()
    }
    expect(recordsIn(result)[0]!.value).to.equal('first')
    result.release?.()
    expect((await readAll(t.log, 0, 50_000)).length).to.equal(301)
    expect(t.ports.shared!.chunks.hotBytes).to.be.at.most(2 * 1024 * 1024)
    await t.log.close()
    expect(t.ports.shared!.chunks.hotBytes).to.equal(0)
  })

  it('gives chunks from small to large, and large batches their own', () => {
    const chunks = new Chunks({ hotBytesMax: 1 << 30 })
    expect(chunks.allocate(100, 0).length).to.be.below(4 * 1024)
    expect(chunks.allocate(100, 16 * 1024 - 64).length).to.be.within(60_000, 65_536)
    expect(chunks.allocate(100, (1 << 20) - 64).length).to.be.within(1_000_000, 1 << 20)
    expect(chunks.allocate(700_000, 1 << 20).length).to.equal(700_000)
  })
})

describe('log store', () => {
  for (const kind of disks) {
    it(`makes, lists, deletes and opens again (${kind.name})`, async () => {
      const own = kind.make()
      const directories = [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, own.disk)]
      const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
      const store = new LogStore({}, ports)
      const config = defaultLogConfig()
      const options = { origin: 'client', leaderEpoch: 0, now: START_MS } as const
      for (let i = 0; i < 3; i++) {
        store.create('a-b.c', i, config).append(buildBatch([{ value: `${i}` }]), options)
      }
      expect(store.create('a-b.c', 0, config)).to.equal(store.get('a-b.c', 0))
      store.create('empty', 0, config)
      store.flushPending()
      expect(store.describe()[0]!.logs.map((log) => `${log.topic}:${log.partition}:${log.endOffset}`)).to.deep.equal([
        'a-b.c:0:1',
        'a-b.c:1:1',
        'a-b.c:2:1',
        'empty:0:0',
      ])
      await store.delete('a-b.c', 1)
      expect(store.get('a-b.c', 1)).to.equal(null)
      store.create('a-b.c', 1, config)
      await store.close()
      own.disk.makeFolder('gone-0.0123456789abcdef0123456789abcdef-delete')

      const again = new LogStore({}, ports)
      await again.open(() => ({ topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitionCount: 3, config }))
      expect([...again.list()].map((log) => `${log.topic}:${log.partition}:${log.endOffset}`)).to.deep.equal([
        'a-b.c:0:1',
        'a-b.c:2:1',
      ])
      expect(own.disk.list('').filter((name) => /-\d+$/.test(name))).to.deep.equal(['a-b.c-0', 'a-b.c-2'])
      await again.close()
      own.remove()
    })
  }

  it("leaves a folder alone whose partition.metadata is a later program's", async () => {
    const disk = new MemoryDisk()
    const metadata = Buffer.from('version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg\nmore: 7\n')
    disk.writeFile('t-0/partition.metadata', metadata)
    disk.writeFile('t-0/00000000000000000000.log', buildBatch([{ value: 'v' }]))
    const said: string[] = []
    const ports = {
      directories: [new LogDir({ path: '/data', id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)],
      clock: new VirtualClock({ startMs: START_MS }),
      random: seededRandom(3),
      logger: { ...silentLogger, error: (line: string) => void said.push(line) },
    }
    const store = new LogStore({}, ports)
    const config = defaultLogConfig()
    await store.open(() => ({ topicId: 'AAAAAAAAAAAAAAAAAAAAAw', partitionCount: 1, config }))
    expect(store.get('t', 0)).to.equal(null)
    expect(said).to.deep.equal([
      'The log of t-0 in /data cannot be opened: Error: its partition.metadata has version 1, this program knows version 0',
    ])
    expect(() => store.create('t', 0, config, 'AAAAAAAAAAAAAAAAAAAAAw')).to.throw('version 1')
    await store.close()
    expect(disk.readFile('t-0/partition.metadata')).to.deep.equal(metadata)
  })

  it('knows under which broker epoch all directories ended cleanly, once', async () => {
    const directories = ['/a', '/b'].map(
      (path, index) => new LogDir({ path, id: `AAAAAAAAAAAAAAAAAAAAA${'Qg'[index]}` }, new MemoryDisk()),
    )
    const opened = async (): Promise<LogStore> => {
      const ports = { directories, clock: new VirtualClock({ startMs: START_MS }), random: seededRandom(3) }
      const store = new LogStore({}, ports)
      await store.open(() => null)
      return store
    }
    const mark = '.kafka_cleanshutdown'
    const first = await opened()
    expect(first.previousBrokerEpoch, 'new').to.equal(-1)
    await first.close(7)
    expect((await opened()).previousBrokerEpoch, 'clean').to.equal(7)
    const killed = await opened()
    expect(killed.previousBrokerEpoch, 'killed').to.equal(-1)
    await killed.close(8)
    directories[1]!.disk.remove(mark)
    const half = await opened()
    expect(half.previousBrokerEpoch, 'one directory alone').to.equal(-1)
    await half.close(9)
    directories[0]!.disk.writeFile(mark, Buffer.from('{"version":0,"brokerEp'))
    expect((await opened()).previousBrokerEpoch, 'a mark cut short').to.equal(-1)
    const memory = new LogStore(
      {},
      {
        directories: [new LogDir({ path: '/m' }, new MemoryDisk())],
        clock: new VirtualClock(),
        random: seededRandom(3),
      },
    )
    expect(memory.previousBrokerEpoch, 'in memory').to.equal(-1)
  })
})
