import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Broker } from '../../lib/embed/broker.js'
import { run } from './support/program.js'

describe('cli dump of a data directory', () => {
  let dataDir = ''
  const json = async (...path: string[]) =>
    JSON.parse((await run(['dump', join(dataDir, ...path), '--records', '--json'])).out)
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
    const config = { 'metadata.log.max.record.bytes.between.snapshots': 500 }
    const broker = await Broker.create({ dataDir, listen: false, config, topics: ['a', 'b', 'c', 'd', 'e'] })
    await broker.close()
  })
  after(() => rmSync(dataDir, { recursive: true }))

  it('shows the records of the metadata log and of its snapshots by name', async () => {
    const folder = readdirSync(join(dataDir, '__cluster_metadata-0'))
    const snapshot = await json('__cluster_metadata-0', folder.find((name) => name.endsWith('.checkpoint'))!)
    const names = snapshot.map(({ record }: { record: string }) => record)
    expect([names[0], names[names.length - 1]]).to.deep.equal(['control', 'control'])
    const topic = snapshot.find(({ record }: { record: string }) => record === 'TopicRecord')
    expect(topic.fields).to.deep.include({ name: 'a' })
    const log = folder.find((name) => name.endsWith('.log'))
    if (log !== undefined) expect((await json('__cluster_metadata-0', log))[0].record).to.match(/Record$/)
  })

  it('shows checkpoints, meta.properties and partition.metadata', async () => {
    expect(await json('recovery-point-offset-checkpoint')).to.deep.include({ topic: 'a', partition: 0, offset: 0 })
    expect(await json('meta.properties')).to.deep.include({ version: '1', 'node.id': '1' })
    expect((await json('a-0', 'partition.metadata')).topic_id).to.have.length(22)
  })

  it('says what is wrong with a checkpoint', async () => {
    const path = join(dataDir, 'replication-offset-checkpoint')
    writeFileSync(path, '0\n2\na 0 1\n')
    const { code, err } = await run(['dump', path])
    expect([code, err]).to.deep.equal([1, `${path} says that it has 2 entries and has 1.\n`])
  })
})
