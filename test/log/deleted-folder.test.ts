import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DiskError } from '../../lib/host/disk.js'
import { silentLogger } from '../../lib/host/logger.js'
import { NodeDisk } from '../../lib/host/node-disk.js'
import { seededRandom } from '../../lib/host/random-sources.js'
import { VirtualClock } from '../../lib/host/virtual-clock.js'
import { defaultLogConfig } from '../../lib/log/config.js'
import { LogDir } from '../../lib/log/log-dir.js'
import { LogStore } from '../../lib/log/log-store.js'
import type { PartitionLog } from '../../lib/log/partition-log.js'
import type { LogStorePorts } from '../../lib/log/store-contract.js'
import { buildBatch } from '../../protocol/batch/builder.js'
import { readAll, START_MS } from './support/harness.js'

const OLD_ID = 'AAAAAAAAAAAAAAAAAAAAAg'
const NEW_ID = 'AAAAAAAAAAAAAAAAAAAAAw'

/** Takes no new names, nor gives old ones up, when it is told so. */
class StubbornDisk extends NodeDisk {
  renames = true
  removes = true

  override rename(from: string, to: string): void {
    if (!this.renames) throw new DiskError('EACCES', from, `Cannot rename ${from} (EACCES).`)
    super.rename(from, to)
  }

  override remove(path: string): void {
    if (!this.removes && /^t-0$|-(delete|future)$/.test(path))
      throw new DiskError('EACCES', path, `Cannot remove ${path} (EACCES).`)
    super.remove(path)
  }
}

function produce(log: PartitionLog, value: string): void {
  log.append(buildBatch([{ key: 'k', value }]), { origin: 'client', leaderEpoch: 0, now: START_MS })
  log.flushPending()
}

describe('the folder of a deleted log', () => {
  let root: string
  let disk: StubbornDisk
  let store: LogStore
  let ports: LogStorePorts
  let said: string[]

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'odradek-deleted-'))
    disk = new StubbornDisk({ root })
    said = []
    const say = (line: string) => void said.push(line)
    ports = {
      directories: [new LogDir({ path: root, id: 'AAAAAAAAAAAAAAAAAAAAAQ' }, disk)],
      clock: new VirtualClock({ startMs: START_MS }),
      random: seededRandom(3),
      logger: { ...silentLogger, warn: say, error: say },
    }
    store = new LogStore({}, ports)
    await store.open(() => null)
  })
  afterEach(async () => {
    disk.removes = true
    await store.close()
    rmSync(root, { recursive: true, force: true })
  })

  const valuesOf = async (log: PartitionLog): Promise<string[]> => (await readAll(log)).map(({ value }) => value)

  it('that cannot be renamed takes nothing of the next log of its name along when a write has ended', async () => {
    const old = store.create('t', 0, defaultLogConfig(), OLD_ID)
    produce(old, 'o'.repeat(500_000))
    expect(old.body.tail.isWriting).to.equal(true)
    disk.renames = false
    const removal = store.delete('t', 0)
    disk.renames = true
    const log = store.create('t', 0, defaultLogConfig(), NEW_ID)
    produce(log, 'new')
    await removal
    await log.flush()
    expect(disk.list('t-0')).to.include('00000000000000000000.log')
    expect(disk.readFile('t-0/partition.metadata')?.toString()).to.include(NEW_ID)
    expect(await valuesOf(log)).to.deep.equal(['new'])
  })

  it("that cannot be removed at the next start either is said, and in nobody's way", async () => {
    produce(store.create('t', 0, defaultLogConfig(), NEW_ID), 'v')
    await store.close()
    const leftovers = ['delete', 'future'].map((why) => `gone-0.${'0'.repeat(32)}-${why}`)
    for (const name of leftovers) disk.makeFolder(name)
    disk.removes = false
    const [directory] = ports.directories
    store = new LogStore({}, ports)
    await store.open(() => ({ topicId: NEW_ID, partitionCount: 1, config: defaultLogConfig() }))
    expect(said).to.have.length(2)
    for (const [index, name] of leftovers.entries()) {
      expect(said[index]).to.match(new RegExp(`^The folder ${name} of a deleted log cannot be removed: .*EACCES`))
    }
    expect(await valuesOf(store.get('t', 0)!)).to.deep.equal(['v'])
    expect(directory!.failure).to.equal(null)
  })

  it('that cannot be removed is said, kept, and no part of the next log of its name', async () => {
    produce(store.create('t', 0, defaultLogConfig(), OLD_ID), 'old')
    disk.renames = false
    disk.removes = false
    await store.delete('t', 0)
    expect(said.at(-1)).to.match(/^The folder t-0 of a deleted log cannot be removed: .*EACCES/)
    expect(() => store.create('t', 0, defaultLogConfig(), NEW_ID)).to.throw(DiskError)
    disk.renames = true
    const log = store.create('t', 0, defaultLogConfig(), NEW_ID)
    produce(log, 'new')
    await log.flush()
    expect(said.at(-1)).to.match(/t-0 belongs to an earlier topic of that name: it is kept as t-0\.\w{32}-stray/)
    expect(await valuesOf(log)).to.deep.equal(['new'])
    expect(disk.list('')[1]).to.match(/^t-0\.\w{32}-stray$/)
  })
})
