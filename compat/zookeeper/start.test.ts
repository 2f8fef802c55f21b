/** `odradek start --zookeeper` over a real server: who may join, and what is refused in one sentence. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ZooKeeperClient } from '../../lib/cluster/coordination/zookeeper/client.js'
import { OPEN_ACL } from '../../lib/cluster/coordination/zookeeper/operations.js'
import { silentLogger } from '../../lib/host/logger.js'
import { NodeNetwork } from '../../lib/host/node-network.js'
import { secureRandom } from '../../lib/host/random-sources.js'
import { SystemClock } from '../../lib/host/system-clock.js'
import { ErrorCode } from '../../protocol/errors.js'
import { launch, type Running, run } from '../../test/cli/support/program.js'
import { eventually, Follower, memberInfo, topicRecord } from '../../test/contracts/coordination.js'
import { engineOver } from './engines.js'
import { Ensemble, zooKeeperUnavailable } from './ensemble.js'

const missing = zooKeeperUnavailable()
const SESSION = ['--zookeeper-session-timeout', '1500']

describe(`odradek start --zookeeper${missing === null ? '' : ` (left out: ${missing})`}`, function () {
  this.timeout(60_000)
  let ensemble: Ensemble
  let folder = ''
  let places = 0
  const running: Running[] = []

  before(async function () {
    if (missing !== null) this.skip()
    ensemble = await Ensemble.start({ servers: 1, tickTimeMs: 200 })
  })
  after(() => ensemble?.stop())
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-zk-'))
    places++
  })
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL')
      await ended
    }
    rmSync(folder, { recursive: true })
  })

  const place = (more = ''): string[] => ['--zookeeper', `${ensemble.connectString}/start/${places}${more}`, ...SESSION]
  const begin = (...args: string[]): Running => {
    const program = launch(['--listen', '127.0.0.1:0', ...args])
    running.push(program)
    return program
  }
  const address = async (program: Running): Promise<string> => /^ready (\S+)\n/.exec(await program.output(/\n/))![1]!
  const refused = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(['--listen', '127.0.0.1:0', '--log-level', 'error', ...args])
    expect(err.trimEnd()).not.to.include('\n')
    expect([code, out], err).to.deep.equal([2, ''])
    return err
  }

  it('two brokers are one cluster, whose topics each of them knows', async () => {
    const one = await address(begin('--id', '101', ...place()))
    const two = await address(begin('--id', '102', ...place()))
    const created = await run(['topics', 'create', 't', '--replication-factor', '2', '--bootstrap', one])
    expect(created.code, created.err).to.equal(0)
    expect((await run(['produce', 't', '--bootstrap', two], 'hello\n')).code).to.equal(0)
    const status = await run(['cluster', 'status', '--bootstrap', two])
    expect(status.out).to.match(new RegExp(`\\n101\t${one}\t-\t\\w+\\n102\t${two}\t-\t\\w+\\n`))
  })

  it('people find topics, leaders and in-sync replicas where Kafka kept them', async () => {
    const client = new ZooKeeperClient(
      {
        servers: ensemble.addresses,
        chroot: `/start/${places}`,
        sessionTimeoutMs: 1500,
      },
      { network: new NodeNetwork(), clock: new SystemClock(), random: secureRandom, logger: silentLogger },
      { onDoubt() {}, onExpired() {} },
    )
    const read = async (path: string) => {
      const found = await client.get(path)
      return found === null ? null : JSON.parse(found.data.toString())
    }
    const shows = async (path: string, fits: (value: Record<string, unknown> | null) => boolean) => {
      for (;;) {
        const value = await read(path)
        if (fits(value)) return value
      }
    }
    const one = begin('--id', '101', ...place())
    await address(one)
    const two = begin('--id', '102', ...place())
    const at = await address(two)
    client.start()
    try {
      const flags = ['--partitions', '2', '--replication-factor', '2', '--bootstrap', at]
      expect((await run(['topics', 'create', 't', ...flags])).code).to.equal(0)
      const topic = await shows('/brokers/topics/t', (value) => value !== null)
      expect(topic).to.include({ version: 3 })
      expect(topic.topic_id).to.match(/^[\w-]{22}$/)
      expect(Object.values(topic.partitions as Record<string, number[]>).map((ids) => ids.toSorted())).to.deep.equal([
        [101, 102],
        [101, 102],
      ])
      const state = (partition: number) => `/brokers/topics/t/partitions/${partition}/state`
      const first = await shows(state(1), (value) => (value?.['isr'] as number[])?.length === 2)
      expect(first).to.include({ version: 1, controller_epoch: 1 })
      // The next controller goes on where the first one ended.
      one.child.kill('SIGKILL')
      for (const partition of [0, 1]) {
        const after = await shows(state(partition), (value) => String(value?.['isr']) === '102')
        expect(after).to.include({ leader: 102 })
        expect(after.controller_epoch).to.be.above(1)
      }
      expect((await run(['topics', 'create', 'u', '--replication-factor', '1', '--bootstrap', at])).code).to.equal(0)
      await shows('/brokers/topics/u/partitions/0/state', (value) => value?.['leader'] === 102)
      expect((await run(['topics', 'delete', 't', '--bootstrap', at])).code).to.equal(0)
      await shows('/brokers/topics/t', (value) => value === null)
      expect(await client.exists('/brokers/seqid')).not.to.equal(null)
    } finally {
      await client.close()
    }
  })

  it('a taken id: waits for the session of an earlier life, then refuses', async () => {
    await address(begin('--id', '101', ...place()))
    expect(await refused('--id', '101', ...place())).to.match(/^Broker 101 is already a live member of this cluster\. /)
  })

  it('whoever is registered where a broker listens is its earlier life, and waited for while an ensemble in trouble keeps its session', async () => {
    const engine = engineOver(ensemble)
    const at = (port: number) => [{ name: 'PLAINTEXT', host: 'h', port, securityProtocol: 'PLAINTEXT' }]
    try {
      const earlier = await engine.connect(1)
      await earlier.register({ ...memberInfo(1), endpoints: at(9092) })
      const stranger = await engine.connect(1)
      const later = await engine.connect(1)
      const waits = later.register({ ...memberInfo(1), endpoints: at(9092) })
      const refusal = await stranger
        .register({ ...memberInfo(1), endpoints: at(9093) })
        .catch((error: Error) => error.name)
      expect(refusal).to.equal('DuplicateMemberError')
      await earlier.close()
      expect((await waits).brokerEpoch).to.be.above(0)
    } finally {
      await engine.close()
    }
  })

  it('a killed broker comes back when its old session has ended', async () => {
    const first = begin('--id', '101', '--data-dir', join(folder, 'a'), ...place())
    await address(first)
    first.child.kill('SIGKILL')
    await first.ended
    await address(begin('--id', '101', '--data-dir', join(folder, 'a'), ...place()))
  })

  it("refuses a wrong chroot, another cluster's data and another broker's, and founds and changes nothing", async () => {
    const data = ['--data-dir', join(folder, 'a')]
    const first = begin('--id', '101', ...data, ...place())
    const at = await address(first)
    expect((await run(['topics', 'create', 't', '--bootstrap', at])).code).to.equal(0)
    first.child.kill('SIGTERM')
    expect((await first.ended).code).to.equal(0)
    const meta = readFileSync(join(folder, 'a', 'meta.properties'), 'utf8')
    const nowhere = await refused('--id', '101', ...data, ...place('/wrong'))
    expect(nowhere).to.match(
      /^There is no cluster in ZooKeeper at .*\/wrong, and this broker's data belongs to the cluster \S+: give the/,
    )
    // Nothing was founded there: it is refused in the same words.
    expect(await refused('--id', '101', ...data, ...place('/wrong'))).to.equal(nowhere)
    await address(begin('--id', '7', ...place('/other')))
    expect(await refused('--id', '101', ...data, ...place('/other'))).to.match(
      /belongs to the cluster \S+, not to \S+\.$/m,
    )
    expect(await refused('--id', '102', ...data, ...place())).to.match(/belongs to broker 101, and this is broker 102/)
    expect(await refused('--id', '101', ...data)).to.match(/the cluster's metadata \(__cluster_metadata-0\) is gone/)
    expect(readFileSync(join(folder, 'a', 'meta.properties'), 'utf8')).to.equal(meta)
    const again = await address(begin('--id', '101', ...data, ...place()))
    expect((await run(['topics', 'list', '--bootstrap', again])).out).to.equal('t\t1\t1\n')
  })

  it("refuses Kafka's own tree, and one whose log or id is gone, and makes nothing there", async () => {
    const client = new ZooKeeperClient(
      { servers: ensemble.addresses, chroot: '', sessionTimeoutMs: 1500 },
      { network: new NodeNetwork(), clock: new SystemClock(), random: secureRandom, logger: silentLogger },
      { onDoubt() {}, onExpired() {} },
    )
    client.start()
    const root = `/start/${places}`
    const make = (path: string, data = '') =>
      client.create(root + path, { data: Buffer.from(data), mode: 'persistent', acl: OPEN_ACL })
    try {
      await make('')
      await make('/kafka')
      for (const path of ['', '/ids', '/topics']) await make(`/kafka/brokers${path}`)
      await make('/kafka/cluster')
      await make('/kafka/cluster/id', '{"version":"1","id":"ofKafka"}')
      const words = /has a \/cluster\/id and no \/odradek\/head: it is Apache Kafka's, or its log has been deleted/
      expect(await refused('--id', '101', ...place('/kafka'))).to.match(words)
      expect(await client.children(`${root}/kafka`)).to.deep.equal(['brokers', 'cluster'])
      const at = await address(begin('--id', '101', ...place('/own')))
      expect((await run(['topics', 'create', 't', '--bootstrap', at])).code).to.equal(0)
      const { data } = (await client.get(`${root}/own/cluster/id`))!
      await client.delete(`${root}/own/cluster/id`)
      expect(await refused('--id', '102', ...place('/own'))).to.match(
        /has a log and no \/cluster\/id: somebody has deleted/,
      )
      await make('/own/cluster/id', data.toString())
      await client.delete(`${root}/own/odradek/head`)
      expect(await refused('--id', '102', ...place('/own'))).to.match(words)
      expect(await client.exists(`${root}/own/odradek/head`)).to.equal(null)
    } finally {
      await client.close()
    }
  })

  it('takes a batch as large as a node, refuses a larger one, and snapshots in parts that fit', async () => {
    const seen = new Follower()
    const snapshot = () => ({ records: seen.names.map(topicRecord), offset: seen.offset })
    const engine = engineOver(ensemble, { nodeBytesMax: 2000, snapshotEveryRecords: 20, snapshot })
    try {
      const port = await engine.connect(1)
      await port.start(seen)
      await port.register(memberInfo(1))
      port.campaign()
      const { controllerEpoch } = await eventually(() => seen.lease, 'the lease')
      const names = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => topicRecord(`topic-${from + i}`))
      const tooLarge = await port.append(names(0, 200), controllerEpoch)
      expect(tooLarge).to.deep.equal({ errorCode: ErrorCode.RECORD_LIST_TOO_LARGE, offset: -1 })
      expect(seen.names).to.deep.equal([])
      for (let from = 0; from < 60; from += 20) {
        expect((await port.append(names(from, 20), controllerEpoch)).errorCode).to.equal(ErrorCode.NONE)
      }
      expect(seen.names).to.have.length(60)
      // A compaction may still be under way: who comes then reads the log.
      for (let id = 2, read = false; !read; id++) {
        expect(id, 'brokers without a snapshot').to.be.below(20)
        const late = new Follower()
        const onSnapshot = late.onSnapshot.bind(late)
        late.onSnapshot = (records, offset) => {
          read = records.length >= 20
          onSnapshot(records, offset)
        }
        await (await engine.connect(id)).start(late)
        expect(late.names).to.deep.equal(seen.names)
      }
    } finally {
      await engine.close()
    }
  })
})
