import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Cluster, type ClusterOptions } from '../../lib/index.js'

describe('embed/cluster-folder', () => {
  let root = ''
  let dataDir = ''
  const open: Cluster[] = []

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'odradek-folder-'))
    dataDir = join(root, 'cluster')
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((cluster) => cluster.close()))
    rmSync(root, { recursive: true })
  })

  async function start(brokerIds: number[], more: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.create({ brokerIds, dataDir, ...more })
    open.push(cluster)
    return cluster
  }

  async function refuses(brokerIds: number[], sentence: RegExp, more: ClusterOptions = {}): Promise<void> {
    const error = await start(brokerIds, more).then(
      () => null,
      (failure: Error) => failure,
    )
    expect(error?.message).to.match(sentence)
    expect(error).to.have.property('code', 'ERR_ODRADEK_DATA_DIR')
  }

  it('a cluster comes back with fewer and with more brokers', async () => {
    const first = await start([1, 2, 3], { topics: ['t'] })
    const { clusterId } = first
    await first.close()
    const fewer = await start([2, 3])
    expect(fewer.clusterId).to.equal(clusterId)
    expect(fewer.leaderOf('t', 0)).to.be.oneOf([2, 3])
    await fewer.close()
    const more = await start([3, 4])
    expect(more.clusterId).to.equal(clusterId)
  })

  it('no name, one that is a list, and a file by that name', async () => {
    await refuses([1, 2], /^dataDir is empty: name a directory/, { dataDir: '' })
    await refuses([1, 2], /one,two" has a comma/, { dataDir: join(root, 'one,two') })
    expect(readdirSync(root)).to.deep.equal([])
    writeFileSync(join(root, 'file'), '')
    await refuses([1, 2], /a file of this name is there/, { dataDir: join(root, 'file') })
  })

  it("another cluster's broker, a broker by another name, missing metadata, missing brokers", async () => {
    await (await start([1, 2])).close()
    const other = join(root, 'other')
    await (await start([3], { dataDir: other })).close()
    cpSync(join(other, 'broker-3'), join(dataDir, 'broker-3'), { recursive: true })
    await refuses(
      [1, 2, 3],
      /broker-1 belongs to the cluster \S+ and .*broker-3 to the cluster \S+: name directories of one/,
    )
    rmSync(join(dataDir, 'broker-3'), { recursive: true })
    cpSync(join(dataDir, 'broker-2'), join(dataDir, 'broker-9'), { recursive: true })
    await refuses([1, 2], /broker-9 belongs to broker 2/)
    rmSync(join(dataDir, 'broker-9'), { recursive: true })
    rmSync(join(dataDir, 'metadata'), { recursive: true })
    await refuses([1, 2], /has brokers, but the cluster's metadata \(metadata\/__cluster_metadata-0\) is gone/)
    rmSync(other, { recursive: true })
    await (await start([3], { dataDir: other })).close()
    rmSync(join(other, 'broker-3'), { recursive: true })
    await refuses([3], /has the metadata of a cluster, but none of its brokers' folders/, { dataDir: other })
    expect(readdirSync(other)).to.deep.equal(['metadata'])
  })

  it('names a meta.properties that it cannot understand', async () => {
    await (await start([1, 2])).close()
    writeFileSync(join(dataDir, 'broker-2', 'meta.properties'), 'version=7\n')
    await refuses([1, 2], /broker-2\/meta\.properties has version 7: a newer program has written it/)
  })

  it('stops, and says so, when another process has taken the folder over', async () => {
    const cluster = await start([1])
    const closed = new Promise<void>((resolve) => cluster.onClose(resolve))
    const taker = { generation: 99, pid: 1, started: '', place: 'elsewhere' }
    writeFileSync(join(dataDir, 'metadata', '.lock'), JSON.stringify(taker))
    await closed
    expect(cluster.failure).to.match(/^Another process has taken .*metadata over: it took this one for dead\.$/)
  })

  it('one broker that has to stop does not run any more, the others do, and it can be started again', async () => {
    const cluster = await start([1, 2])
    const lock = join(dataDir, 'broker-2', '.lock')
    writeFileSync(lock, JSON.stringify({ generation: 99, pid: 1, started: '', place: 'elsewhere' }))
    while (cluster.runningBrokerIds.length > 1) await new Promise(setImmediate)
    expect(cluster.runningBrokerIds).to.deep.equal([1])
    rmSync(lock)
    await cluster.startBroker(2)
    expect(cluster.runningBrokerIds).to.deep.equal([1, 2])
    await cluster.createTopic({ name: 't', replicationFactor: 2 })
    expect(cluster.isrOf('t', 0)).to.have.members([1, 2])
    const late = cluster.close().then(() => cluster.moveCoordinator('g', 1))
    expect(await late.catch((error: Error) => error.message)).to.match(/closed/)
  })

  it('two processes with different brokers do not share it', async () => {
    await (await start([1, 2])).close()
    await start([1])
    const error = await start([2]).then(
      () => null,
      (failure: Error) => failure,
    )
    expect(error).to.have.property('code', 'ERR_ODRADEK_LOCKED')
  })
})
