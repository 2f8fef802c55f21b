/** Whose directories are these, and do they fit together? Every refusal is one sentence, and changes nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { MemoryDisk } from '../../lib/host/memory-disk.js'
import { type MetaProperties, parseMetaProperties } from '../../lib/log/meta-properties.js'
import { StartError } from '../../lib/server/options.js'
import { startNode } from '../../lib/server/wire-up.js'
import { RunningNode } from '../support/running-node.js'

type Disks = Map<string, MemoryDisk>

const dirs = (disks: Disks) => ({ 'log.dirs': [...disks.keys()].join(',') })
const start = (disks: Disks, values = {}) => RunningNode.start({ ...dirs(disks), ...values }, { disks })

/** Directories that a broker has used, with one topic of two partitions. */
async function used(...paths: string[]): Promise<Disks> {
  const disks: Disks = new Map(paths.map((path) => [path, new MemoryDisk()]))
  const node = await start(disks)
  await node.node.createTopic({ name: 'topic', partitions: 2, replicationFactor: 1, configs: {} })
  await node.close()
  return disks
}

/** Everything in a disk, as text. */
function contents(disk: MemoryDisk, folder = ''): string[] {
  return disk.list(folder).flatMap((name) => {
    const path = folder === '' ? name : `${folder}/${name}`
    try {
      return [`${path} ${disk.readFile(path)!.toString('hex')}`]
    } catch {
      return [path, ...contents(disk, path)]
    }
  })
}

async function refusal(disks: Disks, values = {}): Promise<string> {
  const before = [...disks.values()].map((disk) => contents(disk))
  const error = await start(disks, values).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(StartError)
  expect([...disks.values()].map((disk) => contents(disk))).to.deep.equal(before)
  return (error as StartError).message
}

const edit = (disk: MemoryDisk, change: (text: string) => string) =>
  disk.writeFile('meta.properties', Buffer.from(change(disk.readFile('meta.properties')!.toString())))

describe('server/data-directories', () => {
  it("marks a new directory as Kafka's own tools expect it", async () => {
    const disks = await used('/a', '/b')
    const [a, b] = [...disks.values()].map((disk) => disk.readFile('meta.properties')!.toString())
    const form = /^#\ncluster\.id=([\w-]{22})\ndirectory\.id=([\w-]{22})\nnode\.id=1\nversion=1\n$/
    expect(a).to.match(form)
    expect(form.exec(a!)![1]).to.equal(form.exec(b!)![1])
    expect(form.exec(a!)![2]).not.to.equal(form.exec(b!)![2])
    expect(disks.get('/a')!.readFile('topic-0/partition.metadata')!.toString()).to.match(
      /^version: 0\ntopic_id: [\w-]{22}$/,
    )
    expect(JSON.parse(disks.get('/a')!.readFile('.kafka_cleanshutdown')!.toString())).to.include({ version: 0 })
  })

  it('puts partitions where the fewest are, and finds them again', async () => {
    const disks = await used('/a', '/b')
    const folders = [...disks.values()].map((disk) => disk.list('').filter((name) => name.startsWith('topic')))
    expect(folders).to.deep.equal([['topic-0'], ['topic-1']])
    const again = await start(disks)
    expect(again.lines.filter(({ level }) => level === 'warn' || level === 'error')).to.deep.equal([])
    await again.close()
  })

  it('keeps the metadata apart when metadata.log.dir says so', async () => {
    const disks: Disks = new Map(['/m', '/a'].map((path) => [path, new MemoryDisk()]))
    const values = { 'log.dirs': '/a', 'metadata.log.dir': '/m' }
    for (let life = 0; life < 2; life++) {
      const node = await RunningNode.start(values, { disks })
      await node.node.createTopic({ name: `t${life}`, partitions: 1, replicationFactor: 1, configs: {} })
      expect(node.node.dataDirectories).to.deep.equal(['/a'])
      await node.close()
    }
    expect(disks.get('/m')!.list('')).to.deep.equal(['__cluster_metadata-0', 'meta.properties'])
    expect(disks.get('/a')!.list('')).to.include.members(['t0-0', 't1-0']).and.not.include('__cluster_metadata-0')
  })

  it('leaves foreign files alone', async () => {
    const disks: Disks = new Map([['/a', new MemoryDisk()]])
    disks.get('/a')!.writeFile('notes.txt', Buffer.from('mine'))
    disks.get('/a')!.writeFile('lost+found/x', Buffer.from('y'))
    await (await start(disks)).close()
    await (await start(disks)).close()
    expect(disks.get('/a')!.readFile('notes.txt')!.toString()).to.equal('mine')
    expect(disks.get('/a')!.exists('lost+found/x')).to.equal(true)
  })

  it('takes a file for no partition, whatever it is called', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-dirs-'))
    try {
      writeFileSync(join(folder, 'core-1234'), 'mine')
      for (let life = 0; life < 2; life++) {
        const node = await startNode({ values: { 'log.dirs': folder }, profile: 'test', listen: false })
        await node.close()
      }
      expect(readFileSync(join(folder, 'core-1234'), 'utf8')).to.equal('mine')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses directories of another broker, another cluster, or of two', async () => {
    const disks = await used('/a')
    expect(await refusal(disks, { 'node.id': '5' })).to.equal(
      '/a belongs to broker 1, and this is broker 5: start with --id 1 (node.id=1), or name another directory.',
    )
    const error = await startNode(
      { values: dirs(disks), profile: 'test', listen: false, clusterId: 'AAAAAAAAAAAAAAAAAAAAAw' },
      { disks },
    ).catch((thrown: unknown) => thrown)
    expect((error as Error).message).to.match(/^\/a belongs to the cluster [\w-]{22}, not to AAAAAAAAAAAAAAAAAAAAAw\.$/)
    const other = await used('/b')
    expect(await refusal(new Map([...disks, ...other]))).to.match(
      /^\/a belongs to the cluster .{22} and \/b to the cluster .{22}: name directories of one cluster\.$/,
    )
  })

  it('refuses two directories with one id, of which one is a copy', async () => {
    const disks = await used('/a', '/b')
    const { directoryId } = parseMetaProperties(
      disks.get('/a')!.readFile('meta.properties')!.toString(),
    ) as MetaProperties
    edit(disks.get('/b')!, (text) => text.replace(/directory.id=.*/, `directory.id=${directoryId}`))
    expect(await refusal(disks)).to.match(
      /^\/a and \/b have the same directory\.id [\w-]{22}, one is a copy of the other: /,
    )
    edit(disks.get('/b')!, (text) => text.replace(/directory.id=.*\n/, ''))
    await (await start(disks)).close()
  })

  it('refuses a meta.properties that is newer, malformed, or missing beside partitions', async () => {
    const disks = await used('/a')
    const disk = disks.get('/a')!
    const sound = disk.readFile('meta.properties')!
    edit(disk, (text) => text.replace('version=1', 'version=2'))
    expect(await refusal(disks)).to.match(/^\/a\/meta\.properties has version 2: a newer program has written it/)
    edit(disk, () => 'what is this')
    expect(await refusal(disks)).to.match(/^\/a\/meta\.properties names no version/)
    edit(disk, () => 'version=1\ncluster.id=x\nnode.id=one\n')
    expect(await refusal(disks)).to.match(/^\/a\/meta\.properties has the node\.id "one", which is no number/)
    edit(disk, () => 'version=1\nnode.id=1\n')
    expect(await refusal(disks)).to.match(/^\/a\/meta\.properties names no cluster\.id/)
    disk.remove('meta.properties')
    expect(await refusal(disks)).to.match(/^\/a has partitions \(__cluster_metadata-0\) but no meta\.properties/)
    disk.writeFile('meta.properties', sound)
    await (await start(disks)).close()
  })

  it('refuses partitions without their metadata, and the metadata in another place than the first', async () => {
    const disks = await used('/a', '/b')
    expect(await refusal(new Map([...disks].reverse()))).to.equal(
      "The cluster's metadata is in /a: name that directory first (or as metadata.log.dir).",
    )
    disks.get('/a')!.remove('__cluster_metadata-0')
    expect(await refusal(disks)).to.match(/^\/a has partitions, but the cluster's metadata .* is gone/)
  })

  it('sets a folder aside that the metadata does not know, or knows under another id', async () => {
    const disks = await used('/a')
    const disk = disks.get('/a')!
    disk.writeFile('ghost-3/00000000000000000000.log', Buffer.from('bytes'))
    disk.writeFile('topic-9/00000000000000000000.log', Buffer.from('bytes'))
    disk.writeFile('topic-1/partition.metadata', Buffer.from('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAw'))
    disk.writeFile('half-0.0123456789abcdef0123456789abcdef-delete/x', Buffer.from('bytes'))
    const node = await start(disks)
    const strays = disk.list('').filter((name) => name.endsWith('-stray'))
    expect(strays.map((name) => name.slice(0, 7))).to.deep.equal(['ghost-3', 'topic-1', 'topic-9'])
    for (const name of strays) {
      expect(node.lines.some(({ level, text }) => level === 'warn' && text.includes(`kept as ${name}`))).to.equal(true)
    }
    expect(disk.list('').some((name) => name.endsWith('-delete'))).to.equal(false)
    await node.close()
    await (await start(disks)).close()
    expect(disk.list('').filter((name) => name.endsWith('-stray'))).to.deep.equal(strays)
  })

  it('says what is in the way on a real disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-dirs-'))
    try {
      writeFileSync(join(folder, 'file'), '')
      const error = await startNode({
        values: { 'log.dirs': join(folder, 'file') },
        profile: 'test',
        listen: false,
      }).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(StartError)
      expect((error as Error).message).to.include(`The data directory ${join(folder, 'file')} cannot be used`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
