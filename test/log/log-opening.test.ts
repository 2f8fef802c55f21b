import { expect } from 'chai'
import type { Disk, DiskFile } from '../../lib/host/disk.js'
import type { KnownLog } from '../../lib/log/log-options.js'
import * as header from '../../protocol/batch/header.js'
import { ErrorCode } from '../../protocol/errors.js'
import { crc32 } from '../../protocol/wire/crc32c.js'
import { disks, makeLog, readAll, START_MS, type TestDisk, type TestLog } from './support/harness.js'

const node = disks.find(({ name }) => name === 'node disk')!
const file = (base: number, suffix: string): string => `t-0/${String(base).padStart(20, '0')}${suffix}`

/** Counts the bytes that are read of `.log` files. */
function counting(disk: Disk): { disk: Disk; read: () => number } {
  let bytes = 0
  const wrap = (opened: DiskFile): DiskFile => {
    const readAsync = opened.readAsync.bind(opened)
    opened.readAsync = async (target, position) => {
      const got = await readAsync(target, position)
      if (opened.path.endsWith('.log')) bytes += got
      return got
    }
    return opened
  }
  const proxy = new Proxy(disk, {
    get(target, name) {
      if (name === 'open') return (path: string, options?: { create?: boolean }) => wrap(target.open(path, options))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { disk: proxy, read: () => bytes }
}

/** Segments of ten batches of one record; 35 records, so that the last has five. No hot cache: reads are cold. */
async function filled(disk: Disk): Promise<TestLog> {
  const t = makeLog(disk, { indexIntervalBytes: 200 }, 0)
  for (let i = 0; i < 35; i++) {
    if (i > 0 && i % 10 === 0) t.log.roll(t.clock.now())
    t.clock.advance(1)
    t.produce([{ value: `value ${i}`.padEnd(50, '.') }], {}, Math.floor(i / 7))
  }
  await t.log.flush()
  return t
}

const clean = (end = 35): KnownLog => ({ recoveryPoint: end, logStartOffset: 0, clean: true })
const unclean = (recoveryPoint: number): KnownLog => ({ recoveryPoint, logStartOffset: 0, clean: false })

describe('log/log-opening', () => {
  let own: TestDisk
  beforeEach(() => {
    own = node.make()
  })
  afterEach(() => own.remove())

  const change = (path: string, harm: (bytes: Buffer) => Buffer | undefined): Buffer => {
    const bytes = own.disk.readFile(path)!
    const changed = harm(bytes) ?? bytes
    own.disk.writeFile(path, changed)
    return changed
  }
  const expectAll = async (t: TestLog, count = 35): Promise<void> => {
    const records = await readAll(t.log)
    expect(records.map(({ value }) => Number(value.split(/[ .]+/)[1]))).to.deep.equal(
      Array.from({ length: count }, (_, index) => index),
    )
  }

  it('reads only the ends after a clean stop, and knows everything', async () => {
    const { disk, read } = counting(own.disk)
    const t = await filled(disk)
    const epochs = [...t.log.leaderEpochs]
    const size = t.log.sizeInBytes
    await t.log.close()
    const before = read()
    await t.reopen(clean())
    expect(read() - before).to.be.below(size / 2)
    expect([t.log.endOffset, t.log.recoveryPoint, t.log.sizeInBytes]).to.deep.equal([35, 35, size])
    expect(t.log.leaderEpochs).to.deep.equal(epochs)
    expect(await t.log.maxTimestampOffset()).to.deep.equal({ timestamp: START_MS + 35, offset: 34, leaderEpoch: 4 })
    expect(await t.log.offsetForTimestamp(START_MS + 12)).to.include({ offset: 11 })
    await expectAll(t)
    t.produce([{ value: 'value 35' }], {}, 5)
    await expectAll(t, 36)
    await t.reopen(clean(36))
    await expectAll(t, 36)
    expect(t.said).to.deep.equal([])
    await t.log.close()
  })

  it('an idle log writes nothing when it is opened and closed again', async () => {
    const t = await filled(own.disk)
    await t.reopen(clean())
    const writes: string[] = []
    t.ports.disk = new Proxy(own.disk, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const opensNew = name === 'open' && (args[1] as { create?: boolean } | undefined)?.create === true
          const isLog = String(args[0]).endsWith('.log')
          if (['writeFile', 'rename', 'remove'].includes(String(name)) || (opensNew && !isLog))
            writes.push(String(args[0]))
          return value.apply(target, args)
        }
      },
    })
    await t.reopen(clean())
    await t.reopen(clean())
    expect(writes).to.deep.equal([])
    await t.log.close()
  })

  it('scans from the recovery point on', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    change(file(10, '.log'), (bytes) => void (bytes[300]! ^= 1))
    change(file(30, '.log'), (bytes) => bytes.subarray(0, bytes.length - 3))
    await t.reopen(unclean(21))
    expect([t.log.offline, t.log.endOffset, t.log.recoveryPoint]).to.deep.equal([false, 34, 21])
    expect(t.said).to.have.length(1)
    expect(t.said[0]).to.match(/00000000000000000030\.log ended in \d+ bytes from byte \d+ on that are no whole batch/)
    await t.log.close()
  })

  for (const [name, harm] of Object.entries<(bytes: Buffer) => Buffer | undefined>({
    'an index with half an entry': (bytes) => bytes.subarray(0, bytes.length - 1),
    'an index that points behind the end': (bytes) => void bytes.writeInt32BE(1_000_000, bytes.length - 4),
    'an index of garbage': (bytes) => void bytes.fill(0xee),
    'an index of zeros': (bytes) => void bytes.fill(0),
    'an index whose last entry points into a batch': (bytes) =>
      void bytes.writeInt32BE(bytes.readInt32BE(bytes.length - 4) + 5, bytes.length - 4),
  })) {
    it(`makes again, and says so: ${name}`, async () => {
      const t = await filled(own.disk)
      await t.log.close()
      const good = own.disk.readFile(file(10, '.index'))!
      change(file(10, '.index'), harm)
      await t.reopen(clean())
      await expectAll(t)
      expect(t.said.join()).to.match(/00000000000000000010\.(index|log)/)
      await t.log.close()
      expect(own.disk.readFile(file(10, '.index'))!.equals(good)).to.equal(true)
    })
  }

  it('makes again, and says so: index files that are missing, one without an end of the log', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    const missing = [file(0, '.index'), file(20, '.timeindex'), file(30, '.index')]
    for (const path of missing) own.disk.remove(path)
    await t.reopen(clean())
    await expectAll(t)
    // From there on everything is read.
    expect(t.said.map((line) => /(\d+\.\w+) is missing/.exec(line)?.[1])).to.deep.equal([missing[0]!.slice(4)])
    await t.log.close()
    for (const path of missing) expect(own.disk.exists(path), path).to.equal(true)
  })

  it('believes no time index that a loss of power may have changed: without an offset index, it is not synced', async () => {
    const t = makeLog(own.disk, {}, 0)
    t.produce([{ value: 'a' }, { value: 'b' }])
    await t.log.close()
    const good = own.disk.readFile(file(0, '.timeindex'))!
    // The end of its only entry as a torn write leaves it.
    change(file(0, '.timeindex'), (bytes) => void bytes.fill(0, 4))
    await t.reopen(clean(2))
    expect(await t.log.maxTimestampOffset()).to.deep.include({ offset: 0, timestamp: START_MS })
    await t.log.close()
    expect(own.disk.readFile(file(0, '.timeindex'))!.equals(good)).to.equal(true)
    await t.reopen(clean(2))
    expect(t.said).to.deep.equal([])
    await t.log.close()
  })

  it('believes no index of a segment that ends at the recovery point: it may have been sealed since (make sim SEED=41649 PROFILE=cluster-power)', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    const path = file(10, '.timeindex')
    const good = own.disk.readFile(path)!
    // As a torn write leaves it.
    change(path, (bytes) => void bytes.fill(1, bytes.length - 4))
    await t.reopen(unclean(20))
    expect(await t.log.offsetForTimestamp(START_MS + 19)).to.include({ offset: 18 })
    await t.log.close()
    expect(own.disk.readFile(path)!.equals(good)).to.equal(true)
  })

  it('repairs an index that lies although its ends are right, when it is used', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    change(file(10, '.index'), (bytes) => void bytes.writeInt32BE(bytes.readInt32BE(4) + 7, 4))
    await t.reopen(clean())
    expect(t.said).to.deep.equal([])
    const read = await t.log.read(13, { maxBytes: 100, upperBound: 35, minOneMessage: true })
    expect([read.errorCode, header.baseOffset(read.pieces[0]!)]).to.deep.equal([ErrorCode.NONE, 13])
    read.release?.()
    expect(t.said.join()).to.match(/The indexes of t-0\/00000000000000000010\.log made no sense/)
    await expectAll(t)
    await t.log.close()
  })

  it('serves no byte of a trusted segment that is not what was written', async () => {
    for (const what of ['a record', 'the base offset', 'the length']) {
      const t = await filled(own.disk)
      await t.log.close()
      const size = own.disk.readFile(file(10, '.log'))!.length / 10
      const at = what === 'a record' ? 3 * size + 70 : what === 'the length' ? 3 * size + 10 : 3 * size + 6
      const bytes = change(file(10, '.log'), (log) => void (log[at]! ^= 4))
      await t.reopen(clean())
      if (what === 'a record') {
        const found = await Promise.resolve(t.log.offsetForTimestamp(START_MS + 14)).catch((error: Error) => error.name)
        expect([found, t.log.offline]).to.deep.equal(['DamagedLog', true])
        await t.reopen(clean())
      }
      const read = (offset: number) => t.log.read(offset, { maxBytes: 10 * size, upperBound: 35, minOneMessage: true })
      expect((await read(20)).errorCode, 'another segment').to.equal(ErrorCode.NONE)
      expect((await read(12)).errorCode, what).to.equal(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(t.log.offline).to.equal(true)
      expect(t.said.join()).to.contain(`t-0/00000000000000000010.log is damaged at byte ${3 * size}`)
      await t.log.close()
      expect(own.disk.readFile(file(10, '.log'))!.equals(bytes)).to.equal(true)
      await own.disk.remove('t-0')
    }
  })

  it('goes offline, and changes nothing, for damage below the recovery point', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    own.disk.remove(file(10, '.index'))
    const bytes = change(file(10, '.log'), (log) => log.subarray(0, log.length - 5))
    await t.reopen(unclean(35))
    expect(t.log.offline).to.equal(true)
    expect(t.log.recoveryPoint, 'what a checkpoint would say next').to.equal(35)
    expect(t.said.join()).to.match(/00000000000000000010\.log at byte \d+ is damaged: offset 19, which had been synced/)
    expect(own.disk.readFile(file(10, '.log'))!.equals(bytes)).to.equal(true)
    expect(own.disk.exists(file(30, '.log'))).to.equal(true)
    await t.log.close()
  })

  it('cuts a torn end above the recovery point, and drops what lies above, loudly', async () => {
    for (const [name, lost] of [
      ['inside a batch', 7],
      ['at a border', 0],
    ] as const) {
      const t = await filled(own.disk)
      await t.log.close()
      const size = own.disk.readFile(file(10, '.log'))!.length / 10
      change(file(10, '.log'), (log) => log.subarray(0, 8 * size + lost))
      await t.reopen(unclean(15))
      expect([t.log.offline, t.log.endOffset, t.log.segmentCount], name).to.deep.equal([false, 18, 2])
      expect(t.said.filter((line) => line.includes('is dropped')).length).to.equal(2)
      await expectAll(t, 18)
      t.produce([{ value: 'value 18' }], {}, 9)
      await t.reopen(clean(19))
      await expectAll(t, 19)
      await t.log.close()
      own.disk.remove('t-0')
    }
  })

  it('ignores bytes behind the end of a sealed segment, and says so', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    change(file(10, '.log'), (log) => Buffer.concat([log, Buffer.from('left behind by an editor')]))
    await t.reopen(clean())
    await expectAll(t)
    expect(t.said.join('\n')).to.match(/00000000000000000010\.log has 24 bytes behind its end/)
    await t.log.close()
  })

  it('names messages of an old format and leaves them alone', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    const message = Buffer.alloc(40)
    message.writeInt32BE(40 - 12, 8)
    message[header.MAGIC] = 1
    message.writeUInt32BE(crc32(message, header.MAGIC, 40), 12)
    const bytes = change(file(30, '.log'), (log) => Buffer.concat([log, message]))
    await t.reopen(unclean(0))
    expect(t.log.offline).to.equal(true)
    expect(t.said.join()).to.match(
      /00000000000000000030\.log at byte \d+ has messages of magic 1, as Kafka wrote them before 0\.11/,
    )
    expect(own.disk.readFile(file(30, '.log'))!.equals(bytes)).to.equal(true)
    await t.log.close()
  })

  it('reads the leader epochs from the log when their file is gone, damaged or old', async () => {
    const t = await filled(own.disk)
    const epochs = [...t.log.leaderEpochs]
    const path = 't-0/leader-epoch-checkpoint'
    for (const [text, said] of [
      [null, /leader-epoch-checkpoint is missing/],
      ['0\n2\n0 0\n', /leader-epoch-checkpoint is damaged in line 3/],
      ['0\n1\n0 0\n', null],
    ] as const) {
      await t.log.close()
      if (text === null) own.disk.remove(path)
      else own.disk.writeFile(path, Buffer.from(text))
      t.said.length = 0
      await t.reopen(clean())
      expect(t.log.leaderEpochs).to.deep.equal(epochs)
      if (said !== null) expect(t.said.join()).to.match(said)
    }
    await t.log.close()
    expect(own.disk.readFile(path)!.toString()).to.equal('0\n5\n0 0\n1 7\n2 14\n3 21\n4 28\n')
  })

  it('uses an older snapshot, or none, when the newest is damaged', async () => {
    const t = makeLog(own.disk)
    for (let i = 0; i < 9; i++) {
      if (i > 0 && i % 3 === 0) t.log.roll(t.clock.now())
      t.produce([{ value: 'x' }], { producerId: 5, producerEpoch: 0, baseSequence: i, transactional: true })
    }
    const good = new Map<string, Buffer>()
    for (const damaged of [[], ['9'], ['6', '9'], ['3', '6', '9']]) {
      await t.log.close()
      for (const offset of ['3', '6', '9']) {
        const path = file(Number(offset), '.snapshot')
        good.set(path, good.get(path) ?? own.disk.readFile(path)!)
        own.disk.writeFile(path, damaged.includes(offset) ? Buffer.from('?') : good.get(path)!)
      }
      t.said.length = 0
      await t.reopen(clean(9))
      expect(t.said.filter((line) => line.includes('.snapshot is damaged')).length).to.equal(damaged.length)
      expect(t.log.producers.get(5)!.batches.at(-1)).to.include({ lastSequence: 8, lastOffset: 8 })
      expect(t.log.firstUnstableOffset).to.equal(0)
    }
    await t.log.close()
  })

  it('begins at the log start that is known, and anew when the log ends below it', async () => {
    const t = await filled(own.disk)
    await t.reopen({ recoveryPoint: 35, logStartOffset: 17, clean: false })
    expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([17, 35])
    await t.reopen({ recoveryPoint: 0, logStartOffset: 50, clean: false })
    expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([50, 50])
    expect(t.said.join()).to.match(/ended at 35, below its start 50/)
    expect(t.produce([{ value: 'next' }]).baseOffset).to.equal(50)
    await t.reopen(clean(51))
    expect([t.log.logStartOffset, t.log.endOffset]).to.deep.equal([50, 51])
    await t.log.close()
  })

  it('is offline, not gone, when its files cannot be read', async () => {
    const t = await filled(own.disk)
    await t.log.close()
    own.disk.remove(file(20, '.log'))
    own.disk.makeFolder(file(20, '.log'))
    await t.reopen(clean())
    expect(t.log.offline).to.equal(true)
    expect(t.said.join()).to.match(/EISDIR/)
    expect(own.disk.exists(file(30, '.log'))).to.equal(true)
    await t.log.close()
  })
})
